package chunk_test

import (
	"bytes"
	"testing"

	"shoebox/chunk"
	"shoebox/snapshot/photo/phototest"
)

// BenchmarkCut cuts and does not hash.
func BenchmarkCut(b *testing.B) {
	for _, bench := range []struct {
		name string
		data []byte
	}{
		{"JPEG-4MB", phototest.JPEG(phototest.Rand(1), phototest.Picture{Bytes: 4 << 20, Tags: tags})},
		{"JPEG-10KB", phototest.JPEG(phototest.Rand(1), phototest.Picture{Bytes: 10 << 10})},
		{"PNG-600KB", phototest.PNG(phototest.Rand(2), phototest.Picture{})},
		{"MP4-100MB", phototest.MP4(phototest.Rand(3), phototest.Video{Bytes: 100 << 20})},
		{"unknown-4MB", noise(phototest.Rand(4), 4<<20)},
		{"unknown-100MB", noise(phototest.Rand(5), 100<<20)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newCutter(b, chunk.DefaultSizes)
			b.SetBytes(int64(len(bench.data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Cut(bytes.NewReader(bench.data), discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
