//go:build unix

package storage_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A pipe in the place of an object is an error at once, not a wait for a writer.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := openFolder(t, dir)
	got := make(chan error, 1)
	go func() {
		_, err := f.Get(ctx, "pipe", 0, -1)
		got <- err
	}()
	select {
	case err := <-got:
		if err == nil {
			t.Fatal("a pipe is read as an object")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a pipe stops Get")
	}
}
