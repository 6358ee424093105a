package device_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"shoebox/device"
)

// Names that would lead elsewhere, or are no names, are refused.
func TestWriteRefusesNames(t *testing.T) {
	above := t.TempDir()
	target := filepath.Join(above, "target")
	if err := os.Mkdir(target, 0o755); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, target, device.DirOptions{Replace: true})
	names := []string{
		"", ".", "..", "/", "/etc/x", "../x", "a/../x", "a/../../x", "a//b", "a/", "./a", "a/.", "a\x00b", strings.Repeat("n", 256), "..//x", "a/..",
	}
	for _, name := range names {
		f := device.File{Path: name, Size: 1}
		if err := d.Write(t.Context(), f, strings.NewReader("x")); !errors.Is(err, device.ErrName) {
			t.Errorf("write %q: %v", name, err)
		}
		if _, err := d.Stat(t.Context(), name); !errors.Is(err, device.ErrName) {
			t.Errorf("stat %q: %v", name, err)
		}
		if _, err := d.Open(t.Context(), f); !errors.Is(err, device.ErrName) {
			t.Errorf("open %q: %v", name, err)
		}
	}
	if n := count(t, above); n != 1 {
		t.Errorf("%d names in the folder above", n)
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// A symlink in the tree, planted before or while files are written, is never
// passed through, wherever it leads; one at the end is replaced, not followed.
func TestWriteThroughPlantedLink(t *testing.T) {
	above := t.TempDir()
	outside, target := filepath.Join(above, "outside"), filepath.Join(above, "target")
	for _, dir := range []string{outside, filepath.Join(target, "real/sub")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(outside, "victim"), "safe")
	for name, to := range map[string]string{"abs": outside, "rel": "../outside", "inside": "real", "real/deep": "../../outside", "self": "self"} {
		if err := os.Symlink(to, filepath.Join(target, name)); err != nil {
			t.Fatal(err)
		}
	}
	d := openDir(t, target, device.DirOptions{Replace: true})
	for _, path := range []string{"abs/x", "rel/x", "inside/x", "real/deep/x", "self/x", "abs/new/x", "inside/sub/x"} {
		if err := d.Write(t.Context(), device.File{Path: path, Size: 1}, strings.NewReader("x")); err == nil {
			t.Errorf("%s was written", path)
		}
		if _, err := d.Open(t.Context(), device.File{Path: path, Size: 1}); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
	if err := os.Symlink(filepath.Join(outside, "victim"), filepath.Join(target, "last")); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), device.File{Path: "last", Size: 1}, strings.NewReader("x")); err != nil {
		t.Error(err)
	}
	if data, _ := os.ReadFile(filepath.Join(outside, "victim")); string(data) != "safe" || count(t, outside) != 1 {
		t.Error("something was written outside")
	}
	// A folder already in use is swapped for a link.
	if err := d.Write(t.Context(), device.File{Path: "swap/a", Size: 1}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(filepath.Join(target, "swap"), filepath.Join(target, "was")), os.Symlink(outside, filepath.Join(target, "swap"))); err != nil {
		t.Fatal(err)
	}
	_ = d.Write(t.Context(), device.File{Path: "swap/victim", Size: 1}, strings.NewReader("x"))
	if data, _ := os.ReadFile(filepath.Join(outside, "victim")); string(data) != "safe" || count(t, outside) != 1 {
		t.Error("something was written through a folder swapped for a link")
	}
}

// A file comes whole or not at all, and nothing is left of one that does not.
func TestWriteWholeOrNotAtAll(t *testing.T) {
	broken := errors.New("broken on purpose")
	for _, replace := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		tests := []struct {
			name string
			ctx  context.Context
			size int64
			r    io.Reader
			want error
		}{
			{"short", t.Context(), 10, strings.NewReader("short"), device.ErrShort},
			{"long", t.Context(), 3, strings.NewReader("long"), device.ErrChanged},
			{"broken", t.Context(), 10, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken},
			{"broken at its end", t.Context(), 4, io.MultiReader(strings.NewReader("full"), iotest.ErrReader(broken)), broken},
			{"cancelled", ctx, 10, io.MultiReader(strings.NewReader("half"), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil })), context.Canceled},
			{"impossible", t.Context(), 1 << 62, strings.NewReader("x"), nil},
		}
		dir := t.TempDir()
		d := openDir(t, dir, device.DirOptions{Replace: replace})
		for _, tt := range tests {
			err := d.Write(tt.ctx, device.File{Path: tt.name, Size: tt.size}, tt.r)
			if err == nil || (tt.want != nil && !errors.Is(err, tt.want)) {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		if n := count(t, dir); n != 0 {
			t.Errorf("%d names are left", n)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What is there stays, unless it was to be replaced; then until the new file is whole.
func TestWriteOver(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "old")
	write(t, filepath.Join(dir, "folder/x"), "x")
	keep, replace := openDir(t, dir, device.DirOptions{}), openDir(t, dir, device.DirOptions{Replace: true})
	f := device.File{Path: "a", Size: 3, ModTime: time.Unix(1600000000, 123456789), Mode: 0o640}
	if err := keep.Write(t.Context(), f, strings.NewReader("new")); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := keep.Write(t.Context(), f, iotest.ErrReader(errors.New("read for nothing"))); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := replace.Write(t.Context(), f, strings.NewReader("ne")); !errors.Is(err, device.ErrShort) {
		t.Error(err)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "a")); string(data) != "old" {
		t.Errorf("%q", data)
	}
	if err := replace.Write(t.Context(), f, strings.NewReader("new")); err != nil {
		t.Error(err)
	}
	got, err := replace.Stat(t.Context(), "a")
	if err != nil || !got.ModTime.Equal(f.ModTime) || got.Mode != 0o640 || got.Size != 3 {
		t.Errorf("%+v %v", got, err)
	}
	for _, d := range []*device.Dir{keep, replace} {
		if err := d.Write(t.Context(), device.File{Path: "folder", Size: 0}, strings.NewReader("")); !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
		if err := d.Write(t.Context(), device.File{Path: "a/b", Size: 0}, strings.NewReader("")); err == nil {
			t.Error("a file became a folder")
		}
	}
	if n := count(t, dir); n != 2 {
		t.Errorf("%d names", n)
	}
}

// Two paths that are one file to the file system (here by a hard link, elsewhere
// by case) do not overwrite each other in silence.
func TestWriteTwoNamesOneFile(t *testing.T) {
	dir := t.TempDir()
	d := openDir(t, dir, device.DirOptions{Replace: true})
	if err := d.Write(t.Context(), device.File{Path: "IMG.jpg", Size: 1}, strings.NewReader("1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "IMG.jpg"), filepath.Join(dir, "img.jpg")); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), device.File{Path: "img.jpg", Size: 1}, strings.NewReader("2")); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := d.Write(t.Context(), device.File{Path: "IMG.jpg", Size: 1}, strings.NewReader("3")); err != nil {
		t.Error("the same path again:", err)
	}
}

// Links are made as they are, also ones that lead out or nowhere.
func TestWriteLinks(t *testing.T) {
	dir := t.TempDir()
	d := openDir(t, dir, device.DirOptions{})
	for i, target := range []string{"/etc/passwd", "../../..", "nowhere", "a\nb", "self"} {
		f := device.File{Path: string(rune('a'+i)) + "/self", Type: device.Symlink, Target: target}
		if err := d.Write(t.Context(), f, nil); err != nil {
			t.Error(err)
		}
		if got, err := d.Stat(t.Context(), f.Path); err != nil || got.Target != target || got.Type != device.Symlink {
			t.Errorf("%+v %v", got, err)
		}
		if err := d.Write(t.Context(), f, nil); !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

// Many write at once into the same new folders.
func TestWriteConcurrently(t *testing.T) {
	d := openDir(t, t.TempDir(), device.DirOptions{})
	errs := make(chan error)
	for i := range 8 {
		go func() {
			var err error
			for j := range 60 {
				name := strings.Repeat("d/", j%30) + string(rune('a'+i)) + string(rune('0'+j%10)) + string(rune('a'+j/10))
				err = errors.Join(err, d.Write(t.Context(), device.File{Path: name, Size: 4}, strings.NewReader("data")))
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	files, problems, err := list(t.Context(), d)
	if len(files) != 480 || len(problems) > 0 || err != nil {
		t.Error(len(files), problems, err)
	}
}
