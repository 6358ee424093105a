package adb

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// ErrClosed is what a Puller says after Close.
var ErrClosed = errors.New("the phone was closed")

// Puller reads many files of one phone through a few sync connections, each with
// many requests in flight. Files come in the order of their opening on each
// connection, so the file opened first must be read or closed for those behind
// it to move: readers that take files in the order of opening never wait for
// one another in a circle, however many they are.
type Puller struct {
	// Among tells, at each file, how many share the connections: this puller then keeps to its part of its own, and at least to one.
	// nil: it is alone. Set it before the first file.
	Among func() int

	lanes  []*lane
	stalls atomic.Int32

	mu     sync.Mutex
	closed bool
}

// Puller makes a puller with the given number of connections (at least 1), which
// are opened when first needed.
func (d *Device) Puller(connections int) *Puller {
	p := &Puller{}
	for range max(1, connections) {
		p.lanes = append(p.lanes, &lane{dev: d, stalls: &p.stalls})
	}
	return p
}

// Open asks for one file. size is what the caller expects of it, and serves to
// spread the load. The error of a phone out of reach may come here or from Read.
func (p *Puller) Open(ctx context.Context, path string, size int64) (*Pull, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	pull := &Pull{ctx: ctx, path: path, size: size, turn: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	pull.lane = p.lightest()
	pull.lane.load.Add(pull.weight())
	p.mu.Unlock()
	if err := pull.lane.enter(pull); err != nil {
		return nil, orCtx(ctx, err)
	}
	pull.unwatch = context.AfterFunc(ctx, pull.interrupt)
	return pull, nil
}

// lightest returns the lane with the fewest bytes still to come, of those that are this puller's now.
func (p *Puller) lightest() *lane {
	ours := p.lanes
	if p.Among != nil {
		ours = ours[:max(1, len(ours)/max(1, p.Among()))]
	}
	best := ours[0]
	for _, l := range ours[1:] {
		if l.load.Load() < best.load.Load() {
			best = l
		}
	}
	return best
}

// Close ends all connections; files not yet read fail with ErrClosed.
func (p *Puller) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for _, l := range p.lanes {
		l.fail(ErrClosed)
	}
	return nil
}
