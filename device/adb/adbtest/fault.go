package adbtest

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is a way to go wrong.
type Kind uint8

const (
	// Cut sends the answer's first At bytes and then drops the whole phone's
	// connection (Direct: this connection).
	Cut Kind = iota + 1
	// Hang sends the answer's first At bytes and then nothing for ever.
	Hang
	// Fail sends the answer's first At bytes of content, then FAIL with Text, and
	// ends the session.
	Fail
	// Raw sends Text in place of the answer, then goes on with the next request.
	Raw
	// RawClose is Raw, and then ends the session.
	RawClose
	// Endless repeats Text for ever.
	Endless
	// EndSession sends the answer's first At bytes and closes this stream only.
	EndSession
	// Drip sends one byte of the answer every Pace.
	Drip
	// Refuse does not open the service that Path names.
	Refuse
	// Do calls Func when the answer is known, before its first byte or after At bytes of it, and then goes on.
	Do
	// First calls Func before the phone looks at what it is asked about, and then goes on.
	First
)

// Fault makes some answers go wrong.
type Fault struct {
	Op    string // the request: LIST, LIS2, STAT, LST2, STA2, RECV, SEND (At counts what came in); OPEN for services; SHELL for shell,v2 (Path ends the line); "" is any
	Path  string // the end of the request's path; "" is any
	Has   string // somewhere in the request's path; "" is any
	Skip  int    // answers to let pass first
	Times int    // answers to spoil; 0 is all
	Kind  Kind
	At    int64
	Text  string
	Func  func()
	Pace  time.Duration // of Drip; 0 is 10 ms
}

func (f *Fault) fits(op, path string) bool {
	return (f.Op == "" || f.Op == op) && strings.HasSuffix(path, f.Path) && strings.Contains(path, f.Has)
}

// Break adds faults.
func (d *Daemon) Break(faults ...Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range faults {
		d.faults = append(d.faults, &f)
	}
}

// Mend removes all faults.
func (d *Daemon) Mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.spoiled = nil, 0
}

// Spoiled is how many answers met a fault since the last Mend.
func (d *Daemon) Spoiled() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.spoiled
}

// fault takes the fault for a request, if there is one.
func (d *Daemon) fault(op, path string) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, f := range d.faults {
		if !f.fits(op, path) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				d.faults = slices.Delete(d.faults, i, i+1)
			}
		}
		d.spoiled++
		return f
	}
	return nil
}

// Counters count what was asked of a phone.
type Counters struct {
	count sync.Mutex
	bytes int64
	pulls map[string]int
	ops   map[string]int
}

// Bytes is how many bytes of files were sent.
func (c *Counters) Bytes() int64 {
	c.count.Lock()
	defer c.count.Unlock()
	return c.bytes
}

// Pulls says how often each path was pulled, by its path on the phone.
func (c *Counters) Pulls() map[string]int {
	c.count.Lock()
	defer c.count.Unlock()
	return maps.Clone(c.pulls)
}

// Asked is how often a request such as "LIS2" or "OPEN sync:" came.
func (c *Counters) Asked(op string) int {
	c.count.Lock()
	defer c.count.Unlock()
	return c.ops[op]
}

// ResetCounters sets all counters to zero.
func (c *Counters) ResetCounters() {
	c.count.Lock()
	defer c.count.Unlock()
	c.bytes, c.pulls, c.ops = 0, nil, nil
}

func (c *Counters) asked(op, path string) {
	c.count.Lock()
	defer c.count.Unlock()
	if c.ops == nil {
		c.ops = make(map[string]int)
		c.pulls = make(map[string]int)
	}
	c.ops[op]++
	if op == "RECV" {
		c.pulls[path]++
	}
}

func (c *Counters) sent(n int) {
	c.count.Lock()
	defer c.count.Unlock()
	c.bytes += int64(n)
}
