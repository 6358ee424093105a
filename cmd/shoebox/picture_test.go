package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shoebox/snapshot/photo/phototest"
)

// picture is one to be made.
type picture struct {
	seed  uint64
	size  int
	taken time.Time
	text  string
}

// photoCommand makes pictures and videos; their ending says what. A picture that is there gets the new tags only.
//
//	photo FILE [seed=N] [size=BYTES] [taken=2024-08-12T15:04:05] [text=WHAT] [mtime=2024-08-12T15:04:05]
func photoCommand(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	p := picture{seed: 1, size: 60_000, taken: time.Date(2024, 8, 12, 15, 4, 5, 0, time.UTC)}
	var mtime time.Time
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		var err error
		switch key {
		case "seed":
			p.seed, err = strconv.ParseUint(value, 10, 64)
		case "size":
			p.size, err = strconv.Atoi(value)
		case "taken":
			p.taken, err = time.Parse("2006-01-02T15:04:05", value)
		case "mtime":
			mtime, err = time.Parse("2006-01-02T15:04:05", value)
		case "text":
			p.text = value
		default:
			err = fmt.Errorf("photo: what is %s?", key)
		}
		ts.Check(err)
	}
	if mtime.IsZero() {
		mtime = p.taken
	}
	ts.Check(p.write(file, mtime))
}

func (p picture) write(file string, mtime time.Time) error {
	data, err := p.bytes(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return err
	}
	return os.Chtimes(file, mtime, mtime)
}

func (p picture) tags() phototest.Tags {
	return phototest.Tags{Taken: p.taken, Make: "Google", Model: "Pixel 8", Orientation: 1, Description: p.text, MakerNote: 2000}
}

func (p picture) bytes(file string) ([]byte, error) {
	rng := phototest.Rand(p.seed)
	switch strings.ToLower(filepath.Ext(file)) {
	case ".jpg":
		return phototest.JPEG(rng, phototest.Picture{Bytes: p.size, Tags: p.tags()}), nil
	case ".png":
		return phototest.PNG(rng, phototest.Picture{Bytes: p.size, Tags: p.tags()}), nil
	case ".mp4":
		return phototest.MP4(rng, phototest.Video{Bytes: p.size, Taken: p.taken}), nil
	}
	return nil, fmt.Errorf("what picture is %s?", file)
}

// damage changes one byte in the middle of the largest file below a folder.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	spoil(ts, args[0], func(data []byte) { data[len(data)/2] ^= 1 })
}

// wreck overwrites three quarters of a file: more than parity heals.
func wreck(ts *testscript.TestScript, _ bool, args []string) {
	spoil(ts, args[0], func(data []byte) { clear(data[:len(data)/4*3]) })
}

// spoil changes the largest file below a folder.
func spoil(ts *testscript.TestScript, dir string, change func([]byte)) {
	var name string
	var size int64
	ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			name, size = path, info.Size()
		}
		return err
	}))
	data, err := os.ReadFile(name)
	ts.Check(err)
	change(data)
	ts.Check(os.Chmod(name, 0o600))
	ts.Check(os.WriteFile(name, data, 0o600))
	ts.Setenv("DAMAGED", filepath.Base(name))
}

// sameTree compares two folders. Times are compared to the second, which is all a phone tells.
func sameTree(ts *testscript.TestScript, neg bool, args []string) {
	a, err := treeOf(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := treeOf(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(a) == 0 {
		ts.Fatalf("%s is empty", args[0])
	}
	if text := differs(a, b); (text == "") == neg {
		ts.Fatalf("%s and %s: %s", args[0], args[1], firstOf(text, "no difference"))
	}
}

// kept is what has to come back of a file.
type kept struct {
	sum   [sha256.Size]byte
	mtime int64 // Unix seconds
}

// treeOf reads a folder, by path.
func treeOf(dir string) (map[string]kept, error) {
	tree := make(map[string]kept)
	return tree, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		tree[filepath.ToSlash(name)] = kept{sha256.Sum256(data), info.ModTime().Unix()}
		return err
	})
}

// differs says in which files two trees differ; "" when in none.
func differs(a, b map[string]kept) string {
	var text bytes.Buffer
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		one, inA := a[name]
		two, inB := b[name]
		switch {
		case !inA:
			fmt.Fprintf(&text, "\n  only in the second: %s", name)
		case !inB:
			fmt.Fprintf(&text, "\n  only in the first: %s", name)
		case one.sum != two.sum:
			fmt.Fprintf(&text, "\n  other bytes: %s", name)
		case one.mtime != two.mtime:
			fmt.Fprintf(&text, "\n  other time: %s, %v and %v", name, time.Unix(one.mtime, 0), time.Unix(two.mtime, 0))
		}
	}
	return text.String()
}
