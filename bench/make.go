package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"shoebox/snapshot/photo/phototest"
)

// roll makes a camera roll in the kinds and proportions of a phone in use, by number of bytes: 60 % photos of 2 to 6 MB, 8 %
// screenshots, 4 % pictures as messengers send them, 20 % videos, 8 % motion photos, retagged and exact copies.
type roll struct {
	dir  string
	rng  *rand.Rand
	at   time.Time
	made []string // photos so far
	n    int
}

func makeRoll(dir string, bytes int64, seed uint64) (*roll, error) {
	r := &roll{dir: dir, rng: phototest.Rand(seed), at: time.Date(2023, 1, 1, 8, 0, 0, 0, time.UTC)}
	for _, kind := range []struct {
		share float64
		make  func() (int, error)
	}{{0.60, r.photo}, {0.08, r.screenshot}, {0.04, r.message}, {0.20, r.video}, {0.04, r.motion}, {0.02, r.retagged}, {0.02, r.copied}} {
		for left := int64(float64(bytes) * kind.share); left > 0; {
			n, err := kind.make()
			if err != nil {
				return nil, err
			}
			left -= int64(n)
		}
	}
	return r, nil
}

// next is the time of the next picture.
func (r *roll) next() time.Time {
	r.at = r.at.Add(time.Duration(10+r.rng.IntN(20000)) * time.Second)
	r.n++
	return r.at
}

func (r *roll) put(path string, data []byte, at time.Time) (int, error) {
	path = filepath.Join(r.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return 0, err
	}
	return len(data), os.Chtimes(path, at, at)
}

func (r *roll) picture(bytes int, at time.Time) phototest.Picture {
	return phototest.Picture{Bytes: bytes, Tags: phototest.Tags{Taken: at, Offset: "+01:00", Orientation: 1, Make: "Google", Model: "Pixel 8", MakerNote: 24_000}}
}

func (r *roll) photo() (int, error) {
	at := r.next()
	path := at.Format("DCIM/Camera/PXL_20060102_150405") + fmt.Sprintf("%03d.jpg", r.n%1000)
	r.made = append(r.made, path)
	return r.put(path, phototest.JPEG(r.rng, r.picture(2_000_000+r.rng.IntN(4_000_000), at)), at)
}

func (r *roll) screenshot() (int, error) {
	at := r.next()
	return r.put(at.Format("Pictures/Screenshots/Screenshot_20060102-150405.png"), phototest.PNG(r.rng, phototest.Picture{Bytes: 150_000 + r.rng.IntN(300_000)}), at)
}

func (r *roll) message() (int, error) {
	at := r.next()
	path := fmt.Sprintf("Android/media/com.whatsapp/WhatsApp/Media/WhatsApp Images/IMG-%s-WA%04d.jpg", at.Format("20060102"), r.n)
	return r.put(path, phototest.JPEG(r.rng, phototest.Picture{Bytes: 60_000 + r.rng.IntN(250_000)}), at)
}

func (r *roll) video() (int, error) {
	at := r.next()
	return r.put(at.Format("DCIM/Camera/PXL_20060102_150405000.mp4"), phototest.MP4(r.rng, phototest.Video{Bytes: 20_000_000 + r.rng.IntN(120_000_000), Taken: at}), at)
}

func (r *roll) motion() (int, error) {
	at := r.next()
	data := phototest.MotionPhoto(r.rng, r.picture(3_000_000, at), phototest.Video{Bytes: 2_500_000, Taken: at})
	return r.put(at.Format("DCIM/Camera/PXL_20060102_150405000.MP.jpg"), data, at)
}

// retagged is a copy of a photo with another caption: the same picture behind another head.
func (r *roll) retagged() (int, error) {
	data, at, err := r.old()
	if err != nil {
		return 0, err
	}
	tags := r.picture(0, at).Tags
	tags.Description = fmt.Sprintf("a caption a person added, number %d", r.n)
	return r.put(fmt.Sprintf("Pictures/Edited/edited_%05d.jpg", r.n), phototest.Retag(data, tags, r.rng), at)
}

func (r *roll) copied() (int, error) {
	data, at, err := r.old()
	if err != nil {
		return 0, err
	}
	return r.put(fmt.Sprintf("Pictures/Album/copy_%05d.jpg", r.n), data, at)
}

func (r *roll) old() ([]byte, time.Time, error) {
	at := r.next()
	data, err := os.ReadFile(filepath.Join(r.dir, r.made[r.rng.IntN(len(r.made))]))
	return data, at, err
}

// night is what changes in a day: 40 new photos, 10 retagged, 5 moved, 10 gone.
func (r *roll) night() error {
	for range 40 {
		if _, err := r.photo(); err != nil {
			return err
		}
	}
	for i, path := range r.made[:25] {
		full := filepath.Join(r.dir, path)
		if err := r.change(i, full); err != nil {
			return err
		}
	}
	r.made = r.made[25:]
	return nil
}

func (r *roll) change(i int, full string) error {
	switch {
	case i < 10:
		return os.Remove(full)
	case i < 15:
		return os.Rename(full, full[:len(full)-4]+"-moved.jpg")
	}
	data, err := os.ReadFile(full)
	if err != nil {
		return err
	}
	tags := r.picture(0, r.next()).Tags
	tags.Description = "retagged"
	return os.WriteFile(full, phototest.Retag(data, tags, r.rng), 0o644)
}

// manyFiles fills one folder with small files, named as a camera names them.
func manyFiles(dir string, from, count int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := from; i < from+count; i++ {
		path := filepath.Join(dir, fmt.Sprintf("IMG_%08d.jpg", i))
		if err := os.WriteFile(path, fmt.Appendf(nil, "picture number %d", i), 0o644); err != nil {
			return err
		}
	}
	return nil
}
