package chunk

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"

	restic "github.com/restic/chunker"
)

// degree of the polynomials that restic/chunker derives and can use.
const degree = 53

// rollingWindow is the number of bytes that restic/chunker's hash looks back
// on. It is a constant of that package, not exported.
const rollingWindow = 64

// NewPolynomial makes a polynomial for a Cutter from random bytes, a few
// hundred at most on average. It is a secret: who knows it and sees the
// lengths of chunks can tell what they hold.
func NewPolynomial(random io.Reader) (uint64, error) {
	p, err := restic.DerivePolynomial(random)
	if err != nil {
		return 0, fmt.Errorf("derive a chunker polynomial: %w", err)
	}
	return uint64(p), nil
}

func checkPolynomial(polynomial uint64) error {
	if restic.Pol(polynomial).Deg() != degree || !irreducible(polynomial) {
		return fmt.Errorf("chunker polynomial is not irreducible of degree %d", degree)
	}
	return nil
}

// irreducible tells of a polynomial of degree 53 over GF(2) whether it is. As 53 is prime it is when it divides x^(2^53) - x, and neither 0 nor
// 1 is a root (M. O. Rabin, Probabilistic algorithms in finite fields, 1980). 53 squarings take microseconds, and every command waits for them.
func irreducible(polynomial uint64) bool {
	if polynomial&1 == 0 || bits.OnesCount64(polynomial)%2 == 0 {
		return false
	}
	power := uint64(2) // x
	for range degree {
		power = squareMod(power, polynomial)
	}
	return power == 2
}

// squareMod squares modulo a polynomial of degree 53. The square of a sum is the sum of the squares here.
func squareMod(a, polynomial uint64) (square uint64) {
	even := uint64(1) // x^(2 n) modulo the polynomial
	for ; a != 0; a >>= 1 {
		if a&1 != 0 {
			square ^= even
		}
		for range 2 {
			if even <<= 1; even>>degree != 0 {
				even ^= polynomial
			}
		}
	}
	return square
}

// roller cuts by content. It holds the 512 KiB through which restic/chunker
// copies what it reads.
type roller struct {
	chunker *restic.Chunker
	from    bytes.Reader
}

func newRoller(polynomial uint64) *roller {
	r := &roller{}
	r.chunker = restic.New(&r.from, restic.Pol(polynomial))
	return r
}

// first gives the length of the first chunk of data, which holds Max bytes or
// all that is left of its piece.
//
// The hash is told nothing of what comes before Min less its window: it would
// only copy it. And it is given data itself to append to, so that it writes
// the bytes it has read back to where they were, instead of into a second
// buffer of Max bytes.
func (r *roller) first(data []byte, polynomial uint64, s Sizes) int {
	if len(data) <= int(s.Min) {
		return len(data)
	}
	skip := int(s.Min) - rollingWindow
	r.from.Reset(data[skip:])
	r.chunker.ResetWithBoundaries(&r.from, restic.Pol(polynomial), rollingWindow, uint(s.Max)-uint(skip))
	r.chunker.SetAverageBits(int(s.Bits))
	c, err := r.chunker.Next(data[skip:skip])
	if err != nil {
		panic("chunk: restic/chunker failed on bytes in memory: " + err.Error())
	}
	return skip + int(c.Length)
}
