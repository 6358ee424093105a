package adb

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// maxBreaks is how often the connection may break over one file.
const maxBreaks = 3

// maxStalls is how many files of one Puller may stall before the phone itself
// is taken to be stuck.
const maxStalls = 3

// Pull is one file on its way. Read returns io.EOF only after the phone said
// that the file is whole, and After then tells what it is since. One goroutine
// reads; Close may come from another.
type Pull struct {
	ctx     context.Context
	path    string
	size    int64
	lane    *lane
	turn    chan struct{} // closed when this file is the head of its lane
	unwatch func() bool
	closed  bool // guarded by lane.mu: nobody wants it any more

	left   int    // bytes left of this DATA frame
	got    int64  // bytes handed out
	sum    uint32 // CRC-32C of them
	skip   int64  // bytes to come that were handed out before the connection broke
	second uint32 // CRC-32C of those that came again so far
	empty  int    // DATA frames with nothing in them
	breaks int
	after  Stat
	err    error
}

// weight is the load a file puts on its lane: its bytes and what asking costs.
func (p *Pull) weight() int64 { return max(0, p.size) + 32<<10 }

// After is the state of the path once its last byte was sent; valid after io.EOF.
func (p *Pull) After() Stat { return p.after }

// Read reads on. A *Lost error means that the phone is out of reach; any other
// concerns this file only.
func (p *Pull) Read(b []byte) (int, error) {
	if p.err != nil || len(b) == 0 {
		return 0, p.err
	}
	select {
	case <-p.turn:
	case <-p.ctx.Done():
		p.end(p.ctx.Err())
		return 0, p.err
	}
	for {
		n, err := p.read(b)
		if err != nil && !p.again(err) {
			return 0, p.err
		}
		if p.got += int64(n); n > 0 {
			p.sum = crc32.Update(p.sum, crc32.MakeTable(crc32.Castagnoli), b[:n])
			return n, nil
		}
	}
}

func (p *Pull) read(b []byte) (int, error) {
	s, err := p.lane.session(p)
	if err != nil {
		return 0, err
	}
	for p.left == 0 {
		n, done, err := s.data()
		if err != nil {
			return 0, err
		}
		if done {
			return 0, p.finish(s)
		}
		if p.left = n; n == 0 {
			p.empty++
		}
		if p.empty > maxEmpty {
			return 0, fmt.Errorf("%w: a file of empty pieces", ErrProtocol)
		}
	}
	n, err := s.r.Read(b[:min(len(b), p.left)])
	p.left -= n
	if n > 0 {
		return p.unseen(b, n)
	}
	return 0, readError(err)
}

// unseen takes away what was handed out before, which must be the same bytes: whoever broke the connection may have spoiled the last of them.
func (p *Pull) unseen(b []byte, n int) (int, error) {
	seen := int(min(p.skip, int64(n)))
	if seen > 0 {
		p.second = crc32.Update(p.second, crc32.MakeTable(crc32.Castagnoli), b[:seen])
		if p.skip -= int64(seen); p.skip == 0 && p.second != p.sum {
			return 0, fmt.Errorf("%w: it began otherwise the second time", ErrAnother)
		}
	}
	return copy(b, b[seen:n]), nil
}

// finish reads what follows the last byte.
func (p *Pull) finish(s *session) error {
	if p.skip > 0 {
		return fmt.Errorf("%w: fewer bytes came the second time", ErrBroken)
	}
	after, err := s.stat()
	if err != nil {
		return err
	}
	p.after = after
	s.progress()
	return io.EOF
}

// again decides what an error means: for this file, for the phone, or nothing
// yet. After a break the file is asked for once more and the bytes already handed
// out are passed over, and must be the same: whoever reads compares size and time at the end with those
// before the first byte, so both parts are of the same file.
func (p *Pull) again(err error) bool {
	switch {
	case p.ctx.Err() != nil:
		err = p.ctx.Err()
	case errors.Is(err, ErrBroken) && p.breaks < maxBreaks:
		p.breaks++
		p.left, p.skip, p.second = 0, p.got, 0
		p.lane.reset()
		return true
	case errors.Is(err, ErrBroken), errors.Is(err, ErrStalled):
		err = p.alive(err)
	}
	p.end(err)
	return false
}

// alive finds out whether only this file's connection failed: the phone must
// accept another, on which the rest goes on.
func (p *Pull) alive(err error) error {
	if lost := (*Lost)(nil); errors.As(err, &lost) {
		return err
	}
	if errors.Is(err, ErrStalled) && p.lane.stalls.Add(1) > maxStalls {
		return &Lost{err}
	}
	p.lane.reset()
	if _, lost := p.lane.session(p); lost != nil {
		return lost
	}
	return err
}

// end settles the file's fate once.
func (p *Pull) end(err error) {
	p.err = err
	p.unwatch()
	if lost := (*Lost)(nil); errors.As(err, &lost) {
		p.lane.fail(err)
		return
	}
	p.lane.leave(p, err == io.EOF)
}

// Close gives the file up if it was not read to its end, which costs a new
// connection if its bytes are on the way.
func (p *Pull) Close() error {
	p.unwatch()
	p.lane.leave(p, false)
	return nil
}

func (p *Pull) interrupt() { p.lane.interrupt(p) }
