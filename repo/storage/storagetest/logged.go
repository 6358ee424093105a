package storagetest

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"shoebox/repo/storage"
)

// Logged is a store that keeps a line of every call, in the order in which they were made.
type Logged struct {
	Store storage.Store

	mu    sync.Mutex
	lines []string
}

// Lines returns the log so far: "put NAME BYTES", "get NAME OFFSET BYTES", "list PREFIX", "delete NAME".
func (l *Logged) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

func (l *Logged) add(format string, of ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, of...))
}

// Put logs and keeps.
func (l *Logged) Put(ctx context.Context, name string, data []byte) error {
	l.add("put %s %d", name, len(data))
	return l.Store.Put(ctx, name, data)
}

// Get logs and returns.
func (l *Logged) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	l.add("get %s %d %d", name, off, n)
	return l.Store.Get(ctx, name, off, n)
}

// List logs when it is read.
func (l *Logged) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		l.add("list %s", prefix)
		l.Store.List(ctx, prefix)(yield)
	}
}

// Delete logs and removes.
func (l *Logged) Delete(ctx context.Context, name string) error {
	l.add("delete %s", name)
	return l.Store.Delete(ctx, name)
}
