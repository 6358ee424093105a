package chunk_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"shoebox/chunk"
	"shoebox/snapshot/photo/phototest"
)

// long says how long it is, and may lie.
type long struct {
	io.Reader
	said int64
}

func (l long) Len() int64 { return l.said }

// middle sizes have windows of one arena block; wide ones of three.
var (
	middle = chunk.Sizes{Min: 64 << 10, Max: 512 << 10, Bits: 16}
	wide   = chunk.Sizes{Min: 512 << 10, Max: 2 << 20, Bits: 18}
)

// What a stream says of its length, and how it is read, changes nothing of its pieces.
func TestPiecesAreTheSameWhateverLengthIsSaid(t *testing.T) {
	const most = 9 << 20
	random := noise(phototest.Rand(31), most)
	cutters := map[chunk.Sizes]*chunk.Cutter{}
	for _, s := range []chunk.Sizes{small, middle, wide, chunk.DefaultSizes} {
		cutters[s] = newCutter(t, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]chunk.Sizes{small, middle, middle, wide, wide, chunk.DefaultSizes}).Draw(t, "sizes")
		around := rapid.Custom(func(t *rapid.T) int64 {
			border := rapid.SampledFrom([]int64{0, 256 << 10, int64(s.Max), 2 << 20, 2<<20 + 4096, 4 << 20, 8 << 20}).Draw(t, "border")
			border = min(border, 512*int64(s.Max)) // what is cut into thousands of chunks takes long
			return border + rapid.SampledFrom([]int64{-4096, -33, -32, -31, -1, 0, 1, 31, 32, 33, 100_000}).Draw(t, "off")
		})
		data := random[:min(most, max(0, around.Draw(t, "bytes")))]
		said := around.Draw(t, "said")
		if rapid.Bool().Draw(t, "true") {
			said = int64(len(data))
		}
		if rapid.Bool().Draw(t, "a picture") && len(data) > 200_000 {
			head := phototest.JPEG(phototest.Rand(5), phototest.Picture{Bytes: 150_000, Tags: tags})
			data = append(head, data[len(head):]...)
		}
		first := shapeOf(t, cutters[s], bytes.NewReader(data), data)
		r := rapid.SampledFrom([]io.Reader{bytes.NewReader(data), iotest.HalfReader(bytes.NewReader(data)), &hesitant{r: bytes.NewReader(data), most: 300_001},
			&hesitant{r: bytes.NewReader(data), most: 64 << 10}, iotest.DataErrReader(bytes.NewReader(data))}).Draw(t, "reader")
		if again := shapeOf(t, cutters[s], long{r, said}, data); !bytes.Equal(again, first) {
			t.Fatalf("%d bytes, said to be %d: other pieces", len(data), said)
		}
	})
}

// shapeOf tells kinds and lengths of the pieces of r, which put together must be data.
func shapeOf(t fataler, c *chunk.Cutter, r io.Reader, data []byte) (shape []byte) {
	t.Helper()
	err := c.Cut(r, func(p chunk.Piece) error {
		if !bytes.HasPrefix(data, p.Data) {
			t.Fatalf("other bytes, %d before the end", len(data))
		}
		data = data[len(p.Data):]
		shape = append(shape, byte(p.Kind), byte(len(p.Data)>>24), byte(len(p.Data)>>16), byte(len(p.Data)>>8), byte(len(p.Data)))
		return nil
	})
	if err != nil || len(data) > 0 {
		t.Fatalf("%d bytes are left over, %v", len(data), err)
	}
	return shape
}

// A stream that says how long it is is asked for whole pages that go to whole pages, and all at once when a window holds it.
func TestLongReadsAreWholePages(t *testing.T) {
	for _, n := range []int{1 << 20, 2<<20 - 32, 2<<20 - 31, 2 << 20, 5_000_000, 8 << 20, 8<<20 + 4096 + 1, 30 << 20} {
		from := &pages{data: noise(rand.New(rand.NewPCG(1, 2)), n)}
		if err := newCutter(t, chunk.DefaultSizes).Cut(long{from, int64(n)}, discard); err != nil {
			t.Fatal(err)
		}
		if len(from.off) > 0 || len(from.cut) > 0 {
			t.Errorf("%d bytes: elsewhere in a page: the reads from %v; to the middle of one: %v", n, from.off, from.cut)
		}
		if n <= 8<<20 && from.reads != 2 {
			t.Errorf("%d bytes: %d reads, not one and one that finds the end", n, from.reads)
		}
	}
}

// Twenty streams at once take no more memory than an arena has, and go on one after the other.
func TestManyLongStreamsShareTheirMemory(t *testing.T) {
	c := newCutter(t, chunk.DefaultSizes)
	data := noise(rand.New(rand.NewPCG(3, 4)), 12<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	for i := range 20 {
		n := len(data) >> (i % 4)
		all.Go(func() {
			total := 0
			err := c.Cut(long{bytes.NewReader(data[:n]), int64(n)}, func(p chunk.Piece) error {
				total += len(p.Data)
				return nil
			})
			if err != nil || total != n {
				t.Errorf("%d of %d bytes, %v", total, n, err)
			}
		})
	}
	all.Wait()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 44<<20 { // 28 for windows, and at most 15 times 512 KiB for what cuts by content
		t.Errorf("took %d bytes", n)
	}
}
