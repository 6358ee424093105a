package snapshot

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"shoebox/device"
)

// What goes into a relay comes out once and in order, however slow either side is.
func TestRelayKeepsTheOrder(t *testing.T) {
	for _, most := range []int{1, 3, 1000} {
		r, out := newRelay[int](most), 0
		go func() {
			defer r.close()
			for i := range 5000 {
				if err := r.put(t.Context(), i); err != nil {
					t.Error(err)
					return
				}
				if i%1024 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		}()
		for some, err := r.take(t.Context(), nil); len(some) > 0; some, err = r.take(t.Context(), some) {
			if err != nil || len(some) > most {
				t.Fatalf("%d at once of at most %d: %v", len(some), most, err)
			}
			for _, n := range some {
				if n != out {
					t.Fatalf("%d came, want %d", n, out)
				}
				out++
			}
		}
		if out != 5000 {
			t.Errorf("%d of 5,000 came", out)
		}
	}
}

// Who waits for room, or for something to come, goes when the context ends.
func TestRelayEndsWithTheContext(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := newRelay[int](1)
	if err := r.put(ctx, 1); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { cancel(why) })
	if err := r.put(ctx, 2); !errors.Is(err, why) {
		t.Errorf("a full one: %v", err)
	}
	if some, err := r.take(ctx, nil); len(some) != 1 || err != nil {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := r.take(ctx, nil); !errors.Is(err, why) {
		t.Errorf("an empty one: %v", err)
	}
}

// fewLines is a source that lists some files and then waits, until ctx ends, or to be told.
type fewLines struct {
	Source
	files int
	then  chan struct{}
}

func (s fewLines) Files(ctx context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for i := range s.files {
			if !yield(device.File{Size: int64(i)}, nil) {
				return
			}
		}
		select {
		case <-s.then:
		case <-ctx.Done():
		}
	}
}

// Each line of a listing is told at once, also while the source is slow to say more.
func TestListHoldsNothingBack(t *testing.T) {
	s := fewLines{files: 3, then: make(chan struct{})}
	n := 0
	for _, err := range list(t.Context(), s) {
		if n++; err != nil {
			t.Fatal(err)
		}
		if n == s.files {
			close(s.then)
		}
	}
	if n != s.files {
		t.Errorf("%d lines", n)
	}
}

// A listing that is cut off by the context says so: it must not look complete.
func TestListCutOffSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, last := 0, error(nil)
	for _, err := range list(ctx, fewLines{files: 3}) {
		if n++; n == 3 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%d lines, then %v", n, last)
	}
	for range list(t.Context(), fewLines{files: 3}) {
		break // the lister ends too, or list would not return
	}
}
