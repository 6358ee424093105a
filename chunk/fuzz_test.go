package chunk_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/iotest"

	"shoebox/chunk"
	"shoebox/snapshot/photo/phototest"
)

// FuzzCut begins with whole files of each format; what the fuzzer makes of
// them must still come out as it went in.
func FuzzCut(f *testing.F) {
	picture := phototest.Picture{Width: 40, Height: 24, Tags: tags}
	picture.Tags.MakerNote = 50
	video := phototest.Video{Bytes: 3000}
	for _, data := range [][]byte{
		phototest.JPEG(phototest.Rand(1), picture),
		phototest.MotionPhoto(phototest.Rand(2), picture, video),
		phototest.MP4(phototest.Rand(3), video),
		phototest.HEIC(phototest.Rand(4), phototest.Picture{Bytes: 3000, Tags: picture.Tags}, false),
		phototest.PNG(phototest.Rand(5), picture),
		slices.Concat([]byte("\xff\xd8"), segment(0xda, nil), []byte("\xff\x00\xff\xd0\xff\xc4\x00\x02\xff\xd9")),
		[]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x11 \x00\x00\x00\x00moov"),
	} {
		f.Add(data)
	}
	c := newCutter(f, small)
	f.Fuzz(func(t *testing.T, data []byte) {
		pieces := cut(t, c, bytes.NewReader(data))
		checkPieces(t, data, pieces, small)
		if again := cut(t, c, iotest.HalfReader(bytes.NewReader(data))); !samePieces(pieces, again) {
			t.Errorf("%v and %v", lengths(pieces), lengths(again))
		}
	})
}

func FuzzSizes(f *testing.F) {
	f.Add(uint32(256), uint32(512), uint8(6))
	f.Add(uint32(8<<20), uint32(16<<20), uint8(24))
	f.Add(uint32(0), uint32(0), uint8(0))
	data := noise(phototest.Rand(6), 100_000)
	f.Fuzz(func(t *testing.T, least, most uint32, bits uint8) {
		s := chunk.Sizes{Min: least, Max: most, Bits: bits}
		c, err := chunk.NewCutter(polynomial, s, nil)
		if (err == nil) != (s.Check() == nil) {
			t.Fatalf("%v: check says %v, NewCutter %v", s, s.Check(), err)
		}
		if err == nil {
			checkPieces(t, data, cut(t, c, bytes.NewReader(data)), s)
		}
	})
}
