package storage_test

import (
	"testing"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

func TestMemory(t *testing.T) {
	storagetest.Conform(t, func() storage.Store { return new(storage.Memory) })
}

func TestFolder(t *testing.T) {
	storagetest.Conform(t, func() storage.Store { return newFolder(t, t.TempDir()) })
}

func newFolder(t testing.TB, path string) *storage.Folder {
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
