package snapshot_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// A link that is there already and leads to the same place is the same: the time a link was made is not given back.
func TestRestoreTwiceWithALink(t *testing.T) {
	w := newWorld(t, new(storage.Memory))
	link := filepath.Join(w.dir, "link")
	if err := os.Symlink("a.jpg", link); err != nil {
		t.Fatal(err)
	}
	s := w.backup()
	target := t.TempDir()
	for n, want := range []snapshot.Restored{{Files: 1, Bytes: 5}, {Same: 1}} {
		to, err := device.NewDir(target, device.DirOptions{})
		if err != nil {
			t.Fatal(err)
		}
		did, err := snapshot.Restore(t.Context(), w.repo, s, to, snapshot.RestoreOptions{})
		if err != nil || did.Files != want.Files || did.Same != want.Same || did.Kept != 0 {
			t.Errorf("restore %d: %+v, %v", n+1, did, err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // longer than a file system's clock ticks
	}
}
