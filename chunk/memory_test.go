package chunk_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"shoebox/chunk"
	"shoebox/snapshot/photo/phototest"
)

func discard(chunk.Piece) error { return nil }

// A file must not cost a fresh buffer: clearing 8 MiB takes longer than
// hashing them.
func TestSteadyStateTakesNoMemory(t *testing.T) {
	c := newCutter(t, chunk.DefaultSizes)
	files := map[string][]byte{
		"10 KB":  phototest.JPEG(phototest.Rand(1), phototest.Picture{Bytes: 10 << 10}),
		"3 MB":   phototest.JPEG(phototest.Rand(2), phototest.Picture{Bytes: 3 << 20, Tags: tags}),
		"20 MB":  phototest.MP4(phototest.Rand(3), phototest.Video{Bytes: 20 << 20}),
		"hidden": noise(phototest.Rand(4), 12<<20),
	}
	for name, data := range files {
		if n := allocated(t, c, data, 1); n > 20<<20 {
			t.Errorf("%s: the first cut took %d bytes", name, n)
		}
		if n := allocated(t, c, data, 4); n > 4*1024 {
			t.Errorf("%s: four more cuts took %d bytes", name, n)
		}
	}
}

// allocated counts the bytes that cutting data some times takes from the heap.
func allocated(t *testing.T, c *chunk.Cutter, data []byte, times int) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if err := c.Cut(bytes.NewReader(data), discard); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHostileLengthsTakeNoMemory(t *testing.T) {
	c := newCutter(t, chunk.DefaultSizes)
	for name, header := range map[string]string{
		"box of 2^63 - 2":  "\x00\x00\x00\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xfe",
		"moov of 2^32 - 1": "\xff\xff\xff\xffmoov",
		"PNG of 2^31 - 1":  "\x89PNG\r\n\x1a\n\x7f\xff\xff\xffIDAT",
	} {
		if n := allocated(t, c, []byte(header), 1); n > 1<<20 {
			t.Errorf("%s: took %d bytes", name, n)
		}
	}
}

// A long stream needs no more memory than a short one.
func TestLongStreamTakesBoundedMemory(t *testing.T) {
	c := newCutter(t, chunk.Sizes{Min: 64 << 10, Max: 256 << 10, Bits: 16})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	total := 0
	err := c.Cut(io.LimitReader(zeros{}, 1<<27), func(p chunk.Piece) error {
		total += len(p.Data)
		return nil
	})
	runtime.ReadMemStats(&after)
	if err != nil || total != 1<<27 {
		t.Errorf("cut %d bytes, %v", total, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("took %d bytes", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
