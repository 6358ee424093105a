package chunk

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"shoebox/chunk/arena"
)

// Nothing is made for who does not need it, and the largest window there may be fits twice.
func TestArenaSize(t *testing.T) {
	for _, c := range []struct{ most, blocks int }{{1, 48}, {arena.Block, 48}, {arena.Block + 1, 50}, {int(DefaultSizes.Max), 110}, {int(DefaultSizes.Max) + lookahead + page, 112},
		{maxHighest + lookahead + page, 176}} {
		made := 0
		a := newArena(c.most, func(n int) []byte { made += n; return make([]byte, 0, n) })
		if made != 0 {
			t.Errorf("windows of %d: %d bytes before the first", c.most, made)
		}
		for range 2 {
			a.Take(c.most)
		}
		if made != c.blocks*arena.Block {
			t.Errorf("windows of %d: %d bytes", c.most, made)
		}
	}
}

// long says that it is as long as said.
type long struct {
	io.Reader
	said int64
}

func (l long) Len() int64 { return l.said }

// However a cut ends, the arena has all of it back.
func TestArenaHasAllBack(t *testing.T) {
	made := 0
	c, err := NewCutter(0x3DA3358B4DC173, Sizes{Min: 64 << 10, Max: 1 << 20, Bits: 17}, func(n int) []byte { made += n; return make([]byte, 0, n) })
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	fine := func(Piece) error { return nil }
	stream := func(n int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), n) }
	for name, try := range map[string]struct {
		from  func() io.Reader
		yield func(Piece) error
		want  error
	}{
		"whole":        {func() io.Reader { return stream(3 << 20) }, fine, nil},
		"shorter":      {func() io.Reader { return stream(5) }, fine, nil},
		"much longer":  {func() io.Reader { return stream(6 << 20) }, fine, nil},
		"read fails":   {func() io.Reader { return iotest.ErrReader(broken) }, fine, broken},
		"fails longer": {func() io.Reader { return io.MultiReader(stream(5<<20), iotest.ErrReader(broken)) }, fine, broken},
		"yield fails":  {func() io.Reader { return stream(3 << 20) }, func(Piece) error { return broken }, broken},
	} {
		for _, said := range []int64{-1 << 63, 0, smallBuffer - lookahead, smallBuffer, 3 << 20, 1<<63 - 1} {
			if err := c.Cut(long{try.from(), said}, try.yield); !errors.Is(err, try.want) {
				t.Errorf("%s, said to be %d: %v", name, said, err)
			}
			if c.pool.arena.Lent() != 0 {
				t.Fatalf("%s, said to be %d: %d bytes are still lent", name, said, c.pool.arena.Lent())
			}
		}
	}
	if made == 0 {
		t.Error("nothing was lent at all")
	}
}

// looking looks at what it gave out until Wait is called, in a goroutine of its own too.
type looking struct {
	io.Reader
	t          *testing.T
	given, was []byte
	beside     sync.WaitGroup
}

func (l *looking) Read(p []byte) (int, error) {
	l.beside.Wait()
	l.look()
	n, err := l.Reader.Read(p)
	l.given, l.was = p[:n], slices.Clone(p[:n])
	l.beside.Go(l.look)
	return n, err
}

func (l *looking) look() {
	if !slices.Equal(l.given, l.was) {
		l.t.Error("what was given out is used for something else")
	}
}

func (l *looking) Wait() {
	l.beside.Wait()
	l.look()
	l.given, l.was = nil, nil
}

// Who looks at the bytes beside the cutter is waited for before they are given back, or written by the roller: that the race detector sees.
func TestWhoLooksIsWaitedFor(t *testing.T) {
	c, err := NewCutter(0x3DA3358B4DC173, Sizes{Min: 64 << 10, Max: 1 << 20, Bits: 17}, nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	for n := range 5 {
		for _, said := range []int64{0, 3 << 20} {
			for _, end := range []error{nil, broken} {
				from := io.LimitReader(rand.NewChaCha8([32]byte{byte(n)}), int64(n)*777_777)
				if end != nil {
					from = io.MultiReader(from, iotest.ErrReader(end))
				}
				l := &looking{Reader: from, t: t}
				if err := c.Cut(lookingLong{l, said}, func(Piece) error { return nil }); !errors.Is(err, end) {
					t.Error(err)
				}
				if l.given != nil {
					t.Errorf("%d bytes, said to be %d, that end with %v: nobody waited at the end", n*777_777, said, end)
				}
			}
		}
	}
}

// And before they are moved.
func TestWhoLooksIsWaitedForWhenTheWindowMoves(t *testing.T) {
	l := &looking{Reader: rand.NewChaCha8([32]byte{}), t: t}
	w := newWindow(lookingLong{l, 1 << 20}, &pool{big: 1 << 20, arena: newArena(1<<20, nil)})
	if err := w.want(1 << 20); err != nil {
		t.Fatal(err)
	}
	w.drop(1 << 18)
	if err := w.more(); err != nil {
		t.Fatal(err)
	}
	w.giveBack()
}

// lookingLong is one that says how long it is.
type lookingLong struct {
	*looking
	said int64
}

func (l lookingLong) Len() int64 { return l.said }

// A stream that says no length, or fits a small buffer, takes nothing of the arena.
func TestArenaIsForLongStreams(t *testing.T) {
	p := &pool{big: 1 << 20, arena: newArena(1<<20, nil)}
	for said, lent := range map[int64]bool{-1: false, 0: false, smallBuffer - lookahead: false, smallBuffer - lookahead + 1: true, 1 << 40: true} {
		w := newWindow(long{nil, said}, p)
		if w.lent != lent {
			t.Errorf("%d bytes: lent is %v", said, w.lent)
		}
		w.giveBack()
	}
	if w := newWindow(rand.NewChaCha8([32]byte{}), p); w.lent {
		t.Error("lent to who said nothing")
	}
}
