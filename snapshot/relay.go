package snapshot

import (
	"context"
	"iter"
	"sync"

	"shoebox/device"
)

// relay hands things on from one goroutine to another, in order. They go in one by one, and all that are there come out at once: a channel would
// wake who takes them for each, which costs more than most files do.
type relay[T any] struct {
	most int           // that may wait
	some chan struct{} // something came in, or nothing will any more
	room chan struct{} // something was taken out

	mu      sync.Mutex
	waiting []T
	closed  bool
}

func newRelay[T any](most int) *relay[T] {
	return &relay[T]{most: most, some: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it was said already
	}
}

// put hands on one thing; while too many wait, it waits too.
func (r *relay[T]) put(ctx context.Context, v T) error {
	for {
		r.mu.Lock()
		before := len(r.waiting)
		if before < r.most {
			r.waiting = append(r.waiting, v)
		}
		r.mu.Unlock()
		if before == 0 {
			notify(r.some)
		}
		if before < r.most {
			return nil
		}
		select {
		case <-r.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// close says that nothing more comes.
func (r *relay[T]) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	notify(r.some)
}

// take waits until something is there and gives all of it, nothing at the end. What it gave before is handed back, as room for more.
func (r *relay[T]) take(ctx context.Context, before []T) ([]T, error) {
	clear(before) // lets go of what it points to
	for {
		r.mu.Lock()
		all, closed := r.waiting, r.closed
		if len(all) > 0 {
			r.waiting = before[:0]
		}
		r.mu.Unlock()
		if len(all) > 0 {
			notify(r.room)
			return all, nil
		}
		if closed {
			return nil, nil
		}
		select {
		case <-r.some:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// line is one of a listing.
type line struct {
	file device.File
	err  error
}

// linesAhead bounds how many lines of a listing wait to be dealt with.
const linesAhead = 4096

// list gives the listing of a source, which goes on while what it gave is dealt with. When ctx ends, its last line is why.
func list(ctx context.Context, src Source) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		listing, stop := context.WithCancel(ctx)
		lines := newRelay[line](linesAhead)
		var lister sync.WaitGroup
		lister.Go(func() {
			defer lines.close()
			for f, err := range src.Files(listing) {
				if lines.put(listing, line{f, err}) != nil {
					return
				}
			}
		})
		defer lister.Wait()
		defer stop()
		var some []line
		for {
			some, _ = lines.take(ctx, some) // it ends with ctx, as the source may without a word
			if ctx.Err() != nil {
				yield(device.File{}, context.Cause(ctx))
				return
			}
			if len(some) == 0 {
				return
			}
			for i := range some {
				if !yield(some[i].file, some[i].err) {
					return
				}
			}
		}
	}
}
