package storagetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"syscall"

	"shoebox/repo/storage"
)

// Fault is a way for one call to go wrong.
type Fault int

// The faults, and the calls they strike.
const (
	Fails       Fault = iota // all: an input/output error, nothing is done
	Full                     // Put: no space left
	AfterCommit              // Put, Delete: it is done, then the answer is lost in a timeout
	ShortRead                // Get: half of the bytes and no error, against the contract
	FlippedBit               // Get: one bit is wrong, and no error
	BrokenList               // List: half of the names, then an error
	StaleList                // List: without the object put last, against the contract
	NoAccess                 // all: no permission, nothing is done
	Faults                   // how many there are
)

func (f Fault) String() string {
	return [...]string{"fails", "full", "after commit", "short read", "flipped bit", "broken list", "stale list", "no access"}[f]
}

// ErrFault is wrapped by every error that a Faulty store makes up.
var ErrFault = errors.New("a fault on purpose")

// Faulty is a store whose calls are counted from 1. Call number At, if it is one that Fault can
// strike, goes wrong in that way. With At 0 it only counts.
type Faulty struct {
	Store storage.Store
	At    int
	Fault Fault

	mu     sync.Mutex
	calls  int
	struck bool
	last   string // put last
}

// Calls tells how many calls there were.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Struck tells whether the fault has happened.
func (f *Faulty) Struck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck
}

// strikes counts a call and tells whether it is the one, given the faults it can suffer.
func (f *Faulty) strikes(possible ...Fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.calls != f.At {
		return false
	}
	for _, p := range possible {
		f.struck = f.struck || p == f.Fault
	}
	return f.struck
}

func (f *Faulty) err(call, name string) error {
	cause := error(syscall.EIO)
	switch f.Fault {
	case Full:
		cause = storage.ErrFull
	case AfterCommit:
		cause = syscall.ETIMEDOUT
	case NoAccess:
		cause = syscall.EACCES
	}
	return fmt.Errorf("%s %s: %w: %w", call, name, ErrFault, cause)
}

// Put keeps data, or not.
func (f *Faulty) Put(ctx context.Context, name string, data []byte) error {
	if !f.strikes(Fails, NoAccess, Full, AfterCommit) {
		f.mu.Lock()
		f.last = name
		f.mu.Unlock()
		return f.Store.Put(ctx, name, data)
	}
	if f.Fault == AfterCommit {
		return errors.Join(f.Store.Put(ctx, name, data), f.err("put", name))
	}
	return f.err("put", name)
}

// Get returns bytes, perhaps the right ones.
func (f *Faulty) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if !f.strikes(Fails, NoAccess, ShortRead, FlippedBit) {
		return f.Store.Get(ctx, name, off, n)
	}
	if f.Fault == Fails || f.Fault == NoAccess {
		return nil, f.err("get", name)
	}
	data, err := f.Store.Get(ctx, name, off, n)
	if len(data) == 0 {
		return data, err
	}
	if f.Fault == ShortRead {
		return data[:len(data)/2], err
	}
	at := f.At * 7919 % len(data)
	data[at] ^= 1 << (f.At % 8)
	return data, err
}

// List yields names, perhaps all.
func (f *Faulty) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		all := f.Store.List(ctx, prefix)
		if !f.strikes(Fails, NoAccess, BrokenList, StaleList) {
			all(yield)
			return
		}
		f.listBadly(all, prefix, yield)
	}
}

func (f *Faulty) listBadly(all iter.Seq2[storage.Object, error], prefix string, yield func(storage.Object, error) bool) {
	if f.Fault == Fails || f.Fault == NoAccess {
		yield(storage.Object{}, f.err("list", prefix))
		return
	}
	var found []storage.Object
	for o, err := range all {
		if err != nil {
			yield(o, err)
			return
		}
		if f.Fault == BrokenList || o.Name != f.last {
			found = append(found, o)
		}
	}
	if f.Fault == BrokenList {
		found = found[:len(found)/2]
	}
	for _, o := range found {
		if !yield(o, nil) {
			return
		}
	}
	if f.Fault == BrokenList {
		yield(storage.Object{}, f.err("list", prefix))
	}
}

// Delete removes name, or not.
func (f *Faulty) Delete(ctx context.Context, name string) error {
	if !f.strikes(Fails, NoAccess, AfterCommit) {
		return f.Store.Delete(ctx, name)
	}
	if f.Fault == AfterCommit {
		return errors.Join(f.Store.Delete(ctx, name), f.err("delete", name))
	}
	return f.err("delete", name)
}
