package phototest

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"image/png"
	"testing"
	"time"
)

var tags = Tags{
	Taken: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), Offset: "+02:00", SubSec: "123", Orientation: 6,
	Make: "Google", Model: "Pixel 8", MakerNote: 3000,
}

func TestJPEGIsDecodable(t *testing.T) {
	for _, size := range []int{1, 3000, 100 << 10, 2 << 20} {
		data := JPEG(Rand(1), Picture{Bytes: size, Tags: tags})
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if near := len(data) - size; size > 50<<10 && (near > size/20 || -near > size/20) {
			t.Errorf("asked for %d bytes, got %d", size, len(data))
		}
		t.Logf("%d bytes, %v", len(data), img.Bounds())
	}
	small, err := jpeg.Decode(bytes.NewReader(JPEG(Rand(2), Picture{Width: 321, Height: 123})))
	if err != nil || small.Bounds().Dx() != 321 || small.Bounds().Dy() != 123 {
		t.Errorf("got %v, %v", small, err)
	}
}

func TestPNGIsDecodable(t *testing.T) {
	for _, p := range []Picture{{}, {Width: 33, Height: 7}, {Bytes: 200 << 10, Tags: tags}} {
		data := PNG(Rand(3), p)
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d bytes, %v", len(data), img.Bounds())
	}
}

func TestSameSeedGivesTheSameFile(t *testing.T) {
	for name, made := range map[string]func(seed uint64) []byte{
		"jpeg":   func(s uint64) []byte { return JPEG(Rand(s), Picture{Bytes: 50000, Tags: tags}) },
		"png":    func(s uint64) []byte { return PNG(Rand(s), Picture{Bytes: 50000, Tags: tags}) },
		"heic":   func(s uint64) []byte { return HEIC(Rand(s), Picture{Bytes: 50000, Tags: tags}, true) },
		"dng":    func(s uint64) []byte { return DNG(Rand(s), Picture{Bytes: 50000, Tags: tags}) },
		"webp":   func(s uint64) []byte { return WebP(Rand(s), Picture{Bytes: 50000, Width: 9, Height: 8, Tags: tags}) },
		"mp4":    func(s uint64) []byte { return MP4(Rand(s), Video{Bytes: 50000}) },
		"motion": func(s uint64) []byte { return MotionPhoto(Rand(s), Picture{Bytes: 50000}, Video{Bytes: 9000}) },
	} {
		if !bytes.Equal(made(7), made(7)) {
			t.Errorf("%s: the same seed gave other bytes", name)
		}
		if bytes.Equal(made(7), made(8)) {
			t.Errorf("%s: another seed gave the same bytes", name)
		}
	}
}

func TestRetagLeavesThePictureAlone(t *testing.T) {
	old := JPEG(Rand(9), Picture{Bytes: 40000, Tags: tags})
	more := tags
	more.Description = "a holiday at sea"
	if again := Retag(old, tags, Rand(10)); len(again) != len(old) {
		t.Errorf("the same tags made %d bytes of %d", len(again), len(old))
	}
	changed := Retag(old, more, Rand(10))
	plain := Retag(changed, Tags{}, Rand(11))
	if bare := JPEG(Rand(9), Picture{Bytes: 40000}); !bytes.Equal(plain, bare) || len(changed) <= len(old) {
		t.Error("the picture changed with its tags")
	}
}

func TestMotionPhotoHoldsPictureAndVideo(t *testing.T) {
	rng := Rand(12)
	still := JPEG(rng, Picture{Bytes: 40000, Tags: tags})
	video := MP4(rng, Video{Bytes: 5000})
	both := MotionPhoto(Rand(12), Picture{Bytes: 40000, Tags: tags}, Video{Bytes: 5000})
	if !bytes.HasSuffix(both, video) {
		t.Error("it does not end with the video")
	}
	head := 4 + int(binary.BigEndian.Uint16(still[4:]))
	if !bytes.HasPrefix(both, still[:head]) || !bytes.Contains(both, still[head:]) {
		t.Error("it does not hold the picture")
	}
	if _, err := jpeg.Decode(bytes.NewReader(both)); err != nil {
		t.Error(err)
	}
}

// The chunk offset table of each video must point at the samples.
func TestMP4OffsetsPointAtTheSamples(t *testing.T) {
	first := MP4(Rand(13), Video{Bytes: 100000, MoovFirst: true})
	last := MP4(Rand(13), Video{Bytes: 100000})
	for _, file := range [][]byte{first, last} {
		data := bytes.Index(file, []byte("mdat")) + 4
		table := bytes.Index(file, []byte("stco")) + 4
		if n := binary.BigEndian.Uint32(file[table+4:]); n != 7 {
			t.Errorf("%d offsets", n)
		}
		for i := range 7 {
			if got, want := int(binary.BigEndian.Uint32(file[table+8+4*i:])), data+i*sampleBytes; got != want {
				t.Errorf("sample %d is at %d, not %d", i, got, want)
			}
		}
	}
}

func BenchmarkJPEG(b *testing.B) {
	rng := Rand(1)
	b.SetBytes(4 << 20)
	for b.Loop() {
		JPEG(rng, Picture{Bytes: 4 << 20, Tags: tags})
	}
}

func BenchmarkPNG(b *testing.B) {
	rng := Rand(1)
	b.SetBytes(1080 * 2400 / 4)
	for b.Loop() {
		PNG(rng, Picture{})
	}
}

func BenchmarkMP4(b *testing.B) {
	rng := Rand(1)
	b.SetBytes(40 << 20)
	for b.Loop() {
		MP4(rng, Video{Bytes: 40 << 20})
	}
}
