package heif_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"shoebox/gallery/heif"
	"shoebox/snapshot/photo/phototest"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(t testing.TB, data []byte) *heif.File {
	t.Helper()
	f, err := heif.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The thumbnail comes out as a file whose own structure is read again. That a decoder takes it is shown in package thumb.
func TestThumbnail(t *testing.T) {
	alone, ok := open(t, read(t, "thumb.heic")).Thumbnail()
	if !ok || len(alone) > 1500 {
		t.Fatalf("%v, %d bytes", ok, len(alone))
	}
	open(t, alone)
	if _, ok := open(t, read(t, "plain.heic")).Thumbnail(); ok {
		t.Error("a thumbnail of a file without one")
	}
}

func TestExif(t *testing.T) {
	for _, last := range []bool{false, true} {
		data := phototest.HEIC(phototest.Rand(1), phototest.Picture{Bytes: 5000, Tags: phototest.Tags{Make: "Maker", Model: "One"}}, last)
		exif, ok := open(t, data).Exif()
		if !ok || !bytes.Contains(exif, []byte("Maker")) {
			t.Errorf("last %v: %v, %q", last, ok, exif)
		}
	}
}

// Whatever byte is changed, and wherever the file ends, nothing breaks and nothing large is made.
func TestHostile(t *testing.T) {
	whole := read(t, "thumb.heic")
	try := func(data []byte) {
		f, err := heif.Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		f.Thumbnail()
		f.Exif()
	}
	for n := range whole {
		try(whole[:n])
	}
	for i := range min(len(whole), 1200) {
		for _, v := range []byte{0, 0xff, whole[i] ^ 0x80} {
			changed := bytes.Clone(whole)
			changed[i] = v
			try(changed)
		}
	}
	huge := bytes.Clone(whole)
	if i := bytes.Index(huge, []byte("meta")); i > 0 {
		binary.BigEndian.PutUint32(huge[i-4:], 0x7fffffff)
		try(huge)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(read(f, "thumb.heic"))
	f.Add(phototest.HEIC(phototest.Rand(1), phototest.Picture{Bytes: 100, Tags: phototest.Tags{Make: "Maker"}}, true))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if file, err := heif.Read(bytes.NewReader(data), int64(len(data))); err == nil {
			file.Thumbnail()
			file.Exif()
		}
	})
}
