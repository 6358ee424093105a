package chunk_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"shoebox/bench/proof/tried"
	"shoebox/chunk"
)

var update = flag.Bool("update", false, "write testdata/cuts.txt anew: every repository made before cuts differently then")

// TestGoldenCuts holds the cuts still: repositories depend on them. Streams
// are made of PCG noise, whose sequence Go promises.
func TestGoldenCuts(t *testing.T) {
	const file = "testdata/cuts.txt"
	var got strings.Builder
	for _, s := range []chunk.Sizes{small, chunk.DefaultSizes} {
		c := newCutter(t, s)
		for _, stream := range goldenStreams(int(s.Max)) {
			fmt.Fprintf(&got, "min %d max %d bits %d: %s\n", s.Min, s.Max, s.Bits, stream.name)
			key := chunk.Key{1, 2, 3}
			for _, p := range cut(t, c, bytes.NewReader(stream.data)) {
				fmt.Fprintf(&got, "  kind %d, %d bytes, %v\n", p.Kind, len(p.Data), key.ID(p.Data))
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tried.Cases(t, 21, strings.Count(string(want), "min "))
	if got.String() != string(want) {
		t.Errorf("cuts differ from %s, got:\n%s", file, got.String())
	}
}

type stream struct {
	name string
	data []byte
}

// goldenStreams have pieces shorter and longer than a chunk of most bytes.
func goldenStreams(most int) []stream {
	rng := rand.New(rand.NewPCG(2024, 2025))
	data := noise(rng, 2*most+most/3)
	entropy := bytes.ReplaceAll(data, []byte{0xff}, []byte{0xff, 0x00})
	ftyp := box("ftyp", []byte("isom\x00\x00\x02\x00"))
	head := slices.Concat([]byte{0xff, 0xd8}, segment(0xe1, data[:most/500]), segment(0xdb, data[:65]))
	scan := slices.Concat(segment(0xda, []byte{1, 1, 0, 0, 63, 0}), entropy, []byte{0xff, 0xd9})
	png := slices.Concat([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", data[:13]), pngChunk("IDAT", data), pngChunk("IEND", nil))
	return []stream{
		{"unknown, one chunk", data[:most]},
		{"unknown, one byte more", data[:most+1]},
		{"unknown", data},
		{"zeros", make([]byte, 2*most+1)},
		{"jpeg", slices.Concat(head, scan)},
		{"motion photo", slices.Concat(head, scan, ftyp, box("mdat", data[:most/2]), box("moov", data[:most/100]))},
		{"mp4", slices.Concat(ftyp, longBox("mdat", data), box("moov", data[:most/100]))},
		{"png", png},
	}
}
