package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"shoebox/snapshot/photo/phototest"
)

// crowd makes small pictures, with what a camera writes of each: many files, few bytes.
type crowd struct {
	dir    string
	folder int // pictures in a folder; 0 is all in one
	size   int // of a picture, in bytes, about
	rng    *rand.Rand
	made   int
	bytes  int64
}

func newCrowd(dir string, folder, size int, seed uint64) *crowd {
	return &crowd{dir: dir, folder: folder, size: size, rng: phototest.Rand(seed)}
}

// path of a picture. They are named by the time at which they were taken, as cameras do.
func (c *crowd) path(i int) string {
	name := fmt.Sprintf("IMG_%08d.jpg", i)
	if c.folder == 0 {
		return filepath.Join("DCIM", name)
	}
	return filepath.Join("DCIM", fmt.Sprintf("%05d", i/c.folder), name)
}

// grow makes so many more.
func (c *crowd) grow(count int) error {
	for range count {
		path := filepath.Join(c.dir, c.path(c.made))
		if c.folder == 0 && c.made == 0 || c.folder > 0 && c.made%c.folder == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
		}
		at := time.Date(2020, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(c.made) * 7 * time.Minute)
		data := phototest.JPEG(c.rng, phototest.Picture{Bytes: c.size, Tags: phototest.Tags{Taken: at, Offset: "+01:00", Orientation: 1, Make: "Google", Model: "Pixel 8"}})
		c.made++
		c.bytes += int64(len(data))
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(path, at, at); err != nil {
			return err
		}
	}
	return nil
}

// remove takes the picture of that number away.
func (c *crowd) remove(i int) error { return os.Remove(filepath.Join(c.dir, c.path(i))) }
