package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
	n    int      // files
	left int      // bytes that the kind in the making is short of: no video is longer

	tonight []string // what the last night added or changed
}

// rollStart is when the phone was bought.
var rollStart = time.Date(2023, 1, 1, 8, 0, 0, 0, time.UTC)

func makeRoll(dir string, bytes int64, seed uint64) (*roll, error) {
	r := &roll{dir: dir, rng: phototest.Rand(seed), at: rollStart}
	for _, kind := range []struct {
		share float64
		make  func() (int, error)
	}{{0.60, r.photo}, {0.08, r.screenshot}, {0.04, r.message}, {0.20, r.video}, {0.04, r.motion}, {0.02, r.retagged}, {0.02, r.copied}} {
		for left := int64(float64(bytes) * kind.share); left > 0; {
			r.left = int(left)
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

func (r *roll) photo() (int, error) { return r.photoOf(2_000_000 + r.rng.IntN(4_000_000)) }

func (r *roll) photoOf(bytes int) (int, error) {
	at := r.next()
	path := at.Format("DCIM/Camera/PXL_20060102_150405") + fmt.Sprintf("%03d.jpg", r.n%1000)
	r.made = append(r.made, path)
	return r.put(path, phototest.JPEG(r.rng, r.picture(bytes, at)), at)
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
	return r.put(at.Format("DCIM/Camera/PXL_20060102_150405000.mp4"), phototest.MP4(r.rng, phototest.Video{Bytes: min(20_000_000+r.rng.IntN(120_000_000), max(r.left, 1_000_000)), Taken: at}), at)
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
	r.tonight = nil
	before := len(r.made)
	for range 40 {
		if _, err := r.photo(); err != nil {
			return err
		}
	}
	r.tonight = append(r.tonight, r.made[before:]...)
	changed := min(25, before)
	for i, path := range r.made[:changed] {
		if err := r.change(i, path); err != nil {
			return err
		}
	}
	r.made = r.made[changed:]
	return nil
}

func (r *roll) change(i int, path string) error {
	full := filepath.Join(r.dir, path)
	switch {
	case i < 10:
		r.n--
		return os.Remove(full)
	case i < 15:
		return os.Rename(full, full[:len(full)-4]+"-moved.jpg")
	}
	data, err := os.ReadFile(full)
	if err != nil {
		return err
	}
	at := r.next()
	r.n-- // it is no new file
	tags := r.picture(0, at).Tags
	tags.Description = "retagged"
	r.tonight = append(r.tonight, path)
	return os.WriteFile(full, phototest.Retag(data, tags, r.rng), 0o644)
}

// retagAll gives every photo another caption.
func (r *roll) retagAll() error {
	for i, path := range r.made {
		full := filepath.Join(r.dir, path)
		data, err := os.ReadFile(full)
		if err != nil {
			return err
		}
		tags := r.picture(0, r.next()).Tags
		tags.Description = fmt.Sprintf("caption %d", i)
		if err := os.WriteFile(full, phototest.Retag(data, tags, r.rng), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// linkNight puts what is new or changed since the night before into a folder of its own.
func (r *roll) linkNight(dir string) error {
	if err := remake(dir); err != nil {
		return err
	}
	for i, path := range r.tonight {
		if err := os.Link(filepath.Join(r.dir, path), filepath.Join(dir, fmt.Sprintf("%03d", i))); err != nil {
			return err
		}
	}
	return nil
}

// halve removes every second file, in order of path, so that half of the bytes are gone. Folders that are then empty go too: not
// every program gives those back.
func (r *roll) halve() error {
	var gone, kept int64
	var folders []string
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			folders = append(folders, path)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if gone > kept {
			kept += info.Size()
			return nil
		}
		gone += info.Size()
		return os.Remove(path)
	})
	for _, dir := range slices.Backward(folders) {
		_ = os.Remove(dir) // fails when it is not empty, as it should
	}
	return err
}
