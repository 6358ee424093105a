package snapshot_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// cable is a roll whose bytes come over a cable: what was opened is counted, hashes are told, and files are given from the middle on.
type cable struct {
	roll
	at   map[string]device.File // paths whose listing is another than the roll's
	cut  int64                  // bytes after which the device is gone; 0 for never
	lies bool                   // about hashes
	old  bool                   // it gives files only whole

	mu     sync.Mutex
	opened []string // in this order
	bytes  int64
}

func (c *cable) file(path string) device.File {
	if f, ok := c.at[path]; ok {
		return f
	}
	return c.roll.file(path)
}

func (c *cable) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for _, path := range slices.Sorted(maps.Keys(c.roll)) {
			if !yield(c.file(path), nil) {
				return
			}
		}
	}
}

func (c *cable) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	return c.open(f, f.Path, 0)
}

func (c *cable) OpenAt(ctx context.Context, f device.File, off int64) (io.ReadCloser, error) {
	if c.old {
		return nil, device.ErrNoResume
	}
	return c.open(f, fmt.Sprintf("%s from %d", f.Path, off), off)
}

func (c *cable) open(f device.File, as string, off int64) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = append(c.opened, as)
	return io.NopCloser(&throughCable{c, bytes.NewReader(c.roll[f.Path][off:])}), nil
}

type throughCable struct {
	*cable
	from io.Reader
}

func (c *throughCable) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut > 0 && c.bytes >= c.cut {
		return 0, &device.PhoneError{State: device.ErrPhoneGone}
	}
	if c.cut > 0 {
		p = p[:min(int64(len(p)), c.cut-c.bytes)]
	}
	n, err := c.from.Read(p)
	c.bytes += int64(n)
	return n, err
}

func (c *cable) Sum(_ context.Context, f device.File) ([32]byte, error) {
	sum := sha256.Sum256(c.roll[f.Path])
	if c.lies {
		sum[0]++
	}
	return sum, nil
}

// backupCable takes a snapshot over a cable.
func (l *lab) backupCable(c *cable, adjust func(*snapshot.BackupOptions)) (snapshot.Snapshot, error) {
	l.t.Helper()
	r, err := openStore(l.t, l.store)
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Close()
	o := labOptions(r)
	o.Dear, o.Workers = true, 1
	if adjust != nil {
		adjust(&o)
	}
	return snapshot.Backup(context.Background(), r, c, o)
}

func (l *lab) gives(s snapshot.Snapshot, want roll) {
	l.t.Helper()
	r, err := openStore(l.t, l.store)
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Close()
	if err := gives(r, s, want); err != nil {
		l.t.Error(err)
	}
}

// What was moved is not read again, whatever it is called now; what only looks like it is.
func TestMovedIsNotRead(t *testing.T) {
	l := newLab(t)
	first := &cable{roll: firstRoll()}
	if _, err := l.backupCable(first, nil); err != nil {
		t.Fatal(err)
	}
	next := &cable{roll: firstRoll(), at: make(map[string]device.File)}
	move := func(from, to string) {
		f := next.file(from)
		f.Path = to
		next.roll[to], next.at[to] = next.roll[from], f
		delete(next.roll, from)
	}
	move("DCIM/IMG_0001.jpg", "Pictures/IMG_0001.jpg")
	move("DCIM/IMG_0002.jpg", "DCIM/holiday.jpg")
	move("DCIM/IMG_0003.jpg", "A/first.jpg")
	next.roll["A/first.jpg"] = jpeg(77, len(next.roll["A/first.jpg"])) // of the same size and time
	f := next.at["A/first.jpg"]
	f.Size = int64(len(next.roll["A/first.jpg"]))
	next.at["A/first.jpg"] = f
	s, err := l.backupCable(next, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"A/first.jpg"}; !slices.Equal(next.opened, want) {
		t.Errorf("read %q, not %q", next.opened, want)
	}
	if s.Count.New != 3 || s.Count.Gone != 3 || s.Count.Unchanged != 6 {
		t.Errorf("%+v", s.Count)
	}
	l.gives(s, next.roll)

	// A phone that tells wrong hashes is read.
	move("DCIM/IMG_0004.jpg", "Pictures/IMG_0004.jpg")
	next.lies, next.opened = true, nil
	if s, err = l.backupCable(next, nil); err != nil || !slices.Equal(next.opened, []string{"Pictures/IMG_0004.jpg"}) {
		t.Errorf("read %q, %v", next.opened, err)
	}
	l.gives(s, next.roll)
}

// Small files come first, and the snapshot is in order all the same.
func TestSmallFirst(t *testing.T) {
	l := newLab(t)
	all := roll{}
	for i, size := range []int{40_000, 9_000, 70_000, 5_000, 20_000, 0} {
		all[fmt.Sprintf("DCIM/%d.bin", i)] = bytes.Repeat([]byte{byte(i)}, size)
	}
	c := &cable{roll: all}
	s, err := l.backupCable(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"DCIM/5.bin", "DCIM/3.bin", "DCIM/1.bin", "DCIM/4.bin", "DCIM/0.bin", "DCIM/2.bin"}
	if !slices.Equal(c.opened, want) {
		t.Errorf("read in the order %q", c.opened)
	}
	l.gives(s, all)

	// Cut off in the last one, all others are safe.
	l, c = newLab(t), &cable{roll: all, cut: 80_000}
	s, err = l.backupCable(c, nil)
	if !errors.Is(err, snapshot.ErrLost) || !s.Partial || s.Count.Files != 5 {
		t.Errorf("%+v, %v", s.Count, err)
	}
	some := maps.Clone(all)
	delete(some, "DCIM/2.bin")
	l.gives(s, some)
	c = &cable{roll: all}
	if s, err = l.backupCable(c, nil); err != nil || !slices.Equal(c.opened, []string{"DCIM/2.bin"}) {
		t.Errorf("then read %q, %v", c.opened, err)
	}
	l.gives(s, all)
}

// A backup over a cable keeps what a backup of a folder keeps.
func TestDearKeepsTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	l, plain := newLab(t), newLab(t)
	all := firstRoll()
	for night := range 12 {
		for _, path := range slices.Sorted(maps.Keys(all)) {
			switch random.IntN(8) {
			case 0:
				all[fmt.Sprintf("moved/%d/%s", night, path[strings.LastIndexByte(path, '/')+1:])] = all[path]
				delete(all, path)
			case 1:
				all[path] = jpeg(random.Uint64(), 9_000)
			case 2:
				delete(all, path)
			case 3:
				all[fmt.Sprintf("new/%d", random.Uint32())] = phototest.JPEG(phototest.Rand(random.Uint64()), phototest.Picture{Bytes: 9_000})
			}
		}
		c := &cable{roll: maps.Clone(all)}
		a, err := l.backupCable(c, func(o *snapshot.BackupOptions) { o.Workers = 3 })
		if err != nil {
			t.Fatal(err)
		}
		b, err := plain.backup(plain.store, maps.Clone(all), nil)
		if err != nil {
			t.Fatal(err)
		}
		a.Count.Read, a.Count.Stored, a.Count.Fresh = b.Count.Read, b.Count.Stored, b.Count.Fresh
		if a.Count != b.Count {
			t.Errorf("night %d: %+v over a cable, %+v from a folder", night, a.Count, b.Count)
		}
		if !slices.Equal(l.entries(a), plain.entries(b)) {
			t.Errorf("night %d: other entries", night)
		}
	}
}

func (l *lab) entries(s snapshot.Snapshot) (all []string) {
	l.t.Helper()
	r, err := openStore(l.t, l.store)
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Close()
	for e, err := range snapshot.Entries(context.Background(), r, s) {
		if err != nil {
			l.t.Fatal(err)
		}
		e.Content = nil // ids have another key
		all = append(all, fmt.Sprintf("%+v", e))
	}
	return all
}

// large is a video beyond the size from which files are noted while they are read.
var large = sync.OnceValue(func() roll {
	data := make([]byte, 1000<<10)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data)
	return roll{"DCIM/VID_1.mp4": data}
})

func noting(o *snapshot.BackupOptions) {
	o.Large = 640 << 10
	o.CheckpointEvery = time.Hour
}

// A large file that was cut off goes on where it was.
func TestResumeInside(t *testing.T) {
	for _, others := range []int{0, 1} { // then there is a partial snapshot
		all := maps.Clone(large())
		if others > 0 {
			all["DCIM/small.jpg"] = jpeg(1, 9_000)
		}
		resumeInside(t, all)
	}
}

func resumeInside(t *testing.T, all roll) {
	l := newLab(t)
	c := &cable{roll: all, cut: 900 << 10}
	if s, err := l.backupCable(c, noting); !errors.Is(err, snapshot.ErrLost) || s.Partial != (len(all) > 1) {
		t.Fatalf("it ended with %v", err)
	}
	left := l.copied()
	again := &cable{roll: all}
	s, err := l.backupCable(again, noting)
	if err != nil || len(again.opened) != 1 || !strings.HasPrefix(again.opened[0], "DCIM/VID_1.mp4 from ") || again.bytes > 300<<10 || s.Count.Read != again.bytes {
		t.Errorf("read %d bytes (says %d), %q: %v", again.bytes, s.Count.Read, again.opened, err)
	}
	l.gives(s, all)

	for name, spoil := range map[string]func(*cable){
		"it is another file now": func(c *cable) {
			data := slices.Clone(all["DCIM/VID_1.mp4"])
			data[1000] ^= 1
			c.at = map[string]device.File{"DCIM/VID_1.mp4": c.file("DCIM/VID_1.mp4")} // size and time as before
			c.roll = maps.Clone(all)
			c.roll["DCIM/VID_1.mp4"] = data
		},
		"it has another time now":          func(c *cable) { c.at = map[string]device.File{"DCIM/VID_1.mp4": touched(c.file("DCIM/VID_1.mp4"))} },
		"the phone gives only whole files": func(c *cable) { c.old = true },
	} {
		t.Run(name, func(t *testing.T) {
			l := left.copied()
			c := &cable{roll: all}
			spoil(c)
			s, err := l.backupCable(c, noting)
			if err != nil || c.opened[len(c.opened)-1] != "DCIM/VID_1.mp4" {
				t.Errorf("read %q, %v", c.opened, err)
			}
			l.gives(s, c.roll)
		})
	}
}

func touched(f device.File) device.File {
	f.ModTime = f.ModTime.Add(time.Second)
	return f
}

// The same after the backup itself was stopped, or killed: then the last note tells.
func TestResumeAfterStop(t *testing.T) {
	all := large()
	for _, killed := range []bool{false, true} {
		l := newLab(t)
		ctx, stop := context.WithCancel(context.Background())
		var left *lab
		c := &stopsAt{cable: &cable{roll: all}, after: 950 << 10, stop: func() {
			if killed { // what the store has at this moment is what a kill leaves
				left = l.copied()
			}
			stop()
		}}
		r, err := openStore(t, l.store)
		if err != nil {
			t.Fatal(err)
		}
		o := labOptions(r)
		o.Dear = true
		noting(&o)
		o.CheckpointBytes = 700 << 10
		if _, err := snapshot.Backup(ctx, r, c, o); !errors.Is(err, context.Canceled) {
			t.Fatalf("it ended with %v", err)
		}
		_ = r.Close()
		if !killed {
			left = l
		}
		again := &cable{roll: all}
		s, err := left.backupCable(again, noting)
		if err != nil || len(again.opened) != 1 || !strings.Contains(again.opened[0], " from ") {
			t.Errorf("killed %v: read %d bytes, %q: %v", killed, again.bytes, again.opened, err)
		}
		left.gives(s, all)
	}
}

// stopsAt stops the backup after some bytes.
type stopsAt struct {
	*cable
	after int64
	stop  func()
	once  sync.Once
}

func (s *stopsAt) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	stream, err := s.cable.Open(ctx, f)
	return io.NopCloser(readFunc(func(p []byte) (int, error) {
		if s.bytes >= s.after {
			s.once.Do(s.stop)
			return 0, context.Canceled
		}
		return stream.Read(p)
	})), err
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// Each file is looked at again on its day, and bytes that changed without a trace are told of.
func TestRecheck(t *testing.T) {
	l := newLab(t)
	all := firstRoll()
	if _, err := l.backupCable(&cable{roll: all}, nil); err != nil {
		t.Fatal(err)
	}
	const rotten = "DCIM/IMG_0005.jpg"
	before := all.file(rotten)
	all[rotten] = slices.Clone(all[rotten])
	all[rotten][5000] ^= 1
	var read, silent []string
	for day := range 4 {
		c := &cable{roll: all, at: map[string]device.File{rotten: before}}
		s, err := l.backupCable(c, func(o *snapshot.BackupOptions) {
			o.Recheck = 0.25
			o.Now = func() time.Time { return time.Date(2036, 11, 1+day, 2, 0, 0, 0, time.UTC) }
		})
		if err != nil {
			t.Fatal(err)
		}
		if s.Count.Files != int64(len(all)) || s.Count.Changed != int64(len(s.Silent)) {
			t.Errorf("day %d: %+v, silent %q", day, s.Count, s.Silent)
		}
		read, silent = append(read, c.opened...), append(silent, s.Silent...)
	}
	slices.Sort(read)
	if !slices.Equal(read, slices.Sorted(maps.Keys(all))) {
		t.Errorf("in four days a quarter a day read %q", read)
	}
	if !slices.Equal(silent, []string{rotten}) {
		t.Errorf("told of %q", silent)
	}

	// One that cannot be read on its day stays in the snapshot as it was, and is named.
	for day := range 4 {
		gone := &failing{cable: &cable{roll: all, at: map[string]device.File{rotten: before}}}
		r, err := openStore(t, l.store)
		if err != nil {
			t.Fatal(err)
		}
		o := labOptions(r)
		o.Recheck, o.Now = 0.25, func() time.Time { return time.Date(2036, 12, 1+day, 2, 0, 0, 0, time.UTC) }
		s, err := snapshot.Backup(t.Context(), r, gone, o)
		if err != nil || s.Count.Files != int64(len(all)) || int(s.Count.Failed) != len(s.Failed) {
			t.Errorf("day %d: %+v, %v", day, s.Count, err)
		}
		if err := gives(r, s, all); err != nil {
			t.Error(err)
		}
		_ = r.Close()
	}
}

// failing is a device none of whose files can be read.
type failing struct{ *cable }

func (f *failing) Open(context.Context, device.File) (io.ReadCloser, error) {
	return nil, errors.New("input/output error")
}
