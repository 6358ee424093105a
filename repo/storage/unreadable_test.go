package storage_test

import (
	"errors"
	"syscall"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// unreadable is a disk with a directory that cannot be read.
type unreadable struct {
	storage.Disk
	dir string
}

func (d unreadable) ReadDir(name string) ([]storage.Entry, error) {
	if name == d.dir {
		return nil, syscall.EIO
	}
	return d.Disk.ReadDir(name)
}

// A listing that is not whole says so: who takes a shorter list for the whole one prunes what is needed.
func TestListWithADirectoryThatCannotBeRead(t *testing.T) {
	disk := new(storagetest.Disk)
	for _, name := range []string{"packs/3f/x", "packs/a0/y", "snapshots/z"} {
		put(t, storage.NewFolder(disk, zeros()), name, "x")
	}
	for _, dir := range []string{".", "packs", "packs/a0"} {
		f := storage.NewFolder(unreadable{disk, dir}, zeros())
		for _, prefix := range []string{"", "packs/"} {
			if dir == "." && prefix != "" {
				continue // it is not read
			}
			if err := listError(f, prefix); !errors.Is(err, syscall.EIO) {
				t.Errorf("%s cannot be read, and list %q says %v", dir, prefix, err)
			}
		}
	}
}
