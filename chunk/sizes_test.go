package chunk_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"testing"
	"testing/iotest"

	restic "github.com/restic/chunker"

	"shoebox/chunk"
	"shoebox/snapshot/photo/phototest"
)

func TestSizesOutsideOfTheirBoundsAreRefused(t *testing.T) {
	for _, s := range []chunk.Sizes{
		{},
		{Min: 255, Max: 8 << 20, Bits: 21},
		{Min: 2 << 20, Max: 4<<20 - 1, Bits: 21},
		{Min: 2 << 20, Max: 16<<20 + 1, Bits: 21},
		{Min: 1 << 31, Max: 1<<32 - 1, Bits: 21},
		{Min: 2 << 20, Max: 8 << 20, Bits: 5},
		{Min: 2 << 20, Max: 8 << 20, Bits: 25},
	} {
		if s.Check() == nil {
			t.Errorf("%v passed the check", s)
		}
		if _, err := chunk.NewCutter(polynomial, s, nil); err == nil {
			t.Errorf("%v made a cutter", s)
		}
	}
	if err := chunk.DefaultSizes.Check(); err != nil {
		t.Error(err)
	}
}

func TestPolynomialsThatCannotCutAreRefused(t *testing.T) {
	for _, p := range []uint64{0, 1, 0b111, polynomial - 1, polynomial ^ 0b110, polynomial | 1<<60, 1<<64 - 1} {
		if _, err := chunk.NewCutter(p, chunk.DefaultSizes, nil); err == nil {
			t.Errorf("%#x made a cutter", p)
		}
	}
}

// Which polynomials are irreducible is what restic/chunker says, which takes hundreds of times as long: of any, and of products of two.
func TestIrreducibleIsWhatTheChunkerSays(t *testing.T) {
	rng, taken := mathrand.New(mathrand.NewPCG(1, 53)), 0
	for range 3000 {
		p := restic.Pol(1<<53 | rng.Uint64()>>11)
		if rng.IntN(10) == 0 {
			low := 1 + rng.IntN(26)
			p = restic.Pol(1<<low | rng.Uint64N(1<<low)).Mul(restic.Pol(1<<(53-low) | rng.Uint64N(1<<(53-low))))
		}
		_, err := chunk.NewCutter(uint64(p), chunk.DefaultSizes, nil)
		if (err == nil) != p.Irreducible() {
			t.Errorf("%#x: %v", uint64(p), err)
		}
		if err == nil {
			taken++
		}
	}
	if taken < 20 {
		t.Errorf("%d were taken", taken)
	}
}

func TestNewPolynomialServesACutter(t *testing.T) {
	first, err := chunk.NewPolynomial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := chunk.NewPolynomial(rand.Reader)
	if err != nil || first == second {
		t.Fatalf("got %#x twice, %v", first, err)
	}
	if _, err := chunk.NewCutter(first, chunk.DefaultSizes, nil); err != nil {
		t.Error(err)
	}
	seed := noise(phototest.Rand(21), 1<<16)
	again, err := chunk.NewPolynomial(bytes.NewReader(seed))
	same, _ := chunk.NewPolynomial(bytes.NewReader(seed))
	if err != nil || again != same {
		t.Errorf("equal randomness gave %#x and %#x, %v", again, same, err)
	}
	broken := errors.New("no randomness")
	if _, err := chunk.NewPolynomial(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestPolynomialDecidesTheCuts(t *testing.T) {
	other, err := chunk.NewPolynomial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := chunk.NewCutter(other, small, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := noise(phototest.Rand(20), 100_000)
	if samePieces(cut(t, c, bytes.NewReader(data)), cut(t, newCutter(t, small), bytes.NewReader(data))) {
		t.Error("two polynomials cut alike")
	}
}
