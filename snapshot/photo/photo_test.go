package photo

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"shoebox/snapshot/photo/phototest"
)

var (
	wall    = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	modTime = time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC)
	cest    = time.FixedZone("", 2*3600)
	tagged  = phototest.Tags{Taken: wall, Offset: "+02:00", SubSec: "045", Orientation: 6, Make: "Google", Model: "Pixel 8", MakerNote: 2000}
)

// sniff shows the file to a Sniffer in pieces of several sizes and checks that
// they do not matter.
func sniff(t testing.TB, data []byte, name string) Info {
	t.Helper()
	var s Sniffer
	s.Write(data)
	want := s.Info(name, modTime)
	for _, size := range []int{1, 7, 4096} {
		s.Reset()
		r := io.Reader(iotest.OneByteReader(bytes.NewReader(data[:min(len(data), 300_000)])))
		if size > 1 {
			r = bytes.NewReader(data)
		}
		if size == 1 && len(data) > 300_000 {
			continue
		}
		for buf := make([]byte, size); ; {
			n, err := r.Read(buf)
			if n2, err := s.Write(buf[:n]); n2 != n || err != nil {
				t.Fatalf("wrote %d of %d, %v", n2, n, err)
			}
			if err != nil {
				break
			}
		}
		if got := s.Info(name, modTime); !same(got, want) {
			t.Errorf("%s by %d bytes: %+v, at once %+v", name, size, got, want)
		}
	}
	return want
}

func same(a, b Info) bool {
	_, i := a.Taken.Zone()
	_, j := b.Taken.Zone()
	equal := a.Taken.Equal(b.Taken) && i == j
	a.Taken, b.Taken = time.Time{}, time.Time{}
	return equal && a == b
}

func TestInfoOfGeneratedFiles(t *testing.T) {
	taken := time.Date(2024, 5, 6, 7, 8, 9, 45e6, cest)
	withTags := func(change func(*phototest.Tags)) phototest.Tags {
		tags := tagged
		change(&tags)
		return tags
	}
	jpeg := func(tags phototest.Tags) []byte {
		return phototest.JPEG(phototest.Rand(1), phototest.Picture{Width: 640, Height: 480, Tags: tags})
	}
	sized := phototest.Picture{Width: 4032, Height: 3024, Bytes: 200_000, Tags: tagged}
	video := phototest.Video{Bytes: 100_000, Taken: wall, Width: 1280, Height: 720}
	turned := video
	turned.Rotation, turned.MoovFirst = 90, true
	unset := video
	unset.Taken = time.Time{}
	preview := jpeg(phototest.Tags{})[:9000]
	for _, c := range []struct {
		name string
		data []byte
		want Info
	}{
		{"a.jpg", jpeg(tagged), Info{taken, true, ExifOffset, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"preview.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Preview = preview })), Info{taken, true, ExifOffset, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"no-offset.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Offset, t.SubSec = "", "" })), Info{wall, false, Exif, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"bad-offset.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Offset, t.SubSec = "+99:00", "" })), Info{wall, false, Exif, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"far-offset.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Offset, t.SubSec = "+15:00", "" })), Info{wall, false, Exif, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"micros.jpg", jpeg(withTags(func(t *phototest.Tags) { t.SubSec = "001234" })), Info{taken.Add(1234*time.Microsecond - 45*time.Millisecond), true, ExifOffset, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"half.jpg", jpeg(withTags(func(t *phototest.Tags) { t.SubSec = "5" })), Info{taken.Add(455 * time.Millisecond), true, ExifOffset, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"make-twice.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Make, t.Model = "samsung", "Samsung S9" })), Info{taken, true, ExifOffset, "image/jpeg", 6, 640, 480, "Samsung S9"}},
		{"long-camera.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Make, t.Model = "", strings.Repeat("é", 100) })), Info{taken, true, ExifOffset, "image/jpeg", 6, 640, 480, strings.Repeat("é", 64)}},
		{"bad-turn.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Orientation = 9 })), Info{taken, true, ExifOffset, "image/jpeg", 0, 640, 480, "Google Pixel 8"}},
		{"DCIM/IMG_20230102_030405.jpg", jpeg(phototest.Tags{}), Info{time.Date(2023, 1, 2, 3, 4, 5, 0, time.UTC), false, Name, "image/jpeg", 0, 640, 480, ""}},
		{"plain.jpg", jpeg(phototest.Tags{}), Info{modTime, true, ModTime, "image/jpeg", 0, 640, 480, ""}},
		{"far-future.jpg", jpeg(withTags(func(t *phototest.Tags) { t.Taken = wall.AddDate(300, 0, 0) })), Info{modTime, true, ModTime, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"motion.jpg", phototest.MotionPhoto(phototest.Rand(2), phototest.Picture{Width: 640, Height: 480, Tags: tagged}, video), Info{taken, true, ExifOffset, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"a.png", phototest.PNG(phototest.Rand(3), phototest.Picture{Width: 108, Height: 240, Tags: tagged}), Info{taken, true, ExifOffset, "image/png", 6, 108, 240, "Google Pixel 8"}},
		{"Screenshot_20240501-120000.png", phototest.PNG(phototest.Rand(3), phototest.Picture{}), Info{time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC), false, Name, "image/png", 0, 1080, 2400, ""}},
		{"a.heic", phototest.HEIC(phototest.Rand(4), sized, false), Info{taken, true, ExifOffset, "image/heic", 6, 4032, 3024, "Google Pixel 8"}},
		{"last.heic", phototest.HEIC(phototest.Rand(4), sized, true), Info{taken, true, ExifOffset, "image/heic", 6, 4032, 3024, "Google Pixel 8"}},
		{"a.dng", phototest.DNG(phototest.Rand(5), sized), Info{taken, true, ExifOffset, "image/x-adobe-dng", 6, 4032, 3024, "Google Pixel 8"}},
		{"a.webp", phototest.WebP(phototest.Rand(6), sized), Info{taken, true, ExifOffset, "image/webp", 6, 4032, 3024, "Google Pixel 8"}},
		{"a.mp4", phototest.MP4(phototest.Rand(7), video), Info{wall, true, Video, "video/mp4", 1, 1280, 720, ""}},
		{"turned.mp4", phototest.MP4(phototest.Rand(7), turned), Info{wall, true, Video, "video/mp4", 6, 1280, 720, ""}},
		{"VID_20240102_030405.mp4", phototest.MP4(phototest.Rand(7), unset), Info{time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), false, Name, "video/mp4", 1, 1280, 720, ""}},
		{"misnamed.png", jpeg(tagged), Info{taken, true, ExifOffset, "image/jpeg", 6, 640, 480, "Google Pixel 8"}},
		{"empty.jpg", nil, Info{modTime, true, ModTime, "image/jpeg", 0, 0, 0, ""}},
		{"notes.txt", []byte("notes of a day"), Info{modTime, true, ModTime, "text/plain", 0, 0, 0, ""}},
		{"unknown", []byte{1, 2, 3}, Info{modTime, true, ModTime, "", 0, 0, 0, ""}},
	} {
		if got := sniff(t, c.data, c.name); !same(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestTurnsOfVideoAndHEIC(t *testing.T) {
	for degrees, want := range map[int]uint8{0: 1, 90: 6, 180: 3, 270: 8} {
		data := phototest.MP4(phototest.Rand(1), phototest.Video{Bytes: 1000, Rotation: degrees})
		if got := sniff(t, data, "a.mp4").Orientation; got != want {
			t.Errorf("video turned by %d: %d, not %d", degrees, got, want)
		}
	}
	for _, want := range []uint8{1, 3, 6, 8} {
		data := phototest.HEIC(phototest.Rand(1), phototest.Picture{Bytes: 1000, Tags: phototest.Tags{Orientation: uint16(want)}}, false)
		if got := sniff(t, data, "a.heic").Orientation; got != want {
			t.Errorf("HEIC: %d, not %d", got, want)
		}
	}
}

func TestExifDatesThatAreNone(t *testing.T) {
	for _, s := range []string{
		"", "    :  :     :  :  ", "0000:00:00 00:00:00", "2024:13:01 00:00:00", "2024:02:30 00:00:00",
		"2024:01:00 00:00:00", "2024:01:01 24:00:00", "2024:01:01 00:60:00", "2024:01:01 00:00:60",
		"1899:12:31 00:00:00", "2200:01:01 00:00:00", "2024:01:01", "2024:01:01 00:00:0x", "+024:01:01 00:00:00",
	} {
		if got, ok := exifDate(s); ok {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func TestVideoTimesThatAreNone(t *testing.T) {
	for _, seconds := range []uint32{0, 1, 2082844800, 2082844800 + 3600, 1<<32 - 1} {
		mvhd := append(make([]byte, 4), byte(seconds>>24), byte(seconds>>16), byte(seconds>>8), byte(seconds))
		if got := created(mvhd); !got.taken.IsZero() && got.taken.Year() != 2040 {
			t.Errorf("%d is %v", seconds, got.taken)
		}
	}
	if got := created([]byte{1, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}); !got.taken.IsZero() {
		t.Errorf("2^63 - 1 is %v", got.taken)
	}
	if got := created([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0xe2, 0x5e, 0xbc, 0x49}); got.taken.Year() != 2024 {
		t.Errorf("a time of 64 bits is %v", got.taken)
	}
}

func TestZeroSnifferKnowsNothing(t *testing.T) {
	var s Sniffer
	if got := s.Info("", time.Time{}); got != (Info{}) {
		t.Errorf("got %+v", got)
	}
}
