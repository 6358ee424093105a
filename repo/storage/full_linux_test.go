package storage_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// A full disk says so, keeps what is stored, holds no leftovers, and lets things be deleted.
func TestFullDisk(t *testing.T) {
	dir := storagetest.SmallDisk(t, 8<<20)
	if dir == "" {
		return
	}
	f := openFolder(t, dir)
	for _, size := range []int{1 << 20, 1<<20 + 1, 5000, 1} { // the first goes past the page cache where it can
		data := append(storage.AlignedBuffer(size), make([]byte, size)...)
		stored, err := 0, error(nil)
		for ; err == nil && stored < 1<<16; stored++ {
			err = f.Put(ctx, fmt.Sprintf("packs/%d/%d", size, stored), data)
		}
		if !errors.Is(err, storage.ErrFull) {
			t.Fatal(stored, "objects of", size, "bytes, then", err)
		}
		wantNoLeftovers(t, dir)
	}
	names := storagetest.Names(t, f, "")
	for name, size := range names {
		if data, err := f.Get(ctx, name, 0, -1); err != nil || int64(len(data)) != size {
			t.Fatal(name, len(data), err)
		}
	}
	for name := range names {
		if err := f.Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	put(t, f, "packs/again", "there is room now")
}

func wantNoLeftovers(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".tmp-") {
			err = fmt.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
