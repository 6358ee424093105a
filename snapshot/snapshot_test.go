package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// world is a folder of pictures, a repository, and what every snapshot must give back.
type world struct {
	t      *testing.T
	dir    string
	store  storage.Store
	repo   *repo.Repo
	taken  map[string]map[string]string // snapshot -> path -> what restore must find
	now    time.Time
	adjust func(*snapshot.BackupOptions)
}

func newWorld(t *testing.T, store storage.Store) *world {
	t.Helper()
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), store: store, taken: make(map[string]map[string]string), now: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 64 << 10, Max: 256 << 10, Bits: 16}, PageBits: 3}
	if w.repo, err = repo.Create(t.Context(), store, setup, repo.Options{CacheDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.proveAll)
	return w
}

func (w *world) options() snapshot.BackupOptions {
	o := snapshot.BackupOptions{Device: snapshot.Device{Kind: "folder", Name: "test", ID: snapshot.DeviceID(w.repo, w.dir)}, Host: "here",
		Now: func() time.Time { return w.now }, Progress: new(snapshot.Progress), Batch: repo.BatchOptions{DataPack: 1 << 20, MetaPack: 4 << 20}}
	if w.adjust != nil {
		w.adjust(&o)
	}
	return o
}

func (w *world) source() *device.Dir {
	w.t.Helper()
	d, err := device.NewDir(w.dir, device.DirOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { d.Close() })
	return d
}

// backup takes a snapshot and remembers what it must hold.
func (w *world) backup() snapshot.Snapshot {
	w.t.Helper()
	s, err := snapshot.Backup(w.t.Context(), w.repo, w.source(), w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	w.taken[s.Name] = treeOf(w.t, w.dir)
	w.now = w.now.AddDate(0, 0, 1)
	return s
}

func (w *world) write(path string, data []byte, modified time.Time) {
	w.t.Helper()
	full := filepath.Join(w.dir, filepath.FromSlash(path))
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, data, 0o644), os.Chtimes(full, modified, modified)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(path string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, path)); err != nil {
		w.t.Fatal(err)
	}
}

// treeOf describes every file below a folder: bytes, mode and time.
func treeOf(t testing.TB, dir string) map[string]string {
	t.Helper()
	tree := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if info.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			tree[name] = "-> " + target
			return err
		}
		data, err := os.ReadFile(path)
		tree[name] = fmt.Sprintf("%x %o %d", blake3.Sum256(data), info.Mode().Perm(), info.ModTime().UnixNano())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// proveAll is the oracle every test ends with: each snapshot that was reported gives back every byte, and nothing else; and a
// check finds nothing to say.
func (w *world) proveAll() {
	ctx := context.Background()
	all, damaged, err := snapshot.List(ctx, w.repo)
	if err != nil || len(damaged) > 0 {
		w.t.Errorf("list: %v, %v", damaged, err)
		return
	}
	found := 0
	for _, s := range all {
		want, ok := w.taken[s.Name]
		if !ok {
			continue
		}
		found++
		w.wantTree(ctx, s, want)
	}
	if found != len(w.taken) {
		w.t.Errorf("%d of %d snapshots are listed", found, len(w.taken))
	}
	report, err := snapshot.Check(ctx, w.repo, snapshot.CheckOptions{Read: repo.Budget{All: true}})
	if err != nil || len(report.Damage) > 0 {
		w.t.Errorf("check: %v, %v", report, err)
	}
	if err := w.repo.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) wantTree(ctx context.Context, s snapshot.Snapshot, want map[string]string) {
	w.t.Helper()
	dir := w.t.TempDir()
	to, err := device.NewDir(dir, device.DirOptions{})
	if err != nil {
		w.t.Error(err)
		return
	}
	defer to.Close()
	did, err := snapshot.Restore(ctx, w.repo, s, to, snapshot.RestoreOptions{})
	if err != nil || len(did.Failed) > 0 {
		w.t.Errorf("restore %s: %+v, %v", s.Name, did.Failed, err)
	}
	got := treeOf(w.t, dir)
	for path, what := range want {
		if got[path] != what {
			w.t.Errorf("%s: %q came back as %q, want %q", s.Start.Format(time.DateOnly), path, got[path], what)
		}
	}
	if len(got) != len(want) {
		w.t.Errorf("%s: %d files came back, want %d", s.Start.Format(time.DateOnly), len(got), len(want))
	}
}

func jpeg(seed uint64, size int) []byte {
	return phototest.JPEG(phototest.Rand(seed), phototest.Picture{Bytes: size, Tags: phototest.Tags{Taken: time.Date(2024, 8, 12, 15, 4, 5, 0, time.UTC), Make: "Maker", Model: "One"}})
}

var someday = time.Date(2024, 8, 12, 15, 4, 5, 123456789, time.UTC)

func TestNights(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	for i := range 40 {
		w.write(fmt.Sprintf("DCIM/Camera/IMG_%04d.jpg", i), jpeg(uint64(i), 60_000), someday)
	}
	w.write("empty.txt", nil, someday)
	w.write("a.b", []byte("before the folder a"), someday)
	w.write("a/x", []byte("in it"), someday)
	if err := os.Symlink("DCIM/Camera", filepath.Join(w.dir, "link")); err != nil {
		t.Fatal(err)
	}
	first := w.backup()
	if c := first.Count; c.Files != 44 || c.New != 44 || c.Failed != 0 {
		t.Errorf("first: %+v", c)
	}
	second := w.backup()
	if c := second.Count; c.Unchanged != 44 || c.Read != 0 || c.Fresh != 0 {
		t.Errorf("nothing changed: %+v", c)
	}
	w.write("DCIM/Camera/IMG_0100.jpg", jpeg(100, 60_000), someday)
	w.write("DCIM/Camera/IMG_0003.jpg", jpeg(3, 61_000), someday.Add(time.Second))
	w.remove("DCIM/Camera/IMG_0004.jpg")
	third := w.backup()
	if c := third.Count; c.New != 1 || c.Changed != 1 || c.Gone != 1 || c.Unchanged != 42 || c.Files != 44 {
		t.Errorf("a night: %+v", c)
	}
	if third.Parent != second.Name || third.Writer.Seq != 3 || third.Writer.Prev != second.Name {
		t.Errorf("third does not follow second: %+v", third)
	}
	w.wantDiff(second, third, "changed DCIM/Camera/IMG_0003.jpg", "gone DCIM/Camera/IMG_0004.jpg", "new DCIM/Camera/IMG_0100.jpg")
	w.wantDiff(first, second)
	w.wantHistory(first, second, third)
}

func (w *world) wantDiff(a, b snapshot.Snapshot, want ...string) {
	w.t.Helper()
	var got []string
	for c, err := range snapshot.Diff(w.t.Context(), w.repo, a, b) {
		if err != nil {
			w.t.Fatal(err)
		}
		got = append(got, string(c.What)+" "+max(c.Old.Path, c.New.Path))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("diff: %q, want %q", got, want)
	}
}

func (w *world) wantHistory(all ...snapshot.Snapshot) {
	w.t.Helper()
	h, err := snapshot.History(w.t.Context(), w.repo, all, "DCIM/Camera/IMG_0003.jpg")
	if err != nil || len(h) != 2 || h[0].Last.Name != all[1].Name || h[1].First.Name != all[2].Name {
		w.t.Errorf("history: %+v, %v", h, err)
	}
	h, err = snapshot.History(w.t.Context(), w.repo, all, "DCIM/Camera/IMG_0100.jpg")
	if err != nil || len(h) != 1 || h[0].Absent {
		w.t.Errorf("history of a new one: %+v, %v", h, err)
	}
	h, err = snapshot.History(w.t.Context(), w.repo, all, "DCIM/Camera/IMG_0004.jpg")
	if err != nil || len(h) != 2 || !h[1].Absent {
		w.t.Errorf("history of a deleted one: %+v, %v", h, err)
	}
}

func TestCatalogByDate(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	w.write("DCIM/IMG_20240812_150405.jpg", []byte("no EXIF"), someday)
	w.write("DCIM/other.jpg", jpeg(1, 30_000), someday.AddDate(1, 0, 0))
	first := w.backup()
	w.remove("DCIM/other.jpg")
	second := w.backup()
	c, err := snapshot.ReadCatalog(t.Context(), w.repo, []snapshot.Snapshot{first, second})
	if err != nil || len(c.Pictures) != 2 || len(c.Damaged) > 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.Pictures[0].In != 2 || c.Pictures[1].In != 1 || c.Pictures[1].Last != 0 {
		t.Errorf("%+v", c.Pictures)
	}
	days := c.Days(time.UTC, nil)
	if len(days) != 1 || days[0].Date.Format(time.DateOnly) != "2024-08-12" || len(days[0].Pictures) != 2 {
		t.Errorf("days: %+v", days)
	}
}

func TestLookupFindsEveryPathAndNoOther(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	for i := range 300 {
		w.write(fmt.Sprintf("d%d/f%03d", i%7, i), fmt.Appendf(nil, "%d", i), someday)
	}
	s := w.backup()
	for i := range 300 {
		path := fmt.Sprintf("d%d/f%03d", i%7, i)
		if e, err := snapshot.Lookup(t.Context(), w.repo, s, path); err != nil || e.Path != path {
			t.Fatalf("%s: %+v, %v", path, e.Path, err)
		}
	}
	for _, path := range []string{"", "a", "d0", "d0/f", "d6/f999", "z", "d3/f003x"} {
		if _, err := snapshot.Lookup(t.Context(), w.repo, s, path); !errors.Is(err, snapshot.ErrNoSuchPath) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// A new photo makes one new page, whatever the size of the library; pages do not depend on the way there.
func TestPagesAreReused(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	for i := range 600 {
		w.write(fmt.Sprintf("f%05d", i), nil, someday)
	}
	w.backup()
	w.write("f00300x", nil, someday)
	grown := w.backup()
	if grown.Count.Fresh > 12_000 {
		t.Errorf("one new file wrote %d bytes of pages", grown.Count.Fresh)
	}
	w.adjust = func(o *snapshot.BackupOptions) { o.Force = true } // everything is read, nothing taken over
	forced := w.backup()
	if forced.Count.Fresh != 0 {
		t.Errorf("the same entries made %d bytes of other pages", forced.Count.Fresh)
	}
}

// gate is a source that stops giving bytes after some, as a killed process stops asking for them.
type gate struct {
	*device.Dir
	left  atomic.Int64
	read  atomic.Int64
	close context.CancelFunc
}

type gated struct {
	io.ReadCloser
	g *gate
}

func (g *gate) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	r, err := g.Dir.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return &gated{r, g}, nil
}

func (r *gated) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.g.read.Add(int64(n))
	if r.g.left.Add(-int64(n)) < 0 && r.g.close != nil {
		r.g.close()
	}
	return n, err
}

// An interrupted first backup goes on where it was: nothing that was read whole before the last checkpoint is read again.
func TestInterruptedBackupGoesOn(t *testing.T) {
	for _, gently := range []bool{true, false} {
		t.Run(fmt.Sprintf("gently=%v", gently), func(t *testing.T) {
			store := &dying{Store: new(storage.Memory)}
			w := newWorld(t, store)
			total := int64(0)
			for i := range 60 {
				data := jpeg(uint64(i), 100_000)
				total += int64(len(data))
				w.write(fmt.Sprintf("IMG_%04d.jpg", i), data, someday)
			}
			w.adjust = func(o *snapshot.BackupOptions) { o.CheckpointBytes = 400_000; o.Workers, o.Ahead = 1, 2 }
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			first := &gate{Dir: w.source()}
			first.left.Store(total / 2)
			first.close = func() {
				if !gently {
					store.dead.Store(true) // from now on nothing reaches the store, as after kill -9
				}
				cancel()
			}
			if _, err := snapshot.Backup(ctx, w.repo, first, w.options()); err == nil {
				t.Fatal("it was not interrupted")
			}
			store.dead.Store(false)
			second := &gate{Dir: w.source()}
			second.left.Store(1 << 60)
			s, err := snapshot.Backup(t.Context(), w.repo, second, w.options())
			if err != nil {
				t.Fatal(err)
			}
			w.taken[s.Name] = treeOf(t, w.dir)
			again := first.read.Load() + second.read.Load() - total
			slack := int64(150_000) // the file that was being read
			if !gently {
				slack += 500_000 // what came after the last checkpoint
			}
			if again > slack || s.Count.Read != second.read.Load() {
				t.Errorf("%d of %d bytes were read twice, the first time %d, the second %d", again, total, first.read.Load(), second.read.Load())
			}
			if left, err := w.repo.Unfinished(t.Context()); err != nil || len(left) != 0 {
				t.Errorf("notes are left: %d, %v", len(left), err)
			}
		})
	}
}

// dying is a store that can be made to refuse everything.
type dying struct {
	storage.Store
	dead atomic.Bool
}

var errDead = errors.New("the store is gone")

func (d *dying) Put(ctx context.Context, name string, data []byte) error {
	if d.dead.Load() {
		return errDead
	}
	return d.Store.Put(ctx, name, data)
}

func TestUnreadableFileIsNamedAndTheRestIsSafe(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	w.write("good.jpg", jpeg(1, 50_000), someday)
	w.write("bad.jpg", jpeg(2, 50_000), someday)
	src := &broken{Dir: w.source(), path: "bad.jpg"}
	s, err := snapshot.Backup(t.Context(), w.repo, src, w.options())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Failed) != 1 || s.Failed[0].Path != "bad.jpg" || s.Count.Files != 1 || s.Partial {
		t.Errorf("%+v", s)
	}
	w.taken[s.Name] = map[string]string{"good.jpg": treeOf(t, w.dir)["good.jpg"]}
}

// broken cannot read one path; with gone set, the whole device is lost there.
type broken struct {
	*device.Dir
	path  string
	gone  bool
	tries atomic.Int64
	err   error
}

func (b *broken) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	if f.Path != b.path {
		return b.Dir.Open(ctx, f)
	}
	b.tries.Add(1)
	switch {
	case b.gone:
		return nil, &device.PhoneError{State: device.ErrPhoneGone}
	case b.err != nil:
		return nil, b.err
	}
	return nil, fs.ErrPermission
}

func TestNothingReadableMakesNoSnapshot(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	w.write("bad.jpg", jpeg(2, 50_000), someday)
	if _, err := snapshot.Backup(t.Context(), w.repo, &broken{Dir: w.source(), path: "bad.jpg"}, w.options()); !errors.Is(err, snapshot.ErrNothing) {
		t.Errorf("got %v", err)
	}
	if all, _, err := snapshot.List(t.Context(), w.repo); err != nil || len(all) != 0 {
		t.Errorf("%d snapshots: %v", len(all), err)
	}
	w.remove("bad.jpg")
	if s := w.backup(); s.Count.Files != 0 {
		t.Errorf("an empty folder: %+v", s)
	}
}

func TestForceReadsEverythingAndSaysWhatDiffers(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	w.write("same.jpg", jpeg(1, 50_000), someday)
	w.write("silent.jpg", jpeg(2, 50_000), someday)
	w.backup()
	flipped := jpeg(2, 50_000)
	flipped[len(flipped)-100] ^= 1
	w.write("silent.jpg", flipped, someday) // same size, same time
	w.adjust = func(o *snapshot.BackupOptions) { o.Force = true }
	if s := w.backup(); s.Count.Unchanged != 1 || s.Count.Changed != 1 || s.Count.Read != s.Count.Bytes {
		t.Errorf("%+v", s.Count)
	}
}

func TestLostDeviceLeavesAPartialSnapshot(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	for i := range 20 {
		w.write(fmt.Sprintf("IMG_%02d.jpg", i), jpeg(uint64(i), 20_000), someday)
	}
	w.adjust = func(o *snapshot.BackupOptions) { o.Workers, o.Ahead = 1, 1 }
	s, err := snapshot.Backup(t.Context(), w.repo, &broken{Dir: w.source(), path: "IMG_10.jpg", gone: true}, w.options())
	if !errors.Is(err, snapshot.ErrLost) || !errors.Is(err, device.ErrPhoneGone) {
		t.Fatalf("got %v", err)
	}
	if !s.Partial || s.Count.Files < 5 || s.Count.Files > 10 {
		t.Errorf("%+v", s)
	}
	w.now = w.now.Add(time.Hour)
	next := w.backup()
	if next.Count.Files != 20 || next.Count.Read > 15*25_000 || next.Parent != "" {
		t.Errorf("the next one: %+v", next)
	}
}

func TestFileThatKeepsChangingIsTriedTwice(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	w.write("a.jpg", jpeg(1, 20_000), someday)
	w.write("b.jpg", jpeg(2, 20_000), someday)
	src := &broken{Dir: w.source(), path: "a.jpg", err: fmt.Errorf("%w", device.ErrChanged)}
	s, err := snapshot.Backup(t.Context(), w.repo, src, w.options())
	if err != nil || len(s.Failed) != 1 || src.tries.Load() != 2 {
		t.Fatalf("%+v after %d tries, %v", s.Failed, src.tries.Load(), err)
	}
}

func TestStoreErrorEndsTheBackup(t *testing.T) {
	store := &dying{Store: new(storage.Memory)}
	w := newWorld(t, store)
	for i := range 50 {
		w.write(fmt.Sprintf("%02d.jpg", i), jpeg(uint64(i), 100_000), someday)
	}
	src := &gate{Dir: w.source()}
	src.left.Store(1_500_000)
	src.close = func() { store.dead.Store(true) }
	if _, err := snapshot.Backup(t.Context(), w.repo, src, w.options()); !errors.Is(err, errDead) {
		t.Fatalf("got %v", err)
	}
	store.dead.Store(false)
	w.backup()
}

func TestRestoreKeepsWhatIsThere(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	w.write("same", []byte("same"), someday)
	w.write("older", []byte("snapshot's"), someday)
	w.write("newer", []byte("snapshot's"), someday)
	w.write("missing", []byte("snapshot's"), someday)
	s := w.backup()
	for policy, want := range map[snapshot.Overwrite]string{
		snapshot.Never: "kept 2 same 1 written 1", snapshot.IfChanged: "kept 0 same 1 written 3",
		snapshot.IfNewer: "kept 1 same 1 written 2", snapshot.Always: "kept 0 same 0 written 4",
	} {
		dir := t.TempDir()
		for name, at := range map[string]time.Time{"same": someday, "older": someday.Add(-time.Hour), "newer": someday.Add(time.Hour)} {
			data := map[bool]string{true: "same", false: "mine"}[name == "same"]
			if err := errors.Join(os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644), os.Chtimes(filepath.Join(dir, name), at, at)); err != nil {
				t.Fatal(err)
			}
		}
		to, err := device.NewDir(dir, device.DirOptions{Replace: policy != snapshot.Never})
		if err != nil {
			t.Fatal(err)
		}
		dry, err := snapshot.Restore(t.Context(), w.repo, s, to, snapshot.RestoreOptions{Overwrite: policy, DryRun: true})
		if _, missing := os.Stat(filepath.Join(dir, "missing")); err != nil || missing == nil {
			t.Errorf("%s: a dry run wrote: %v", policy, err)
		}
		did, err := snapshot.Restore(t.Context(), w.repo, s, to, snapshot.RestoreOptions{Overwrite: policy})
		got := fmt.Sprintf("kept %d same %d written %d", did.Kept, did.Same, did.Files)
		if err != nil || got != want || did.Files != dry.Files {
			t.Errorf("%s: %s, want %s; dry run said %+v; %v", policy, got, want, dry, err)
		}
		to.Close()
	}
}

func TestResolve(t *testing.T) {
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	var all []snapshot.Snapshot
	for i, name := range []string{"aa11", "ab22", "cc33"} {
		all = append(all, snapshot.Snapshot{Name: name, Start: now.AddDate(0, 0, i-2)})
	}
	for text, want := range map[string]string{"latest": "cc33", "latest~1": "ab22", "latest~2": "aa11", "aa": "aa11", "CC": "cc33", "yesterday": "ab22", "today": "cc33", "2026-11-19": "aa11"} {
		if s, err := snapshot.Resolve(all, text, now, time.UTC); err != nil || s.Name != want {
			t.Errorf("%s: %s, %v", text, s.Name, err)
		}
	}
	for _, text := range []string{"a", "x", "", "latest~3", "latest~-1", "latestx", "2026-11-01", "2026-13-01"} {
		if s, err := snapshot.Resolve(all, text, now, time.UTC); err == nil {
			t.Errorf("%q is %s", text, s.Name)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"*.jpg", "DCIM/a.jpg", true}, {"*.jpg", "a.jpeg", false}, {"DCIM/*", "DCIM/Camera/a.jpg", true}, {"DCIM/*.jpg", "DCIM/Camera/a.jpg", false},
		{"DCIM/**/a.jpg", "DCIM/a.jpg", true}, {"DCIM/**/a.jpg", "DCIM/x/y/a.jpg", true}, {"Camera", "DCIM/Camera/a.jpg", true}, {"IMG_[0-3].png", "IMG_2.png", true},
		{"IMG_[!0-3].png", "IMG_2.png", false}, {"a?c", "abc", true}, {"a?c", "a/c", false}, {"/a", "b/a", false}, {"/a", "a/b", true}, {"Ü*", "Übung.jpg", true},
		{"*.JPG", "a.jpg", false}, {"a.c", "abc", false}, {"(x)", "(x)", true},
	} {
		p, err := snapshot.CompilePattern(c.pattern, false)
		if err != nil || p.Match(c.path) != c.want {
			t.Errorf("%q against %q: %v, %v", c.pattern, c.path, !c.want, err)
		}
	}
	if p, err := snapshot.CompilePattern("*.JPG", true); err != nil || !p.Match("a.jpg") {
		t.Error("folding case")
	}
}
