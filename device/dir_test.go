package device_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
)

func openDir(t *testing.T, path string, o device.DirOptions) *device.Dir {
	t.Helper()
	d, err := device.NewDir(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestDirRoundTrip(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for _, p := range []string{"a/x.jpg", "a.jpg", "a/b/c.mp4", "b/odd \n\xff.jpg", "empty", strings.Repeat("n", 255)} {
		write(t, filepath.Join(from, p), strings.Repeat(p, 1000*len(p)%7777))
	}
	if err := os.Symlink("../nowhere", filepath.Join(from, "a/link")); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 2, 3, 4, 5, 6, 789, time.UTC)
	if err := os.Chtimes(filepath.Join(from, "a.jpg"), at, at); err != nil {
		t.Fatal(err)
	}
	src, dst := openDir(t, from, device.DirOptions{}), openDir(t, to, device.DirOptions{})
	files, problems, err := list(t.Context(), src)
	if err != nil || len(problems) > 0 || len(files) != 7 || !slices.IsSorted(paths(files)) {
		t.Fatal(files, problems, err)
	}
	for _, f := range files {
		if f.Type == device.Symlink {
			if err := dst.Write(t.Context(), f, nil); err != nil {
				t.Fatal(err)
			}
			continue
		}
		r, err := src.Open(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if err := dst.Write(t.Context(), f, r); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	if err := dst.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, problems, err := list(t.Context(), dst)
	if err != nil || len(problems) > 0 || len(again) != len(files) {
		t.Fatal(again, problems, err)
	}
	for i := range files {
		files[i].ModTime, again[i].ModTime = files[i].ModTime.UTC(), again[i].ModTime.UTC()
		if files[i].Type == device.Symlink {
			again[i].ModTime = files[i].ModTime
		}
		if files[i] != again[i] {
			t.Errorf("%+v\n%+v", files[i], again[i])
		}
	}
	if _, err := dst.Stat(t.Context(), "a/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := dst.Write(t.Context(), device.File{Path: "empty"}, strings.NewReader("")); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
}
