package adb_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// strangeNames are names of files as people and programs make them.
var strangeNames = []string{"a.jpg", "with space.jpg", "; rm -rf .jpg", "$(touch x).jpg", "it's.jpg", "`id`.jpg", "a,b,420.jpg", "new\nline.jpg", "\xff\xfe.jpg", "-f", "*", "é日本.jpg", `back\slash"quote.jpg`}

// What is pushed is there with its time, and the phone says the same hash, whatever its age and the file's name.
func TestPush(t *testing.T) {
	for name, c := range generations() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.Storage = adbtest.DirTree(dir)
			_, s, _ := realPhone(t, c)
			d := only(t, s)
			when := time.Unix(1_600_000_001, 0)
			for i, file := range strangeNames {
				data, _ := io.ReadAll(adbtest.Content(file, int64(i*i*i*100)))
				at := "/sdcard/DCIM/new folder/" + file
				// a reader that gives its last bytes together with its end, as some do
				n, err := d.Push(t.Context(), at, 0o644, when, iotest.DataErrReader(bytes.NewReader(data)))
				if err != nil || n != int64(len(data)) {
					t.Fatalf("%q: %d of %d bytes, %v", file, n, len(data), err)
				}
				on := filepath.Join(dir, "DCIM/new folder", file)
				got, err := os.ReadFile(on)
				info, _ := os.Stat(on)
				if err != nil || !bytes.Equal(got, data) || !info.ModTime().Equal(when) {
					t.Fatalf("%q arrived with %d of %d bytes, %v", file, len(got), len(data), err)
				}
				if sum, err := d.Sum(t.Context(), at); err != nil || sum != sha256.Sum256(data) {
					t.Errorf("%q: the phone says %x, %v", file, sum, err)
				}
			}
			renames(t, d, dir)
		})
	}
}

func renames(t *testing.T, d *adb.Device, dir string) {
	t.Helper()
	from, to := "/sdcard/DCIM/new folder/"+strangeNames[2], "/sdcard/DCIM/it's there;.jpg"
	if err := d.Rename(t.Context(), from, to, false); err != nil {
		t.Fatal(err)
	}
	if err := d.Rename(t.Context(), "/sdcard/DCIM/new folder/a.jpg", to, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
	if err := d.Rename(t.Context(), "/sdcard/DCIM/new folder/a.jpg", to, true); err != nil {
		t.Errorf("in place of a file that is there: %v", err)
	}
	if err := d.Rename(t.Context(), to, "/sdcard/DCIM/new folder", true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a folder: %v", err)
	}
	if err := d.Rename(t.Context(), "/sdcard/nothing", "/sdcard/other", false); err == nil {
		t.Error("nothing got another name")
	}
	for range 2 {
		if err := d.Remove(t.Context(), to); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "DCIM/it's there;.jpg")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it was removed and is there:", err)
	}
	if err := d.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Sum(t.Context(), "/sdcard/nothing"); !errors.Is(err, adb.ErrNoSum) {
		t.Error("the hash of nothing:", err)
	}
}

// A push that fails says why, and never that it worked.
func TestPushFails(t *testing.T) {
	dir := t.TempDir()
	c := adbtest.Config{Storage: adbtest.DirTree(dir), Cards: map[string]adbtest.Tree{"1234-ABCD": adbtest.NewMemTree()}}
	p, s, _ := realPhone(t, c)
	d := only(t, s)
	data := bytes.Repeat([]byte("shoebox "), 100_000)
	push := func(path string, r io.Reader) error {
		_, err := d.Push(t.Context(), path, 0o644, time.Unix(1, 0), r)
		return err
	}
	if err := push("/storage/1234-ABCD/x.jpg", bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "Read-only") {
		t.Error("onto a card that takes nothing:", err)
	}
	broken := errors.New("broken source")
	if err := push("/sdcard/x.jpg", io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Error("from a source that breaks:", err)
	}
	if err := push("/sdcard/"+strings.Repeat("x", 1100), bytes.NewReader(data)); !errors.Is(err, adb.ErrTooLong) {
		t.Error("to a path that is too long:", err)
	}
	for _, f := range []adbtest.Fault{{Op: "SEND", Kind: adbtest.Cut, At: 300_000}, {Op: "SEND", Kind: adbtest.EndSession, At: 1},
		{Op: "SEND", Kind: adbtest.Fail, At: 70_000, Text: "write failed: I/O error"}, {Op: "SEND", Kind: adbtest.RawClose, Text: "OKAY"}} {
		f.Times = 1
		p.Break(f)
		if err := push("/sdcard/x.jpg", bytes.NewReader(data)); err == nil {
			t.Errorf("%+v: no error", f)
		}
		p.Mend()
		again(t, s)
		d = only(t, s)
	}
}

// again waits until the server has the phone back.
func again(t *testing.T, s *adb.Server) {
	t.Helper()
	for range 200 {
		infos, err := s.Devices(t.Context())
		if err == nil && len(infos) == 1 && infos[0].State == adb.StateDevice {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the phone does not come back")
}

// A full phone says so.
func TestPushOntoAFullPhone(t *testing.T) {
	c := adbtest.Config{Storage: adbtest.DirTree(t.TempDir()), Room: 100_000}
	_, s, _ := realPhone(t, c)
	_, err := only(t, s).Push(t.Context(), "/sdcard/x.jpg", 0o644, time.Unix(1, 0), bytes.NewReader(make([]byte, 300_000)))
	if err == nil || !strings.Contains(err.Error(), "o space left") {
		t.Error(err)
	}
}
