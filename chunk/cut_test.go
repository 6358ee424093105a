package chunk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"unsafe"

	restic "github.com/restic/chunker"
	"pgregory.net/rapid"

	"shoebox/chunk"
)

// polynomial is irreducible of degree 53.
const polynomial = 0x3DA3358B4DC173

// small sizes make many chunks of little data.
var small = chunk.Sizes{Min: 256, Max: 2048, Bits: 8}

func newCutter(t testing.TB, s chunk.Sizes) *chunk.Cutter {
	t.Helper()
	c, err := chunk.NewCutter(polynomial, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// checkPieces holds for any stream whatsoever.
func checkPieces(t fataler, data []byte, pieces []chunk.Piece, s chunk.Sizes) {
	t.Helper()
	var whole []byte
	for i, p := range pieces {
		if len(p.Data) == 0 || len(p.Data) > int(s.Max) {
			t.Fatalf("piece %d holds %d bytes, not 1 to %d", i, len(p.Data), s.Max)
		}
		if p.Kind != chunk.Body && p.Kind != chunk.Head {
			t.Fatalf("piece %d is of kind %d", i, p.Kind)
		}
		if p.Kind == chunk.Head && len(p.Data) > chunk.HeadMax {
			t.Fatalf("piece %d is a head of %d bytes", i, len(p.Data))
		}
		whole = append(whole, p.Data...)
	}
	if !bytes.Equal(whole, data) {
		t.Fatalf("the pieces of %d bytes are %d bytes put together, or others", len(data), len(whole))
	}
	if most := 2*64 + len(data)/int(s.Min); len(pieces) > most {
		t.Fatalf("%d pieces of %d bytes, more than %d", len(pieces), len(data), most)
	}
}

// cut gives copies of all pieces of r.
func cut(t fataler, c *chunk.Cutter, r io.Reader) []chunk.Piece {
	t.Helper()
	var pieces []chunk.Piece
	err := c.Cut(r, func(p chunk.Piece) error {
		pieces = append(pieces, chunk.Piece{Kind: p.Kind, Data: bytes.Clone(p.Data)})
		return nil
	})
	if err != nil {
		t.Fatalf("cut: %v", err)
	}
	return pieces
}

func samePieces(a, b []chunk.Piece) bool {
	return slices.EqualFunc(a, b, func(x, y chunk.Piece) bool {
		return x.Kind == y.Kind && bytes.Equal(x.Data, y.Data)
	})
}

// readers hand out the same bytes in different ways.
func readers(data []byte) map[string]io.Reader {
	r := func() io.Reader { return bytes.NewReader(data) }
	return map[string]io.Reader{
		"at once":         r(),
		"one byte each":   iotest.OneByteReader(r()),
		"by halves":       iotest.HalfReader(r()),
		"end with data":   iotest.DataErrReader(r()),
		"sometimes empty": &hesitant{r: r()},
		"7 bytes each":    &hesitant{r: r(), most: 7},
	}
}

// hesitant gives nothing at every other read, and never more than most.
type hesitant struct {
	r    io.Reader
	most int
	odd  bool
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.odd = !h.odd; h.odd {
		return 0, nil
	}
	if h.most > 0 {
		p = p[:min(len(p), h.most)]
	}
	return h.r.Read(p)
}

func TestPiecesAreTheStreamHoweverItIsRead(t *testing.T) {
	c := newCutter(t, small)
	rapid.Check(t, func(t *rapid.T) {
		data := anyStream().Draw(t, "data")
		first := cut(t, c, bytes.NewReader(data))
		checkPieces(t, data, first, small)
		for name, r := range readers(data) {
			if again := cut(t, c, r); !samePieces(first, again) {
				t.Fatalf("%s: %d pieces %v, not %d %v", name, len(again), lengths(again), len(first), lengths(first))
			}
		}
	})
}

func lengths(pieces []chunk.Piece) []string {
	var s []string
	for _, p := range pieces {
		s = append(s, fmt.Sprintf("%d:%d", p.Kind, len(p.Data)))
	}
	return s
}

func TestEmptyStreamHasNoPieces(t *testing.T) {
	for name, r := range readers(nil) {
		if pieces := cut(t, newCutter(t, small), r); len(pieces) != 0 {
			t.Errorf("%s: %v", name, lengths(pieces))
		}
	}
}

func TestUnknownStreamIsCutAsResticDoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range []chunk.Sizes{small, {Min: 16 << 10, Max: 128 << 10, Bits: 14}, chunk.DefaultSizes} {
		data := noise(rng, 2*int(s.Max)+12345)
		for name, r := range readers(data) {
			if name != "at once" && s == chunk.DefaultSizes {
				continue // one byte each of 16 MiB
			}
			got := cut(t, newCutter(t, s), r)
			checkPieces(t, data, got, s)
			if want := resticPieces(t, data, s); !samePieces(got, want) {
				t.Errorf("%v, %s: got %v, restic/chunker %v", s, name, lengths(got), lengths(want))
			}
		}
	}
}

func resticPieces(t *testing.T, data []byte, s chunk.Sizes) []chunk.Piece {
	c := restic.NewWithBoundaries(bytes.NewReader(data), polynomial, uint(s.Min), uint(s.Max))
	c.SetAverageBits(int(s.Bits))
	var pieces []chunk.Piece
	for {
		p, err := c.Next(nil)
		if err == io.EOF {
			return pieces
		}
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, chunk.Piece{Kind: chunk.Body, Data: p.Data})
	}
}

func TestLengthsAroundTheBounds(t *testing.T) {
	c := newCutter(t, small)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, around := range []int{1, 8, 32, int(small.Min), int(small.Max), 256 << 10} {
		for n := max(around-33, 1); n <= around+33; n++ {
			data := noise(rng, n)
			pieces := cut(t, c, bytes.NewReader(data))
			checkPieces(t, data, pieces, small)
			if n <= int(small.Max) && len(pieces) != 1 {
				t.Errorf("%d bytes, at most a chunk: %v", n, lengths(pieces))
			}
		}
	}
}

func TestReaderErrorsComeThrough(t *testing.T) {
	c := newCutter(t, small)
	broken := errors.New("cable pulled")
	data := noise(rand.New(rand.NewPCG(5, 6)), 20000)
	for _, failure := range []error{broken, io.ErrUnexpectedEOF, fmt.Errorf("wrapped: %w", io.EOF)} {
		for _, n := range []int{0, 1, 31, 2000, 2080, 20000} {
			for name, r := range map[string]io.Reader{
				"after the data": io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(failure)),
				"with the data":  &failing{data: data[:n], err: failure},
			} {
				err := c.Cut(r, func(chunk.Piece) error { return nil })
				if !errors.Is(err, failure) {
					t.Errorf("%v %s, %d bytes: got %v", failure, name, n, err)
				}
			}
		}
	}
}

// failing hands its last bytes out together with the error.
type failing struct {
	data []byte
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	n := copy(p, f.data)
	if f.data = f.data[n:]; len(f.data) == 0 {
		return n, f.err
	}
	return n, nil
}

func TestReaderThatNeverGivesAnythingIsAnError(t *testing.T) {
	err := newCutter(t, small).Cut(readFunc(func([]byte) (int, error) { return 0, nil }), nil)
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

func TestReaderThatLiesAboutItsCountIsAnError(t *testing.T) {
	for _, lie := range []int{-1, 1 << 40} {
		err := newCutter(t, small).Cut(readFunc(func([]byte) (int, error) { return lie, nil }), nil)
		if err == nil {
			t.Errorf("count %d was believed", lie)
		}
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// pages is a stream that notes where in it a read began that went to another place in a page, or was to end in the middle of one, and counts the reads.
type pages struct {
	data  []byte
	at    int
	off   []int
	cut   []int
	reads int
}

func (p *pages) Read(b []byte) (int, error) {
	const page = 4096
	if int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))%page) != p.at%page {
		p.off = append(p.off, p.at)
	}
	if (p.at+len(b))%page != 0 {
		p.cut = append(p.cut, p.at)
	}
	p.reads++
	n := copy(b, p.data[p.at:])
	if p.at += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Wherever pieces end, the system copies whole pages to whole pages.
func TestReadsKeepToPages(t *testing.T) {
	c := newCutter(t, chunk.Sizes{Min: 64 << 10, Max: 1 << 20, Bits: 17})
	from := &pages{data: make([]byte, 10<<20)}
	_, _ = rand.NewChaCha8([32]byte{1}).Read(from.data) // never fails
	n := 0
	if err := c.Cut(from, func(chunk.Piece) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(from.off) > 0 || n < 20 {
		t.Errorf("%d chunks; elsewhere in a page: the reads from %v", n, from.off)
	}
}

func TestYieldErrorEndsTheCut(t *testing.T) {
	full := errors.New("disk full")
	calls := 0
	data := noise(rand.New(rand.NewPCG(7, 8)), 100000)
	err := newCutter(t, small).Cut(bytes.NewReader(data), func(chunk.Piece) error {
		calls++
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestManyStreamsAtOnce(t *testing.T) {
	c := newCutter(t, small)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 9))
			for range 8 {
				data := noise(rng, rng.IntN(400<<10))
				var whole []byte
				err := c.Cut(bytes.NewReader(data), func(p chunk.Piece) error {
					whole = append(whole, p.Data...)
					return nil
				})
				if err != nil || !bytes.Equal(whole, data) {
					t.Errorf("%d bytes became %d, %v", len(data), len(whole), err)
				}
			}
		})
	}
	wg.Wait()
}

func noise(rng *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := 0; i+8 <= n; i += 8 {
		v := rng.Uint64()
		for j := range 8 {
			data[i+j] = byte(v >> (8 * j))
		}
	}
	return data
}
