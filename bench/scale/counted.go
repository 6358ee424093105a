package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"

	"shoebox/repo/storage"
)

// listPage is how many names a bucket gives in one answer to LIST: docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.
const listPage = 1000

// Tally counts requests to a store, and the bytes they carry.
type Tally struct {
	Put, Get, List, Delete int64 // List counts pages of 1,000 names
	Up, Down               int64 // bytes
}

func (t *Tally) add(o Tally) {
	t.Put, t.Get, t.List, t.Delete = t.Put+o.Put, t.Get+o.Get, t.List+o.List, t.Delete+o.Delete
	t.Up, t.Down = t.Up+o.Up, t.Down+o.Down
}

// Requests is how many there are in all.
func (t Tally) Requests() int64 { return t.Put + t.Get + t.List + t.Delete }

func (t *Tally) put(n int64)         { t.Put, t.Up = t.Put+1, t.Up+n }
func (t *Tally) get(n int64)         { t.Get, t.Down = t.Get+1, t.Down+n }
func (t *Tally) gets(count, n int64) { t.Get, t.Down = t.Get+count, t.Down+n }

// list counts a LIST that finds so many names.
func (t *Tally) list(names int) { t.List += int64(max(1, (names+listPage-1)/listPage)) }

// Census counts objects and their bytes in one folder.
type Census struct{ Objects, Bytes int64 }

// counted is a store that counts what is asked of it. It may be used by several goroutines at once.
type counted struct {
	storage.Store

	mu    sync.Mutex
	tally Tally
	seen  func(what, name string, bytes int) // told of every PUT and GET; nil for nobody
}

func newCounted(s storage.Store) *counted {
	return &counted{Store: s}
}

func (c *counted) note(what, name string, bytes int, count func(*Tally)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.tally)
	if c.seen != nil {
		c.seen(what, name, bytes)
	}
}

// take gives what was counted since it was last asked.
func (c *counted) take() Tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tally
	c.tally = Tally{}
	return t
}

// Put counts and puts.
func (c *counted) Put(ctx context.Context, name string, data []byte) error {
	c.note("put", name, len(data), func(t *Tally) { t.put(int64(len(data))) })
	return c.Store.Put(ctx, name, data)
}

// Get counts and gets.
func (c *counted) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	data, err := c.Store.Get(ctx, name, off, n)
	c.note("get", name, len(data), func(t *Tally) { t.get(int64(len(data))) })
	return data, err
}

// Delete counts and deletes.
func (c *counted) Delete(ctx context.Context, name string) error {
	c.note("delete", name, 0, func(t *Tally) { t.Delete++ })
	return c.Store.Delete(ctx, name)
}

// List counts the pages a bucket would need, and lists.
func (c *counted) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		n := 0
		defer func() { c.note("list", prefix, 0, func(t *Tally) { t.list(n) }) }()
		for o, err := range c.Store.List(ctx, prefix) {
			n++
			if !yield(o, err) {
				return
			}
		}
	}
}

// census counts the objects of each folder; those below copies/ and parity/ too.
func (c *counted) census(ctx context.Context) (map[string]Census, error) {
	all := make(map[string]Census)
	for o, err := range c.Store.List(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("count the objects: %w", err)
		}
		folder, _, _ := strings.Cut(o.Name, "/")
		at := all[folder]
		all[folder] = Census{at.Objects + 1, at.Bytes + o.Size}
	}
	return all, nil
}
