package storage_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

func TestMemory(t *testing.T) {
	storagetest.Conform(t, func() storage.Store { return new(storage.Memory) })
}

func TestFolder(t *testing.T) {
	storagetest.Conform(t, func() storage.Store { return openFolder(t, t.TempDir()) })
}

func TestFolderOnMemoryDisk(t *testing.T) {
	storagetest.Conform(t, func() storage.Store { return storage.NewFolder(new(storagetest.Disk), rand.Reader) })
}

// The stores that fail and log pass the suite too while they have nothing to do.
func TestWrappers(t *testing.T) {
	storagetest.Conform(t, func() storage.Store {
		return &storagetest.Logged{Store: &storagetest.Faulty{Store: new(storage.Memory)}}
	})
}

func openFolder(t testing.TB, path string) *storage.Folder {
	t.Helper()
	f, err := storage.OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// zeros names temporary files in a way that a golden log can hold.
func zeros() *bytes.Reader { return bytes.NewReader(make([]byte, 1<<16)) }
