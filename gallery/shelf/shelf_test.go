package shelf_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoebox/gallery/shelf"
)

func open(t *testing.T, dir string, key byte, limit int64) *shelf.Shelf {
	t.Helper()
	s, err := shelf.Open(dir, [32]byte{key}, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSealedAndGivenBack(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 1, 1<<20)
	data := []byte("what a picture shows")
	if err := s.Put("small/DCIM", data); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Get("small/DCIM"); !ok || !bytes.Equal(got, data) || !s.Has("small/DCIM") {
		t.Errorf("%q, %v", got, ok)
	}
	for _, f := range files(t, dir) {
		text, err := os.ReadFile(f)
		if err != nil || bytes.Contains(text, []byte("picture")) || strings.Contains(f, "DCIM") {
			t.Errorf("%s lies open: %v", f, err)
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	again := open(t, dir, 1, 1<<20)
	if err := again.Close(); err != nil || !again.Has("small/DCIM") {
		t.Errorf("not found again: %v", err)
	}
	if got, ok := open(t, dir, 2, 1<<20).Get("small/DCIM"); ok {
		t.Errorf("another key opened %q", got)
	}
}

// Every byte of a file changed, a file moved to another name, and the whole folder deleted: never wrong bytes, and all works on.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 1, 1<<20)
	put := func() string {
		if err := s.Put("a", []byte("abc")); err != nil {
			t.Fatal(err)
		}
		return files(t, dir)[0]
	}
	path := put()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		path = put()
		spoiled, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		spoiled[i] ^= 1
		if err := os.WriteFile(path, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Get("a"); ok {
			t.Fatalf("byte %d changed and %q came back", i, got)
		}
	}
	for n := range len(whole) {
		put()
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Get("a"); ok {
			t.Fatalf("%d bytes gave %q", n, got)
		}
	}
	put()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Get("a"); ok || s.Has("a") || s.Bytes() != 0 {
		t.Error("what was deleted is still there")
	}
	put()
	if got, ok := s.Get("a"); !ok || string(got) != "abc" {
		t.Errorf("after the folder was deleted: %q, %v", got, ok)
	}
}

func TestBound(t *testing.T) {
	dir := t.TempDir()
	const limit = 100_000
	s := open(t, dir, 1, limit)
	if err := s.Close(); err != nil { // looked through
		t.Fatal(err)
	}
	for i := range 300 {
		if err := s.Put(fmt.Sprint(i), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Get("0"); !ok {
			t.Fatalf("what is used all the time was taken away at %d", i)
		}
		if s.Bytes() > limit {
			t.Fatalf("%d bytes", s.Bytes())
		}
	}
	total := int64(0)
	for _, f := range files(t, dir) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total != s.Bytes() || s.Has("1") || !s.Has("299") {
		t.Errorf("%d bytes on disk, %d counted", total, s.Bytes())
	}
}
