package pack

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"

	"shoebox/chunk"
)

// A fault of the compressor: here it makes frames that need a dictionary nobody keeps. Whatever it does, what Compress answers must
// come back.
func TestFaultOfTheCompressor(t *testing.T) {
	plain := bytes.Repeat([]byte("the same again and again, "), 1_000)
	faulty, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(true), zstd.WithEncoderDictRaw(7, plain))
	if err != nil {
		t.Fatal(err)
	}
	var c Compressor
	c.encoders.give(faulty)
	data, how, err := c.Compress(nil, plain, chunk.Body)
	if err != nil || how != None {
		t.Fatalf("what does not expand again was taken: compressed in way %d, %v", how, err)
	}
	var reader Compressor
	back, err := reader.Expand(data, how, len(plain))
	if err != nil || !bytes.Equal(back, plain) {
		t.Errorf("compressed in way %d, %d of %d bytes come back: %v", how, len(back), len(plain), err)
	}
}
