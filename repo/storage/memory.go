package storage

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"sync"
)

// Memory is a Store in memory. The zero value is empty and ready.
type Memory struct {
	mu      sync.RWMutex
	objects map[string][]byte // never changed in place
}

// Put keeps a copy of data.
func (m *Memory) Put(ctx context.Context, name string, data []byte) error {
	if err := ready(ctx, name); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[name] = bytes.Clone(data)
	return nil
}

// Get returns a copy of the bytes asked for.
func (m *Memory) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if err := ready(ctx, name); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	m.mu.RLock()
	data, found := m.objects[name]
	m.mu.RUnlock()
	if !found {
		return nil, fmt.Errorf("get %s: %w", name, fs.ErrNotExist)
	}
	n, err := Span(int64(len(data)), off, n)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return append(make([]byte, 0, n), data[off:off+n]...), nil
}

// List yields what is there at the time of the call.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkPrefix(prefix); err != nil {
			yield(Object{}, fmt.Errorf("list: %w", err))
			return
		}
		for _, o := range m.below(prefix) {
			if err := ctx.Err(); err != nil {
				yield(Object{}, fmt.Errorf("list %s: %w", prefix, err))
				return
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (m *Memory) below(prefix string) []Object {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []Object
	for name, data := range m.objects { // in the map's random order, so that no caller relies on one
		if strings.HasPrefix(name, prefix) {
			found = append(found, Object{name, int64(len(data))})
		}
	}
	return found
}

// Delete forgets name.
func (m *Memory) Delete(ctx context.Context, name string) error {
	if err := ready(ctx, name); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, name)
	return nil
}

// ready is what every call asks first: is the name good, does the caller still want it?
func ready(ctx context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
