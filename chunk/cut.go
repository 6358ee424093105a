package chunk

import (
	"io"
	"math"
)

// Cutter cuts streams. It may be used from several goroutines at once; each
// stream that needs it takes one buffer of about Sizes.Max bytes, and 512 KiB
// while it is cut by content. Both are kept for the streams to come.
//
// A stream that says how long it is, with Len() int64, takes no more than that.
// Such streams share what two of the longest and 11.5 MiB need: whoever finds no
// room waits until another has been cut, so one that says its length must not
// have to wait for a stream that comes after it. What it says need not be true.
//
// A stream that looks at its bytes again after it gave them out, beside the
// cutting, has Wait(): it is called before their memory is written to.
type Cutter struct {
	polynomial uint64
	sizes      Sizes
	pool       pool
}

// lookahead is the number of bytes beyond its end by which every structural
// piece is known to end there.
const lookahead = 32

// NewCutter makes a Cutter. It refuses a polynomial that is not irreducible of
// degree 53 and sizes outside of their bounds. allocate gives the memory that is
// shared, a slice with capacity for n bytes; nil for memory of no kind in
// particular. Where it starts on a page border, whole pages of the stream come
// to lie on whole pages of it.
func NewCutter(polynomial uint64, s Sizes, allocate func(n int) []byte) (*Cutter, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := checkPolynomial(polynomial); err != nil {
		return nil, err
	}
	big := max(int(s.Max)+lookahead+page, smallBuffer+1)
	return &Cutter{polynomial: polynomial, sizes: s, pool: pool{big: big, polynomial: polynomial, arena: newArena(big, allocate)}}, nil
}

// Cut reads r to its end and yields its pieces in order. Put together they are
// what was read; an empty stream has none. An error of r or of yield ends it
// and is returned as it is.
func (c *Cutter) Cut(r io.Reader, yield func(Piece) error) error {
	w := newWindow(r, &c.pool)
	defer w.giveBack()
	var s stage = opening{}
	for n := 1; ; n++ {
		if err := w.want(lookahead); err != nil {
			return err
		}
		if len(w.bytes()) == 0 {
			return nil
		}
		s = s.next(w.bytes())
		if n >= piecesMost {
			s = rest{Body}
		}
		p := piece{c: c, w: w, s: s}
		if err := p.cut(yield); err != nil {
			return err
		}
	}
}

// piece is one structural piece being cut.
type piece struct {
	c       *Cutter
	w       *window
	s       stage
	done    int64 // bytes already cut
	end     int64 // where the piece ends, counted from its start; the stream may end before
	settled bool  // end is known
}

func (p *piece) cut(yield func(Piece) error) error {
	for {
		if err := p.look(); err != nil {
			return err
		}
		have := p.w.bytes()
		if p.settled {
			have = have[:min(int64(len(have)), p.end-p.done)]
		}
		if len(have) == 0 {
			return nil
		}
		n := p.length(have)
		if err := yield(Piece{p.kindOf(n), have[:n:n]}); err != nil {
			return err
		}
		p.w.drop(n)
		p.done += int64(n)
	}
}

// look reads on until the end of the piece is in the window or the window
// holds more than one chunk, so that how the reader hands bytes out cannot
// change what follows.
func (p *piece) look() error {
	full := int(p.c.sizes.Max) + lookahead
	for !p.settled {
		p.settle()
		if p.settled || len(p.w.bytes()) >= full {
			break
		}
		if err := p.w.more(); err != nil {
			return err
		}
	}
	if p.settled {
		full = int(min(int64(full), p.end-p.done))
	}
	return p.w.want(full)
}

// settle asks the stage where the piece ends. A stage that finds itself
// malformed, or whose end the stream does not reach, gives way to the rest of
// the stream.
func (p *piece) settle() {
	end, found := p.s.border(view{p.done, p.w.bytes(), p.w.last})
	switch {
	case found == yes:
		p.end, p.settled = end, true
	case found == never || p.w.last:
		p.s, p.end, p.settled = rest{Body}, math.MaxInt64, true
	}
}

// length of the next chunk, have being what is left of the piece or more than
// one chunk of it.
func (p *piece) length(have []byte) int {
	most := int(p.c.sizes.Max)
	if p.done == 0 && len(have) <= most {
		return len(have)
	}
	p.w.wait() // the roller writes what it reads back to where it is
	r := p.c.pool.takeRoller()
	defer p.c.pool.giveRoller(r)
	return r.first(have[:min(len(have), most)], p.c.polynomial, p.c.sizes)
}

// kindOf the chunk of n bytes that comes next.
func (p *piece) kindOf(n int) Kind {
	whole := p.settled && p.done == 0 && int64(n) == p.end
	if whole && n <= HeadMax {
		return p.s.kind()
	}
	return Body
}
