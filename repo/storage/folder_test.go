package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

var ctx = context.Background()

func put(t testing.TB, s storage.Store, name, data string) {
	t.Helper()
	if err := s.Put(ctx, name, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// watch returns a folder on a disk in memory and the log of what is done to that disk. fail, if any,
// says which call fails.
func watch(fail func(call string) error) (*storage.Folder, *storagetest.Disk, *[]string) {
	disk, log := new(storagetest.Disk), new([]string)
	before := func(call string) error {
		*log = append(*log, call)
		if fail != nil {
			return fail(call)
		}
		return nil
	}
	return storage.NewFolder(&storagetest.WatchedDisk{Disk: disk, Before: before}, zeros()), disk, log
}

// The order of writes is what makes a Put durable: this is the golden log of it.
func TestOrderOfWrites(t *testing.T) {
	f, _, log := watch(nil)
	for _, step := range []struct {
		what string
		do   func() error
		want string
	}{
		{"put into a new directory", func() error { return f.Put(ctx, "packs/3f/3f00", []byte("abc")) }, `
			mkdir packs
			syncdir .
			mkdir packs/3f
			syncdir packs
			create packs/3f/.tmp-0000000000000000
			write packs/3f/.tmp-0000000000000000 3
			sync packs/3f/.tmp-0000000000000000
			close packs/3f/.tmp-0000000000000000
			rename packs/3f/.tmp-0000000000000000 packs/3f/3f00
			syncdir packs/3f`},
		{"put into a known directory", func() error { return f.Put(ctx, "packs/3f/3f01", nil) }, `
			create packs/3f/.tmp-0000000000000000
			write packs/3f/.tmp-0000000000000000 0
			sync packs/3f/.tmp-0000000000000000
			close packs/3f/.tmp-0000000000000000
			rename packs/3f/.tmp-0000000000000000 packs/3f/3f01
			syncdir packs/3f`},
		{"put at the top", func() error { return f.Put(ctx, "shoebox.json", []byte("{}")) }, `
			create .tmp-0000000000000000
			write .tmp-0000000000000000 2
			sync .tmp-0000000000000000
			close .tmp-0000000000000000
			rename .tmp-0000000000000000 shoebox.json
			syncdir .`},
		{"delete", func() error { return f.Delete(ctx, "packs/3f/3f01") }, `
			remove packs/3f/3f01
			syncdir packs/3f`},
		{"delete nothing", func() error { return f.Delete(ctx, "packs/3f/3f01") }, `
			remove packs/3f/3f01
			syncdir packs/3f`},
		{"get and list", func() error { _, err := f.Get(ctx, "shoebox.json", 0, -1); return err }, ``},
	} {
		*log = nil
		if err := step.do(); err != nil {
			t.Fatal(step.what, err)
		}
		if got, want := strings.Join(*log, "\n"), strings.Join(lines(step.want), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", step.what, got, want)
		}
	}
}

func lines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// A directory that is there already may not be durable: a new Folder syncs the one above it.
func TestDirectoryOfAnotherIsSynced(t *testing.T) {
	_, disk, _ := watch(nil)
	if err := errors.Join(disk.Mkdir("packs"), disk.Mkdir("packs/3f")); err != nil {
		t.Fatal(err)
	}
	var log []string
	f := storage.NewFolder(&storagetest.WatchedDisk{Disk: disk, Before: func(call string) error {
		log = append(log, call)
		return nil
	}}, zeros())
	put(t, f, "packs/3f/x", "x")
	if want := []string{"mkdir packs", "syncdir .", "mkdir packs/3f", "syncdir packs"}; !slices.Equal(log[:4], want) {
		t.Fatal(log)
	}
}

// Each call of a Put fails once, for each reason: the old object stays whole or the new one is there,
// no sync is tried again, no temporary file stays unless removing it is what failed.
func TestEachCallFails(t *testing.T) {
	f, _, log := watch(nil)
	put(t, f, "packs/3f/x", "new")
	calls := len(*log)
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC, syscall.EACCES} {
		for k := range calls {
			failOnce(t, k, cause)
		}
	}
	if calls != 10 {
		t.Fatal(calls, "calls")
	}
}

func failOnce(t *testing.T, k int, cause error) {
	t.Helper()
	made, struck := 0, ""
	f, disk, log := watch(func(call string) error {
		if made++; made-1 != k {
			return nil
		}
		struck = call
		return cause
	})
	err := f.Put(ctx, "packs/3f/x", []byte("new"))
	if !errors.Is(err, cause) || errors.Is(err, storage.ErrFull) != (cause == syscall.ENOSPC) {
		t.Fatalf("%s fails with %v, Put says %v", struck, cause, err)
	}
	if left := disk.Leftovers(); len(left) > 0 {
		t.Fatal(struck, "leaves", left)
	}
	if again := slices.Index((*log)[k+1:], struck); again >= 0 && !strings.HasPrefix(struck, "close") {
		t.Fatal(struck, "was tried again after it failed")
	}
	if data, found := disk.Files()["packs/3f/x"]; found && (data != "new" || !strings.HasPrefix(struck, "syncdir")) {
		t.Fatalf("after %s the object holds %q", struck, data)
	}
	put(t, f, "packs/3f/x", "again")
	if got := disk.Files(); !maps.Equal(got, map[string]string{"packs/3f/x": "again"}) {
		t.Fatal(got)
	}
}

func TestCancelledWhileWriting(t *testing.T) {
	cancelling, cancel := context.WithCancel(ctx)
	f, disk, _ := watch(func(call string) error {
		if strings.HasPrefix(call, "sync ") {
			cancel()
		}
		return nil
	})
	if err := f.Put(cancelling, "x", []byte("x")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := disk.Files(); len(got) > 0 {
		t.Fatal(got)
	}
}

// What is staged has no name, and what is discarded leaves nothing; cancelled before it is committed it is gone too.
func TestStage(t *testing.T) {
	f, disk, _ := watch(nil)
	put(t, f, "d/x", "before")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for what, end := range map[string]func(storage.Staged) error{
		"discarded": func(s storage.Staged) error { s.Discard(); return nil },
		"cancelled": func(s storage.Staged) error {
			if err := s.Commit(cancelled); !errors.Is(err, context.Canceled) {
				return fmt.Errorf("committed: %w", err)
			}
			return nil
		},
	} {
		s, err := f.Stage(ctx, "d/x", []byte("after"))
		if err != nil {
			t.Fatal(err)
		}
		if got := storagetest.Names(t, f, ""); !maps.Equal(got, map[string]int64{"d/x": 6}) {
			t.Errorf("%s: while it was staged there were %v", what, got)
		}
		if err := end(s); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := disk.Files(); !maps.Equal(got, map[string]string{"d/x": "before"}) {
			t.Errorf("%s: %v stay", what, got)
		}
	}
}

func TestSweep(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	disk := &storagetest.Disk{Now: func() time.Time { return now }}
	f := storage.NewFolder(disk, zeros())
	put(t, f, "packs/3f/x", "x")
	for _, name := range []string{".tmp-1", "packs/.tmp-2", "packs/3f/.tmp-3"} {
		if _, err := disk.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(23 * time.Hour)
	if _, err := disk.Create("packs/3f/.tmp-young"); err != nil {
		t.Fatal(err)
	}
	if got := storagetest.Names(t, f, ""); !maps.Equal(got, map[string]int64{"packs/3f/x": 1}) {
		t.Fatal("temporary files are listed:", got)
	}
	for _, want := range []int{0, 3, 0} {
		if removed, err := f.Sweep(ctx, now, 24*time.Hour); removed != want || err != nil {
			t.Fatal(removed, err)
		}
		now = now.Add(2 * time.Hour)
	}
	if got := disk.Files(); len(got) != 2 {
		t.Fatal(got)
	}
}

func TestSweepOnDisk(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	put(t, f, "packs/3f/x", "x")
	if err := os.WriteFile(filepath.Join(dir, "packs", "3f", ".tmp-0123456789abcdef"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, age := range []time.Duration{time.Hour, 48 * time.Hour} { // none, then one
		if removed, err := f.Sweep(ctx, time.Now().Add(age), 24*time.Hour); removed != want || err != nil {
			t.Fatal(removed, err)
		}
	}
}

func TestOpenAndCreateFolder(t *testing.T) {
	base := t.TempDir()
	deep := filepath.Join(base, "a", "b", "c")
	if _, err := storage.OpenFolder(deep); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for range 2 {
		f, err := storage.CreateFolder(deep)
		if err != nil {
			t.Fatal(err)
		}
		put(t, f, "x", "x")
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := storage.CreateFolder(filepath.Join(deep, "x")); err == nil {
		t.Fatal("a file is opened as a folder")
	}
	if _, err := storage.CreateFolder(filepath.Join(deep, "x", "below")); err == nil {
		t.Fatal("a folder is made below a file")
	}
}

// A folder that is gone is an error, not an empty store.
func TestListOfWhatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	f, err := storage.CreateFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	put(t, f, "packs/3f/x", "x")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "packs/", "snapshots/"} {
		if err := listError(f, prefix); err == nil {
			t.Fatalf("list %q of a folder that is gone is empty", prefix)
		}
	}
}

func listError(s storage.Store, prefix string) (failed error) {
	for _, err := range s.List(ctx, prefix) {
		failed = err
	}
	return failed
}

// What others put into the folder is passed over when it cannot be an object, and reported when it
// stands where an object could.
func TestStrangersInTheFolder(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	put(t, f, "packs/3f/x", "x")
	outside := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "lost+found", "deep"), 0o700),
		os.WriteFile(filepath.Join(dir, "lost+found", "deep", "file"), nil, 0o600),
		os.WriteFile(filepath.Join(dir, "packs", ".DS_Store"), nil, 0o600),
		os.WriteFile(filepath.Join(dir, "packs", "a name with spaces"), nil, 0o600),
		os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := storagetest.Names(t, f, ""); !maps.Equal(got, map[string]int64{"packs/3f/x": 1}) {
		t.Fatal(got)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "snapshots")); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "snapshots/"} {
		if listError(f, prefix) == nil {
			t.Fatalf("list %q passes over a link", prefix)
		}
	}
	if _, err := f.Get(ctx, "snapshots/secret", 0, -1); err == nil {
		t.Fatal("a link leads out of the folder")
	}
	if err := f.Put(ctx, "snapshots/new", nil); err == nil {
		t.Fatal("a link leads out of the folder")
	}
}
