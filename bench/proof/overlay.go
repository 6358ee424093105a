package proof

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"sync"

	"shoebox/repo/storage"
)

// Overlay is a store laid over another one, which it never changes: what is put, deleted or damaged is so only in the overlay, until Reset.
type Overlay struct {
	Base storage.Store

	mu      sync.Mutex
	changed map[string][]byte // nil: gone
}

// Put keeps a copy of data in the overlay.
func (o *Overlay) Put(ctx context.Context, name string, data []byte) error {
	if err := storage.CheckName(name); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	o.set(name, append([]byte{}, data...))
	return ctx.Err()
}

// Delete hides name.
func (o *Overlay) Delete(ctx context.Context, name string) error {
	o.set(name, nil)
	return ctx.Err()
}

func (o *Overlay) set(name string, data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = map[string][]byte{}
	}
	o.changed[name] = data
}

// Reset forgets every change.
func (o *Overlay) Reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.changed)
}

// Get reads what was changed, or the base.
func (o *Overlay) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	o.mu.Lock()
	data, ours := o.changed[name]
	o.mu.Unlock()
	switch {
	case !ours:
		return o.Base.Get(ctx, name, off, n)
	case data == nil:
		return nil, fmt.Errorf("get %s: %w", name, fs.ErrNotExist)
	}
	n, err := storage.Span(int64(len(data)), off, n)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return bytes.Clone(data[off : off+n]), ctx.Err()
}

// List yields the base's names but those that are gone, and those that were added.
func (o *Overlay) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		o.mu.Lock()
		left := map[string]int64{}
		hidden := map[string]bool{}
		for name, data := range o.changed {
			hidden[name] = true
			if data != nil && strings.HasPrefix(name, prefix) {
				left[name] = int64(len(data))
			}
		}
		o.mu.Unlock()
		for at, err := range o.Base.List(ctx, prefix) {
			if err == nil && hidden[at.Name] {
				continue
			}
			if !yield(at, err) || err != nil {
				return
			}
		}
		for name, size := range left {
			if !yield(storage.Object{Name: name, Size: size}, nil) {
				return
			}
		}
	}
}
