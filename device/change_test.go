package device_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoebox/bench/proof/tried"
	"shoebox/device"
	"shoebox/device/adb/adbtest"
)

// A connection cut at each of 4,096 offsets of a file's answer is never a file.
// With the cut passing once, the file comes whole all the same.
func TestCutAtEveryOffset(t *testing.T) {
	m := adbtest.NewMemTree()
	const size = 4096 - 8 - 8 // one DATA frame and DONE
	m.AddSize("DCIM/a.jpg", size)
	x, s := directPhone(t, adbtest.Config{Storage: m})
	p := openPhone(t, s, device.PhoneOptions{Connections: 1})
	files, _, err := list(t.Context(), p)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	want, _ := io.ReadAll(adbtest.Content("DCIM/a.jpg", size))
	for at := range int64(4096) {
		x.Break(adbtest.Fault{Op: "RECV", Kind: adbtest.EndSession, At: at})
		got, err := read(t, p, files[0])
		if err == nil || errors.Is(err, io.EOF) || !bytes.HasPrefix(want, got) {
			t.Fatalf("cut at %d: %d bytes, %v", at, len(got), err)
		}
		x.Mend()
		if at%16 != 0 {
			continue
		}
		x.Break(adbtest.Fault{Op: "RECV", Kind: adbtest.EndSession, At: at, Times: 1})
		if got, err := read(t, p, files[0]); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("cut once at %d: %d bytes, %v", at, len(got), err)
		}
	}
	for at := range int64(72) {
		x.Break(adbtest.Fault{Op: "LST2", Kind: adbtest.EndSession, At: at})
		if _, err := read(t, p, files[0]); err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("state after the read cut at %d: %v", at, err)
		}
		x.Mend()
	}
	tried.Cases(t, 13, 4096+256+72)
}

func read(t *testing.T, s source, f device.File) ([]byte, error) {
	t.Helper()
	r, err := s.Open(t.Context(), f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// change is something that happens to a file while a backup is at it.
type change struct {
	name string
	do   func(path string, old []byte) error
}

var changes = []change{
	{"append", func(path string, _ []byte) error {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("more")
		return errors.Join(err, f.Close())
	}},
	{"shrink", func(path string, old []byte) error { return os.Truncate(path, int64(len(old)/2)) }},
	{"rewrite", func(path string, old []byte) error { return os.WriteFile(path, bytes.ToUpper(old), 0o644) }},
	{"delete", func(path string, _ []byte) error { return os.Remove(path) }},
	{"rename away", func(path string, _ []byte) error { return os.Rename(path, path+".old") }},
	{"replace", func(path string, old []byte) error {
		if err := os.WriteFile(path+".new", bytes.ToUpper(old), 0o644); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	}},
	{"become a folder", func(path string, _ []byte) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) }},
	{"become a link", func(path string, _ []byte) error {
		return errors.Join(os.Rename(path, path+".old"), os.Symlink(filepath.Base(path)+".old", path))
	}},
}

// sourceOver opens a source over a folder.
type sourceOver struct {
	name string
	open func(t *testing.T, dir string) (s source, x *adbtest.Direct)
}

func sourcesOver() []sourceOver {
	phone := func(features []string) func(*testing.T, string) (source, *adbtest.Direct) {
		return func(t *testing.T, dir string) (source, *adbtest.Direct) {
			x, s := directPhone(t, adbtest.Config{Storage: adbtest.DirTree(dir), Features: features})
			return openPhone(t, s, device.PhoneOptions{}), x
		}
	}
	return []sourceOver{
		{"dir", func(t *testing.T, dir string) (source, *adbtest.Direct) {
			return openDir(t, dir, device.DirOptions{}), nil
		}},
		{"phone C", phone(adbtest.FeaturesC)},
		{"phone B", phone(adbtest.FeaturesB)},
		{"phone A", phone(adbtest.FeaturesA)},
	}
}

// A file that changes between list, stat, pull and stat is read as it was listed
// or not at all; its neighbour always arrives.
func TestChangedWhileRead(t *testing.T) {
	n := 0
	for _, over := range sourcesOver() {
		for _, c := range changes {
			for _, size := range []int{1, 6000, 400000} {
				for _, when := range []string{"after list", "after open", "while reading", "at the end", "when answered"} {
					n++
					t.Run(fmt.Sprintf("%s/%s/%d/%s", over.name, c.name, size, when), func(t *testing.T) {
						changeOne(t, over, c, size, when)
					})
				}
			}
		}
	}
	tried.Cases(t, 14, n)
}

func changeOne(t *testing.T, over sourceOver, c change, size int, when string) {
	dir := t.TempDir()
	path := filepath.Join(dir, "DCIM/a.jpg")
	old := []byte(strings.Repeat("abcdefgh", size/8+1)[:size])
	for _, p := range []string{path, filepath.Join(dir, "DCIM/b.jpg")} {
		write(t, p, string(old))
		at := time.Unix(1700000000, 0) // phones tell seconds: what changes now must differ
		if err := os.Chtimes(p, at, at); err != nil {
			t.Fatal(err)
		}
	}
	s, x := over.open(t, dir)
	files, problems, err := list(t.Context(), s)
	if err != nil || len(problems) > 0 || len(files) != 2 {
		t.Fatal(files, problems, err)
	}
	happen := func(now string) {
		if when == now {
			if err := c.do(path, old); err != nil {
				t.Error(err)
			}
		}
	}
	if x != nil {
		x.Break(adbtest.Fault{Op: "RECV", Path: "a.jpg", Kind: adbtest.Do, At: int64(size/2 + 8), Times: 1, Func: func() { happen("when answered") }})
	}
	happen("after list")
	a, err := s.Open(t.Context(), files[0])
	b, errB := s.Open(t.Context(), files[1])
	if errB != nil {
		t.Fatal(errB)
	}
	defer b.Close()
	happen("after open")
	var got []byte
	if err == nil {
		got = make([]byte, size/2)
		_, err = io.ReadFull(a, got)
		happen("while reading")
	}
	if err == nil {
		rest := make([]byte, size-size/2)
		_, err = io.ReadFull(a, rest)
		got = append(got, rest...)
		happen("at the end")
	}
	if err == nil {
		_, err = a.Read(make([]byte, 10))
		_ = a.Close()
	}
	verdict(t, c, when, old, got, err, x == nil)
	data, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(data, old) {
		t.Error("the neighbour:", len(data), err)
	}
}

func verdict(t *testing.T, c change, when string, old, got []byte, err error, isDir bool) {
	t.Helper()
	switch {
	case err == nil:
		t.Error("neither bytes nor an end")
	case err == io.EOF && !bytes.Equal(got, old):
		t.Error("wrong bytes passed for right ones")
	case err == io.EOF && when == "after list":
		t.Error("a file that changed before it was opened was read as it was listed")
	case err != io.EOF && errors.Is(err, io.EOF):
		t.Error("an error that looks like the end:", err)
	case err != io.EOF && !isDir && errors.As(err, new(*device.PhoneError)):
		t.Error("one file's trouble was called the phone's:", err)
	}
	inPlace := c.name == "append" || c.name == "shrink" || c.name == "rewrite"
	if isDir && inPlace && when == "while reading" && err == io.EOF {
		t.Error("a change in place went unseen")
	}
}

// A phone pulled off the cable in the middle of a file is gone, not done.
func TestUnpluggedMidFile(t *testing.T) {
	for _, at := range []int64{0, 8, 1000, 65536, 100000, 199999} {
		m := adbtest.NewMemTree()
		for i := range 20 {
			m.AddSize(fmt.Sprintf("DCIM/%02d.jpg", i), 200000)
		}
		p, s, _ := realPhone(t, adbtest.Config{Storage: m})
		s.Stall, s.Reply = 2*time.Second, 2*time.Second
		phone := openPhone(t, s, device.PhoneOptions{})
		files, _, err := list(t.Context(), phone)
		if err != nil || len(files) != 20 {
			t.Fatal(len(files), err)
		}
		p.Break(adbtest.Fault{Op: "RECV", Path: "10.jpg", Kind: adbtest.Do, At: at, Func: func() { _ = p.Vanish() }})
		gone := 0
		readAll(t.Context(), phone, files, func(f device.File, data []byte, err error) {
			want, _ := io.ReadAll(adbtest.Content(f.Path, f.Size))
			switch {
			case err == nil && !bytes.Equal(data, want):
				t.Errorf("cut at %d: %s: wrong bytes", at, f.Path)
			case errors.Is(err, io.EOF):
				t.Errorf("cut at %d: %v", at, err)
			case errors.Is(err, device.ErrPhoneGone), errors.Is(err, device.ErrPhoneStalled):
				gone++
			}
		})
		if gone == 0 {
			t.Errorf("cut at %d: no file noticed that the phone was gone", at)
		}
		if _, _, err := list(t.Context(), phone); err == nil {
			t.Error("a phone that is gone was listed")
		}
	}
}
