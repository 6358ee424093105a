package adb

import (
	"context"
	"sync"
	"sync/atomic"
)

// lane is one sync connection and the files asked for on it, in order. Only the
// head of the queue reads from the connection, so no goroutine is needed: the
// turn goes from reader to reader.
type lane struct {
	dev    *Device
	load   atomic.Int64  // bytes still to come, about
	stalls *atomic.Int32 // files of the whole puller that stalled

	mu    sync.Mutex
	s     *session // nil: to be opened
	queue []*Pull
	sent  int   // files at the head of queue that are asked for in s
	alone bool  // ask for the head only: the connection broke over it before
	err   error // why nothing more comes
}

// enter puts a file at the end of the queue and asks for it.
func (l *lane) enter(p *Pull) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		l.load.Add(-p.weight())
		return l.err
	}
	l.queue = append(l.queue, p)
	if len(l.queue) > 1 {
		l.send()
		return nil
	}
	close(p.turn)
	if err := l.open(p.ctx); err != nil {
		l.pop()
		return err
	}
	return nil
}

// open makes a session if there is none, and asks again for what waits.
// The caller holds mu.
func (l *lane) open(ctx context.Context) error {
	if l.s == nil {
		s, err := l.dev.session(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &Lost{err}
		}
		l.s, l.sent = s, 0
	}
	l.send()
	return nil
}

// send asks for waiting files until enough are in flight, each followed by a
// question for its state after the read. A write that fails is found out by the
// head, which reads.
func (l *lane) send() {
	if l.s == nil {
		return
	}
	most := ahead
	if l.alone {
		most = 1
	}
	var b []byte
	for ; l.sent < min(len(l.queue), most); l.sent++ {
		path := l.queue[l.sent].path
		b = appendRequest(b, "RECV", path)
		b = appendRequest(b, l.s.statID(), path)
	}
	if b != nil {
		_ = l.s.write(b)
	}
}

// session returns the connection for p, whose turn it is.
func (l *lane) session(p *Pull) (*session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return nil, l.err
	case p.closed:
		return nil, ErrClosed
	}
	if err := l.open(p.ctx); err != nil {
		return nil, err
	}
	l.s.path = p.path
	return l.s, nil
}

// reset gives up a connection that broke; the next session call makes another,
// on which the head is asked for alone. After a FAIL the server closes a
// connection with our further requests unread in it, and that takes along what
// was on the way: asked for as before, the head would be lost in the same way.
func (l *lane) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
	l.alone = true
}

func (l *lane) drop() {
	if l.s != nil {
		l.s.close()
	}
	l.s, l.sent = nil, 0
}

func (l *lane) pop() {
	l.load.Add(-l.queue[0].weight())
	l.queue[0] = nil
	l.queue = l.queue[1:]
	l.sent = max(0, l.sent-1)
}

// leave takes p out. If it was the head, the next file gets the turn; the
// connection serves on only if p's answer was read to its end.
func (l *lane) leave(p *Pull, clean bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.closed = true
	if len(l.queue) == 0 || l.queue[0] != p {
		return
	}
	if !clean {
		l.drop()
	}
	l.alone = false
	l.pop()
	for len(l.queue) > 0 && l.queue[0].closed {
		l.drop() // its answer is on the way and nobody wants it
		l.pop()
	}
	if len(l.queue) > 0 {
		close(l.queue[0].turn)
	}
	l.send()
}

// fail ends the lane: every file in it, and every later one, gets err.
func (l *lane) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	l.drop()
	for i, p := range l.queue {
		if i > 0 {
			close(p.turn)
		}
		l.load.Add(-p.weight())
	}
	l.queue = nil
}

// interrupt unblocks p if it is reading.
func (l *lane) interrupt(p *Pull) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 && l.queue[0] == p && l.s != nil {
		l.s.close()
	}
}
