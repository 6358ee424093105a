package storagetest

import (
	"context"
	"errors"
	"iter"
	"sync"

	"shoebox/repo/storage"
)

// CutOff is a store whose process dies at call number At, counted from 1, of those that change it: before the call takes effect, or
// after it. From then on every call fails. With At 0 it only counts.
type CutOff struct {
	Store storage.Store
	At    int
	After bool

	mu    sync.Mutex
	calls int
	dead  bool
}

// Calls tells how many calls changed the store, or tried to.
func (c *CutOff) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// Struck tells whether the process has died.
func (c *CutOff) Struck() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// strike tells whether to do a call and whether it fails.
func (c *CutOff) strike(changes bool) (do bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false, ErrStopped
	}
	if !changes {
		return true, nil
	}
	if c.calls++; c.calls == c.At {
		c.dead = true
		return c.After, ErrStopped
	}
	return true, nil
}

// Put keeps data, unless the process has died.
func (c *CutOff) Put(ctx context.Context, name string, data []byte) error {
	do, err := c.strike(true)
	if do {
		err = errors.Join(err, c.Store.Put(ctx, name, data))
	}
	return err
}

// Delete removes name, unless the process has died.
func (c *CutOff) Delete(ctx context.Context, name string) error {
	do, err := c.strike(true)
	if do {
		err = errors.Join(err, c.Store.Delete(ctx, name))
	}
	return err
}

// Get returns bytes, unless the process has died.
func (c *CutOff) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if _, err := c.strike(false); err != nil {
		return nil, err
	}
	return c.Store.Get(ctx, name, off, n)
}

// List yields names, unless the process has died.
func (c *CutOff) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		if _, err := c.strike(false); err != nil {
			yield(storage.Object{}, err)
			return
		}
		c.Store.List(ctx, prefix)(yield)
	}
}
