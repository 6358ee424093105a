package chunk

import (
	"errors"
	"io"
)

// smallBuffer suffices for most screenshots, messages' pictures and sidecars.
const smallBuffer = 256 << 10

// page is the unit in which a system keeps what it has read of a file.
const page = 4096

// window is the part of a stream that was read and not yet cut.
type window struct {
	from       io.Reader
	wait       func() // until nobody else looks at the bytes
	pool       *pool
	buf        []byte
	lent       bool // buf is of the arena
	start, end int  // buf[start:end] is the window
	last       bool // the stream ends where the window ends
}

// newWindow gives a stream that says that it is too long for a small buffer a
// window of the arena that holds all of it, or more than one chunk. One that
// says nothing begins with a small buffer.
func newWindow(r io.Reader, p *pool) *window {
	w := &window{from: r, pool: p, wait: func() {}}
	if s, ok := r.(interface{ Wait() }); ok {
		w.wait = s.Wait
	}
	if s, ok := r.(interface{ Len() int64 }); ok {
		n := lookahead + int(max(0, min(s.Len(), int64(p.big-lookahead))))
		w.lent = n > smallBuffer
		if w.lent {
			w.buf = p.arena.Take(n)
			return w
		}
	}
	w.buf = p.take(smallBuffer)
	return w
}

// giveBack lets others have the buffer.
func (w *window) giveBack() {
	w.wait()
	if w.lent {
		w.pool.arena.Give(w.buf)
	} else {
		w.pool.give(w.buf)
	}
	w.lent = false
}

func (w *window) bytes() []byte { return w.buf[w.start:w.end] }

func (w *window) drop(n int) { w.start += n }

// want reads until the window holds n bytes or the stream has ended. n is at
// most the pool's big buffer.
func (w *window) want(n int) error {
	for !w.last && w.end-w.start < n {
		if err := w.more(); err != nil {
			return err
		}
	}
	return nil
}

// more reads at least one byte or finds the end of the stream.
func (w *window) more() error {
	w.makeRoom()
	for range 100 {
		free := w.buf[w.end:]
		n, err := w.from.Read(free)
		if n < 0 || n > len(free) {
			return errors.New("reader returned an impossible count")
		}
		w.end += n
		if err == io.EOF {
			w.last = true
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// makeRoom frees space at the end of the buffer: at first by moving to the
// big buffer, also when the stream is longer than it said, later by moving the
// window to the front. What stands on a page border of the stream stays on one
// of the buffer, because the system copies pages: to a place a few bytes off it
// does so five times as slowly on some processors.
func (w *window) makeRoom() {
	if w.end < len(w.buf) {
		return
	}
	w.wait()
	to := w.buf
	grows := len(w.buf) < w.pool.big
	if grows {
		to = w.pool.take(w.pool.big)
	}
	start := w.start % page
	n := copy(to[start:], w.bytes())
	if grows {
		w.giveBack()
		w.buf = to
	}
	w.start, w.end = start, start+n
}
