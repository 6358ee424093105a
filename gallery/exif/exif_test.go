package exif_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"shoebox/gallery/exif"
	"shoebox/snapshot/photo/phototest"
)

func head(t *testing.T, jpeg []byte) []byte {
	t.Helper()
	i := bytes.Index(jpeg, []byte{0xff, 0xda})
	if i < 0 {
		t.Fatal("no picture data")
	}
	return jpeg
}

func TestPreviewAndFacts(t *testing.T) {
	preview := phototest.JPEG(phototest.Rand(1), phototest.Picture{Width: 160, Height: 120})
	tags := phototest.Tags{Taken: time.Date(2024, 8, 12, 15, 4, 5, 0, time.UTC), Make: "Google", Model: "Pixel 8", Orientation: 6, Description: "two boats", Preview: preview}
	h := exif.ReadJPEG(head(t, phototest.JPEG(phototest.Rand(2), phototest.Picture{Bytes: 60_000, Tags: tags})))
	if !bytes.Equal(h.Preview, preview) || h.Facts.Camera != "Google Pixel 8" || h.Facts.Description != "two boats" || h.Film != 0 {
		t.Errorf("%d bytes of preview, %+v, film %d", len(h.Preview), h.Facts, h.Film)
	}
}

func TestFilmOfMotionPhoto(t *testing.T) {
	data := phototest.MotionPhoto(phototest.Rand(3), phototest.Picture{Bytes: 60_000}, phototest.Video{Bytes: 40_000})
	film := exif.ReadJPEG(data).Film
	if film <= 8 || film > int64(len(data)) || string(data[int64(len(data))-film+4:][:4]) != "ftyp" {
		t.Errorf("the film is %d bytes of %d", film, len(data))
	}
}

func TestRaw(t *testing.T) {
	_, images := exif.ReadRaw(bytes.NewReader(phototest.DNG(phototest.Rand(4), phototest.Picture{Bytes: 100_000, Tags: phototest.Tags{Make: "Maker", Model: "One"}})))
	t.Logf("%v", images)
	if facts, _ := exif.ReadRaw(bytes.NewReader(tiffOf(0x829a, 5, 1, rational(1, 250)))); facts.Exposure != "1/250 s" {
		t.Errorf("exposure %q", facts.Exposure)
	}
	if facts, _ := exif.ReadRaw(bytes.NewReader(tiffOf(0x829d, 5, 1, rational(18, 10)))); facts.Aperture != "f/1.8" {
		t.Errorf("aperture %q", facts.Aperture)
	}
	if facts, _ := exif.ReadRaw(bytes.NewReader(tiffOf(0x10e, 2, 9, []byte("a\x01b\xffc\x00xyz")))); facts.Description != "abc" {
		t.Errorf("description %q", facts.Description)
	}
}

func rational(a, b uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, a), b)
}

// tiffOf has one field with its value behind the directory.
func tiffOf(tag, kind uint16, count uint32, value []byte) []byte {
	b := []byte{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0}
	b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, tag), kind)
	b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, count), 26)
	return append(append(b, 0, 0, 0, 0), value...)
}

// Directories that point to themselves, counts without end, and what is cut off.
func TestHostile(t *testing.T) {
	loop := []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 8}
	for _, data := range [][]byte{loop, nil, []byte("II*\x00"), []byte(strings.Repeat("II*\x00\x08\x00\x00\x00\xff\xff", 100))} {
		exif.ReadRaw(bytes.NewReader(data))
		exif.ReadExif(data)
		exif.ReadJPEG(data)
		exif.ReadPNG(data)
	}
	whole := phototest.JPEG(phototest.Rand(2), phototest.Picture{Bytes: 5_000, Tags: phototest.Tags{Make: "Google", Preview: make([]byte, 100)}})
	for n := range whole {
		exif.ReadJPEG(whole[:n])
	}
}

func FuzzRead(f *testing.F) {
	f.Add(phototest.JPEG(phototest.Rand(2), phototest.Picture{Bytes: 3_000, Tags: phototest.Tags{Make: "Google", Preview: make([]byte, 100)}}))
	f.Add(phototest.DNG(phototest.Rand(4), phototest.Picture{Bytes: 3_000}))
	f.Add(phototest.PNG(phototest.Rand(4), phototest.Picture{Bytes: 3_000}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, h := range []exif.Head{exif.ReadJPEG(data), exif.ReadPNG(data), exif.ReadExif(data)} {
			if len(h.Preview) > len(data) {
				t.Error("a preview longer than the file")
			}
		}
		exif.ReadRaw(bytes.NewReader(data))
	})
}
