package snapshot_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// The end of a file is rewritten, in the same length, after its beginning was read: what was read never was on the device.
func TestTornFileIsNotTaken(t *testing.T) {
	const name = "b.jpg"
	w := newWorld(t, new(storage.Memory))
	old := bytes.Repeat([]byte("old "), 10_000)
	w.write(name, old, someday)
	w.write("c.jpg", jpeg(7, 20_000), someday)
	src := &meddler{Dir: w.source(), path: name, during: func() {
		f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt([]byte("new"), int64(len(old)-3))
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Error(err)
		}
	}}
	s, err := snapshot.Backup(t.Context(), w.repo, src, w.options())
	if err != nil {
		t.Fatal(err)
	}
	w.wantParts(s, map[string]string{"c.jpg": ""}, old)
	if len(s.Failed) != 1 || s.Failed[0].Path != name {
		t.Errorf("failed: %+v", s.Failed)
	}
}
