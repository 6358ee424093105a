package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// meddler changes a folder under the hands of a backup.
type meddler struct {
	*device.Dir
	path   string
	before func() // it is opened
	during func() // its first bytes are read
}

func (m *meddler) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	if f.Path != m.path {
		return m.Dir.Open(ctx, f)
	}
	if do := m.before; do != nil {
		do()
	}
	r, err := m.Dir.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return &meddled{r, m.during}, nil
}

type meddled struct {
	io.ReadCloser
	during func()
}

func (r *meddled) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p[:min(len(p), 1000)])
	if do := r.during; do != nil {
		r.during = nil
		do()
	}
	return n, err
}

// A file that vanishes, grows, shrinks or is rewritten between the listing and its last byte is read again or named, never
// stored as something it was not.
func TestFileChangesUnderTheBackup(t *testing.T) {
	const name = "b.jpg"
	data := jpeg(5, 60_000)
	spare := filepath.Join(t.TempDir(), "spare")
	for what, change := range map[string]func(full string) error{
		"vanishes": os.Remove,
		"shrinks":  func(full string) error { return os.Truncate(full, 30_000) },
		"empties":  func(full string) error { return os.Truncate(full, 0) },
		"grows": func(full string) error {
			f, err := os.OpenFile(full, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("more")
				err = errors.Join(err, f.Close())
			}
			return err
		},
		"is rewritten":   func(full string) error { return os.WriteFile(full, jpeg(6, 60_000), 0o644) },
		"becomes a link": func(full string) error { return errors.Join(os.Remove(full), os.Symlink("a.jpg", full)) },
		"becomes another": func(full string) error {
			return errors.Join(os.WriteFile(spare, jpeg(8, 59_000), 0o644), os.Rename(spare, full))
		},
		"has another time": func(full string) error {
			return os.Chtimes(full, someday.Add(time.Hour), someday.Add(time.Hour))
		},
	} {
		for _, when := range []string{"before", "during"} {
			t.Run(what+" "+when, func(t *testing.T) {
				w := newWorld(t, new(storage.Memory))
				w.write("a.jpg", jpeg(4, 20_000), someday)
				w.write(name, data, someday)
				w.write("c.jpg", jpeg(7, 20_000), someday)
				src := &meddler{Dir: w.source(), path: name}
				var once sync.Once
				do := func() {
					once.Do(func() {
						if err := change(filepath.Join(w.dir, name)); err != nil {
							t.Error(err)
						}
					})
				}
				if when == "before" {
					src.before = do
				} else {
					src.during = do
				}
				s, err := snapshot.Backup(t.Context(), w.repo, src, w.options())
				if err != nil {
					t.Fatal(err)
				}
				if len(s.Failed) > 1 || len(s.Failed) == 1 && s.Failed[0].Path != name {
					t.Errorf("failed: %+v", s.Failed)
				}
				want := treeOf(t, w.dir)
				delete(want, name)
				w.wantParts(s, want, data)
			})
		}
	}
}

// wantParts holds the files that were left alone against the snapshot; of b.jpg it may hold only what was listed.
func (w *world) wantParts(s snapshot.Snapshot, want map[string]string, listed []byte) {
	w.t.Helper()
	for path := range want {
		if e, err := snapshot.Lookup(w.t.Context(), w.repo, s, path); err != nil {
			w.t.Errorf("%s: %v", path, err)
		} else if _, err := io.Copy(io.Discard, snapshot.Open(w.t.Context(), w.repo, e)); err != nil {
			w.t.Errorf("%s: %v", path, err)
		}
	}
	e, err := snapshot.Lookup(w.t.Context(), w.repo, s, "b.jpg")
	if errors.Is(err, snapshot.ErrNoSuchPath) {
		return
	}
	got, readErr := io.ReadAll(snapshot.Open(w.t.Context(), w.repo, e))
	if err != nil || readErr != nil || string(got) != string(listed) {
		w.t.Errorf("b.jpg came back as %d bytes that it never was: %v, %v", len(got), err, readErr)
	}
}

// locked lists a folder as one that cannot be read.
type locked struct {
	roll
	dir string
}

func (l locked) Files(ctx context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		told := false
		for f := range l.roll.Files(ctx) {
			if !strings.HasPrefix(f.Path, l.dir+"/") {
				if !yield(f, nil) {
					return
				}
				continue
			}
			if told {
				continue
			}
			told = true
			if !yield(device.File{}, &device.Problem{Path: l.dir, Err: os.ErrPermission}) {
				return
			}
		}
	}
}

// What lies in a folder that cannot be read is kept as it was, not called gone.
func TestUnreadableFolderKeepsItsOldEntries(t *testing.T) {
	l := afterFirst(t)
	r, err := openStore(t, l.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	src := nightRoll()
	s, err := snapshot.Backup(t.Context(), r, locked{src, "DCIM"}, labOptions(r))
	if err != nil || s.Count.Gone != 0 || len(s.Failed) != 1 || s.Failed[0].Path != "DCIM" {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := gives(r, s, firstRoll()); err != nil {
		t.Error(err)
	}
	next, err := snapshot.Backup(t.Context(), r, src, labOptions(r))
	if err != nil || next.Count.Gone != 1 || next.Count.New != 1 || next.Count.Changed != 1 {
		t.Errorf("%+v, %v", next.Count, err)
	}
	l.truth[s.Name], l.truth[next.Name] = firstRoll(), src
	l.prove()
}

// What is lost below a folder that cannot be read is named, and does not stop the backup.
func TestUnreadableFolderWithLostContent(t *testing.T) {
	l := afterFirst(t)
	l.truth = map[string]roll{}
	var largest storage.Object // of data
	for o, err := range l.store.List(t.Context(), "packs/") {
		if err != nil {
			t.Fatal(err)
		}
		if o.Size > largest.Size {
			largest = o
		}
	}
	if err := l.store.Delete(t.Context(), largest.Name); err != nil {
		t.Fatal(err)
	}
	r, err := openStore(t, l.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, err := snapshot.Backup(t.Context(), r, locked{firstRoll(), "DCIM"}, labOptions(r))
	if err != nil || len(s.Failed) < 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	healed, err := snapshot.Backup(t.Context(), r, firstRoll(), labOptions(r))
	if err != nil {
		t.Fatal(err)
	}
	if err := gives(r, healed, firstRoll()); err != nil {
		t.Error(err)
	}
}

// A pack that is lost is made again by the next backup as far as its pictures are still on the phone.
func TestLostPackIsReadAgain(t *testing.T) {
	l := afterFirst(t)
	l.truth = map[string]roll{}
	packs := 0
	for o, err := range l.store.List(t.Context(), "packs/") {
		if err != nil {
			t.Fatal(err)
		}
		base := l.copied()
		if err := base.store.Delete(t.Context(), o.Name); err != nil {
			t.Fatal(err)
		}
		s, err := base.backup(base.store, firstRoll(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := openStore(t, base.store)
		if err != nil {
			t.Fatal(err)
		}
		if err := gives(r, s, firstRoll()); err != nil {
			t.Error(err)
		}
		r.Close()
		packs++
	}
	t.Logf("%d packs", packs)
}

// stopping is a roll that ends the backup after some bytes.
type stopping struct {
	roll
	left atomic.Int64
	stop context.CancelFunc
}

func (s *stopping) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	r, err := s.roll.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&counting{r, s}, r}, nil
}

type counting struct {
	from io.Reader
	s    *stopping
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p[:min(len(p), 512)])
	if c.s.left.Add(-int64(n)) < 0 {
		c.s.stop()
	}
	return n, err
}

// Interrupted wherever it may be, a backup leaves a repository in which the next one is complete.
func TestInterruptedAnywhere(t *testing.T) {
	times := 50
	if long() {
		times = 1000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	l, interrupted := afterFirst(t), 0
	for i := range times {
		src := maps.Clone(nightRoll())
		for n := range 6 {
			src[fmt.Sprintf("DCIM/NEW_%d.jpg", n)] = jpeg(uint64(1000+6*i+n), 12_000)
		}
		for range 1 + rng.IntN(3) {
			ctx, cancel := context.WithCancel(t.Context())
			halted := &stopping{roll: src, stop: cancel}
			halted.left.Store(rng.Int64N(90_000))
			r, err := openStore(t, l.store)
			if err != nil {
				t.Fatal(err)
			}
			o := labOptions(r)
			o.CheckpointBytes = 15_000
			s, err := snapshot.Backup(ctx, r, halted, o)
			cancel()
			if err == nil {
				l.truth[s.Name] = src
			} else if interrupted++; !errors.Is(err, context.Canceled) {
				t.Fatalf("round %d: %v", i, err)
			}
			r.Close()
		}
		if _, err := l.backup(l.store, src, nil); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if i%25 == 24 {
			l.prove() // also everything that was taken in the rounds before
			l = afterFirst(t)
		}
	}
	t.Logf("%d rounds, %d interruptions", times, interrupted)
}

// full has room for so many bytes.
type full struct {
	*storage.Memory
	room atomic.Int64
}

func (f *full) Put(ctx context.Context, name string, data []byte) error {
	if f.room.Add(-int64(len(data))) < 0 {
		f.room.Add(int64(len(data)))
		return fmt.Errorf("put %s: %w", name, storage.ErrFull)
	}
	return f.Memory.Put(ctx, name, data)
}

// A store that is full loses nothing that is in it, and once there is room the backup goes on.
func TestFullStore(t *testing.T) {
	base, tried := afterFirst(t), 0
	for room := int64(0); ; room += 7_000 {
		l := base.copied()
		store := &full{Memory: l.store.(*storage.Memory)}
		store.room.Store(room)
		_, err := l.backup(store, nightRoll(), often)
		if err == nil {
			break
		}
		if tried++; !errors.Is(err, storage.ErrFull) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
		if err := l.proof(nightRoll()); err != nil {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
	t.Logf("%d sizes of store", tried)
}
