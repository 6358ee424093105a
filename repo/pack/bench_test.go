package pack

import (
	"bytes"
	"fmt"
	mrand "math/rand/v2"
	"testing"

	"shoebox/chunk"
)

// noise cannot be compressed, as photos and videos cannot.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = mrand.NewChaCha8([32]byte{3}).Read(b)
	return b
}

// text can.
func text(n int) []byte {
	var b bytes.Buffer
	rng := mrand.New(mrand.NewPCG(1, 2))
	for b.Len() < n {
		fmt.Fprintf(&b, "DCIM/Camera/IMG_%08d.jpg %x\n", rng.IntN(1e8), rng.Uint64())
	}
	return b.Bytes()[:n]
}

// BenchmarkProbe tells whether a chunk is compressed already.
func BenchmarkProbe(b *testing.B) {
	for name, data := range map[string][]byte{"noise": noise(1 << 20), "text": text(1 << 20)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if looksCompressed(data) != (name == "noise") {
					b.Fatal("it was judged wrongly")
				}
			}
		})
	}
}

// BenchmarkCompress takes a body that cannot be compressed and one that can, and a page, each expanded again as always.
func BenchmarkCompress(b *testing.B) {
	for _, one := range []struct {
		name string
		data []byte
		kind chunk.Kind
		how  Compression
	}{{"noise", noise(4 << 20), chunk.Body, None}, {"text", text(1 << 20), chunk.Body, Zstd}, {"page", text(26 << 10), chunk.Page, Zstd}} {
		b.Run(one.name, func(b *testing.B) {
			var c Compressor
			room := make([]byte, 0, len(one.data))
			b.SetBytes(int64(len(one.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, how, err := c.Compress(room, one.data, one.kind); err != nil || how != one.how {
					b.Fatal(how, err)
				}
			}
		})
	}
}

// BenchmarkExpand is the way back.
func BenchmarkExpand(b *testing.B) {
	for _, n := range []int{26 << 10, 1 << 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var c Compressor
			plain := text(n)
			small, how, err := c.Compress(nil, plain, chunk.Page)
			if err != nil || how != Zstd {
				b.Fatal(how, err)
			}
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if back, err := c.Expand(small, how, n); err != nil || len(back) != n {
					b.Fatal(err)
				}
			}
		})
	}
}
