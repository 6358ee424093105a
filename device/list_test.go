package device_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
	"shoebox/device"
	"shoebox/device/adb/adbtest"
)

// drawTree draws paths that can stand in one tree, with the names that sort oddly.
func drawTree(r *rapid.T) []string {
	name := rapid.StringOfN(rapid.SampledFrom([]rune("aab-./ !0é~")), 1, 4, -1).Filter(func(s string) bool {
		return s != "." && s != ".." && !strings.Contains(s, "/")
	})
	path := rapid.Map(rapid.SliceOfN(name, 1, 4), func(parts []string) string { return strings.Join(parts, "/") })
	var paths []string
	for _, p := range rapid.SliceOfN(path, 0, 40).Draw(r, "paths") {
		clash := slices.ContainsFunc(paths, func(q string) bool {
			return p == q || strings.HasPrefix(p, q+"/") || strings.HasPrefix(q, p+"/")
		})
		if !clash {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// Whatever the tree, a folder lists it in byte order of the whole path.
func TestDirOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := drawTree(r)
		dir, err := os.MkdirTemp("", "order")
		if err != nil {
			r.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for _, p := range want {
			write(t, filepath.Join(dir, p), p)
		}
		d, err := device.NewDir(dir, device.DirOptions{})
		if err != nil {
			r.Fatal(err)
		}
		defer d.Close()
		files, problems, err := list(context.Background(), d)
		if err != nil || len(problems) > 0 || !slices.Equal(paths(files), want) {
			r.Fatalf("%v %v\n got %q\nwant %q", err, problems, paths(files), want)
		}
	})
}

// And so does a phone.
func TestPhoneOrder(t *testing.T) {
	tree := &swapTree{}
	_, s := directPhone(t, adbtest.Config{Storage: tree})
	p := openPhone(t, s, device.PhoneOptions{Roots: []string{"DCIM"}})
	rapid.Check(t, func(r *rapid.T) {
		m := adbtest.NewMemTree()
		m.Mkdir("DCIM")
		var want []string
		for _, path := range drawTree(r) {
			m.AddSize("DCIM/"+path, 1)
			want = append(want, "DCIM/"+path)
		}
		tree.Tree = m
		files, problems, err := list(context.Background(), p)
		if err != nil || len(problems) > 0 || !slices.Equal(paths(files), want) {
			r.Fatalf("%v %v\n got %q\nwant %q", err, problems, paths(files), want)
		}
	})
}

type swapTree struct{ adbtest.Tree }

func TestDirExclude(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{"a.jpg", "a.tmp", "cache/x.jpg", "sub/cache/y.jpg", "sub/z.tmp", "sub/k.jpg"} {
		write(t, filepath.Join(dir, p), p)
	}
	tests := []struct{ exclude, want []string }{
		{nil, []string{"a.jpg", "a.tmp", "cache/x.jpg", "sub/cache/y.jpg", "sub/k.jpg", "sub/z.tmp"}},
		{[]string{"*.tmp", "cache"}, []string{"a.jpg", "sub/k.jpg"}},
		{[]string{"/cache"}, []string{"a.jpg", "a.tmp", "sub/cache/y.jpg", "sub/k.jpg", "sub/z.tmp"}},
		{[]string{"sub/*"}, []string{"a.jpg", "a.tmp", "cache/x.jpg"}},
	}
	for _, tt := range tests {
		files, _, err := list(t.Context(), openDir(t, dir, device.DirOptions{Exclude: tt.exclude}))
		if err != nil || !slices.Equal(paths(files), tt.want) {
			t.Errorf("%q: %q %v", tt.exclude, paths(files), err)
		}
	}
}

// A listing ends when it is told to, and when its context does.
func TestDirListingEnds(t *testing.T) {
	dir := t.TempDir()
	for i := range 10 {
		write(t, filepath.Join(dir, fmt.Sprint(i), "f"), "x")
	}
	d := openDir(t, dir, device.DirOptions{})
	n := 0
	for range d.Files(t.Context()) {
		if n++; n == 3 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n = 0
	var last error
	for _, err := range d.Files(ctx) {
		n++
		last = err
		cancel()
	}
	if n > 2 || !errors.Is(last, context.Canceled) {
		t.Error(n, last)
	}
}

// 200,000 files in one folder list fast, in little memory.
func TestDirManyFiles(t *testing.T) {
	dir := t.TempDir()
	const n = 200_000
	for i := range n {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("IMG_%08d.jpg", (i*7919)%n)), os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	d := openDir(t, dir, device.DirOptions{})
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	seen := 0
	for f, err := range d.Files(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == n/2 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			_ = f
		}
	}
	if seen != n {
		t.Error(seen)
	}
	held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d files in %v, %d MiB held midway", seen, time.Since(began), held>>20)
	if held > 64<<20 {
		t.Errorf("%d MiB held", held>>20)
	}
}

// A sparse file above 4 GiB has its size, and can be opened and read into.
func TestDirLargeFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "big"), "begin")
	truncate(t, filepath.Join(dir, "big"), 5<<30)
	d := openDir(t, dir, device.DirOptions{})
	files, _, err := list(t.Context(), d)
	if err != nil || len(files) != 1 || files[0].Size != 5<<30 {
		t.Fatal(files, err)
	}
	r, err := d.Open(t.Context(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "begin" {
		t.Error(string(got), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
