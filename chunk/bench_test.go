package chunk_test

import (
	"bytes"
	"fmt"
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
		b.Run(bench.name, func(b *testing.B) { benchCut(b, chunk.DefaultSizes, bench.data) })
	}
}

func benchCut(b *testing.B, s chunk.Sizes, data []byte) {
	c := newCutter(b, s)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Cut(bytes.NewReader(data), discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSizes is the sweep behind docs/decisions/0005-chunk-sizes.md: a 100 MB video under other sizes.
func BenchmarkSizes(b *testing.B) {
	data := phototest.MP4(phototest.Rand(1), phototest.Video{Bytes: 100_000_000})
	for _, s := range []chunk.Sizes{
		{Min: 512 << 10, Max: 8 << 20, Bits: 20}, {Min: 1 << 20, Max: 8 << 20, Bits: 20}, {Min: 2 << 20, Max: 8 << 20, Bits: 21},
		{Min: 4 << 20, Max: 8 << 20, Bits: 21}, {Min: 4 << 20, Max: 8 << 20, Bits: 20}, {Min: 4 << 20, Max: 8 << 20, Bits: 19}, {Min: 4 << 20, Max: 16 << 20, Bits: 21},
	} {
		b.Run(fmt.Sprintf("min=%dK/max=%dM/bits=%d", s.Min>>10, s.Max>>20, s.Bits), func(b *testing.B) { benchCut(b, s, data) })
	}
}

// BenchmarkNewCutter is what opening a repository waits for.
func BenchmarkNewCutter(b *testing.B) {
	for b.Loop() {
		if _, err := chunk.NewCutter(polynomial, chunk.DefaultSizes, nil); err != nil {
			b.Fatal(err)
		}
	}
}
