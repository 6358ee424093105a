package storagetest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

func TestCrashDiskCarriesAFolder(t *testing.T) {
	storagetest.Conform(t, func() storage.Store {
		return storage.NewFolder(&storagetest.CrashPoints{Disk: new(storagetest.CrashDisk)}, rand.Reader)
	})
}

// order is what a store does to put an object. The right one leaves nothing out.
type order struct{ noFileSync, noDirSync, noParentSync, noTemporary, syncAfterRename bool }

func (o order) put(d storage.Disk, name string, data []byte) error {
	dir, tmp := path.Dir(name), path.Join(path.Dir(name), ".tmp-"+path.Base(name))
	if o.noTemporary {
		tmp = name
		if err := d.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := d.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if !o.noParentSync {
		if err := d.SyncDir(path.Dir(dir)); err != nil {
			return err
		}
	}
	f, err := d.Create(tmp)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if !o.noFileSync && !o.syncAfterRename {
		err = f.Sync()
	}
	if err == nil && !o.noTemporary {
		err = d.Rename(tmp, name)
	}
	if err == nil && o.syncAfterRename {
		err = f.Sync()
	}
	if err == nil && !o.noDirSync {
		err = d.SyncDir(dir)
	}
	return errors.Join(err, f.Close())
}

// broken stops the order at each call, cuts the power and tells which promises of Put were broken, and how often.
func (o order) broken(t *testing.T) (lost, torn int) {
	t.Helper()
	before, after := bytes.Repeat([]byte("old "), 300), bytes.Repeat([]byte("later"), 500)
	for at := 1; ; at++ {
		disk := new(storagetest.CrashDisk)
		if err := (order{}).put(disk, "d/x", before); err != nil {
			t.Fatal(err)
		}
		points := &storagetest.CrashPoints{Disk: disk, At: at}
		errX, errY := o.put(points, "d/x", after), o.put(points, "e/y", after)
		for seed := range uint64(200) {
			cut := disk.Crash(seed)
			x, _ := cut.Read("d/x", 0, -1)
			y, _ := cut.Read("e/y", 0, -1)
			if errX == nil && !bytes.Equal(x, after) || errY == nil && !bytes.Equal(y, after) {
				lost++
			}
			if !bytes.Equal(x, after) && !bytes.Equal(x, before) || len(y) > 0 && !bytes.Equal(y, after) {
				torn++
			}
		}
		if points.Struck() == "" {
			return lost, torn
		}
	}
}

// The disk proves nothing unless a store that leaves a step out loses something on it.
func TestCrashDiskTellsAWrongOrder(t *testing.T) {
	if lost, torn := (order{}).broken(t); lost+torn > 0 {
		t.Errorf("the right order loses %d and tears %d", lost, torn)
	}
	for name, o := range map[string]order{
		"no sync of the file": {noFileSync: true}, "no sync of the directory": {noDirSync: true},
		"no sync of the directory above": {noParentSync: true}, "no temporary name": {noTemporary: true},
		"file synced after its rename": {syncAfterRename: true},
	} {
		lost, torn := o.broken(t)
		t.Logf("%s: %d lost, %d torn", name, lost, torn)
		if lost+torn == 0 {
			t.Errorf("%s: nobody notices", name)
		}
	}
}

// The folder that is used for repositories keeps its promises.
func TestFolderOnACrashDisk(t *testing.T) {
	ctx, data, cuts := context.Background(), bytes.Repeat([]byte("abc"), 1000), 0
	for at := 1; ; at++ {
		disk := new(storagetest.CrashDisk)
		points := &storagetest.CrashPoints{Disk: disk, At: at}
		f := storage.NewFolder(points, rand.Reader)
		var put []string
		for _, name := range []string{"packs/3f/3f00", "packs/3f/3f01", "shoebox.json", "packs/3f/3f00"} {
			if f.Put(ctx, name, data) == nil {
				put = append(put, name)
			}
		}
		deleted := f.Delete(ctx, "shoebox.json") == nil
		for seed := range uint64(50) {
			cuts++
			cut := storage.NewFolder(disk.Crash(seed), rand.Reader)
			for _, name := range []string{"packs/3f/3f00", "packs/3f/3f01", "shoebox.json"} {
				got, err := cut.Get(ctx, name, 0, -1)
				must := slices.Contains(put, name) && name != "shoebox.json"
				if must && err != nil || err == nil && !bytes.Equal(got, data) || err == nil && deleted && name == "shoebox.json" {
					t.Fatalf("stopped at %s: %s is %d bytes, %v", points.Struck(), name, len(got), err)
				}
			}
		}
		if points.Struck() == "" {
			break
		}
	}
	t.Logf("%d power cuts", cuts)
}

// Each thing a power cut may do does happen, and the same seed gives the same disk.
func TestCrashShowsEverything(t *testing.T) {
	disk := new(storagetest.CrashDisk)
	old, now := bytes.Repeat([]byte{'o'}, 1000), bytes.Repeat([]byte{'n'}, 3000)
	if err := (order{}).put(disk, "d/a", old); err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create("d/b")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write(now)
	if err := errors.Join(disk.Rename("d/a", "d/c"), disk.Mkdir("d/sub")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for seed := range uint64(2000) {
		cut := disk.Crash(seed)
		look(t, cut, now, seen)
		if again := disk.Crash(seed); again.String() != cut.String() {
			t.Fatalf("%s\n%s", cut, again)
		}
		if cut.Pending() != 0 || disk.Pending() != 5 {
			t.Fatal(cut.Pending(), disk.Pending())
		}
	}
	t.Log(seen)
	for _, what := range []string{"old name", "new name", "both names", "neither name", "no file", "empty", "whole", "cut off", "zeros", "mixed", "directory", "no directory"} {
		if seen[what] < 10 {
			t.Errorf("%s: seen %d times", what, seen[what])
		}
	}
}

func look(t *testing.T, cut *storagetest.CrashDisk, now []byte, seen map[string]int) {
	_, errA := cut.Read("d/a", 0, -1)
	_, errC := cut.Read("d/c", 0, -1)
	seen[map[[2]bool]string{{true, false}: "old name", {false, true}: "new name", {true, true}: "both names", {false, false}: "neither name"}[[2]bool{errA == nil, errC == nil}]]++
	if _, err := cut.ReadDir("d/sub"); err == nil {
		seen["directory"]++
	} else {
		seen["no directory"]++
	}
	b, err := cut.Read("d/b", 0, -1)
	switch {
	case err != nil:
		seen["no file"]++
	case len(b) == 0:
		seen["empty"]++
	case bytes.Equal(b, now):
		seen["whole"]++
	case bytes.HasPrefix(now, b):
		seen["cut off"]++
	case len(bytes.Trim(b, "\x00")) == 0:
		seen["zeros"]++
	case len(b) <= len(now):
		seen["mixed"]++
	default:
		t.Fatalf("%d bytes", len(b))
	}
}

// A sync of a file that failed has dropped what it was to write: a later one that succeeds does not bring it back. That of a
// directory may be repeated.
func TestFailedSync(t *testing.T) {
	for only, final := range map[string]bool{"sync ": true, "syncdir ": false} {
		disk := new(storagetest.CrashDisk)
		points := &storagetest.CrashPoints{Disk: disk, At: 1, Fault: storagetest.IOError, Only: func(call string) bool { return strings.HasPrefix(call, only) }}
		f, err := points.Create("x")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte("data"))
		if err := errors.Join(f.Sync(), points.SyncDir(".")); !errors.Is(err, storagetest.ErrFault) {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), points.SyncDir(".")); err != nil {
			t.Fatal(err)
		}
		lost := 0
		for seed := range uint64(100) {
			if data, err := disk.Crash(seed).Read("x", 0, -1); err != nil || string(data) != "data" {
				lost++
			}
		}
		if (lost > 0) != final || (disk.Pending() > 0) != final {
			t.Errorf("after a failed %s: %d of 100 power cuts lose the file, %d pending", only, lost, disk.Pending())
		}
	}
}
