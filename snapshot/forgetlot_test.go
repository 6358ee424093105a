package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"shoebox/bench/proof"
	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// lots lets the calls of several actors through one at a time, whose turn it is by lot.
type lots struct {
	rng *rand.Rand

	mu      sync.Mutex
	waiting []chan struct{}
	done    chan struct{}
}

// take waits for a turn; the function it gives ends it.
func (l *lots) take() (end func()) {
	turn := make(chan struct{})
	l.mu.Lock()
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	<-turn
	return func() { l.done <- struct{}{} }
}

// run gives out turns until stopped. It waits a moment before each, so that whoever wants the next is there.
func (l *lots) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		for range 50 {
			runtime.Gosched()
		}
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.mu.Unlock()
			continue
		}
		i := l.rng.IntN(len(l.waiting))
		turn := l.waiting[i]
		l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
		l.mu.Unlock()
		close(turn)
		<-l.done
	}
}

// byLot is the store as one actor sees it. It dies at one of its changing calls, when that is not zero.
type byLot struct {
	storage.Store
	lots *lots

	mu      sync.Mutex
	dieAt   int
	changes int
}

func (b *byLot) change() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changes++; b.dieAt > 0 && b.changes >= b.dieAt {
		return errCut
	}
	return nil
}

func (b *byLot) Put(ctx context.Context, name string, data []byte) error {
	defer b.lots.take()()
	if err := b.change(); err != nil {
		return err
	}
	return b.Store.Put(ctx, name, data)
}

func (b *byLot) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	defer b.lots.take()()
	return b.Store.Get(ctx, name, off, n)
}

func (b *byLot) Delete(ctx context.Context, name string) error {
	defer b.lots.take()()
	if err := b.change(); err != nil {
		return err
	}
	return b.Store.Delete(ctx, name)
}

func (b *byLot) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		var all []storage.Object
		end := b.lots.take() // a listing is one moment
		for o, err := range b.Store.List(ctx, prefix) {
			if err != nil {
				end()
				yield(o, err)
				return
			}
			all = append(all, o)
		}
		end()
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// Two computers forget, one brings back what was forgotten before, one backs up and one prunes, all at once, their calls in an order drawn by lot, and
// one of them may die: every content stays in a snapshot that remains, and a prune afterwards takes none of it.
func TestForgettingByLot(t *testing.T) {
	base := newThinned(t)
	var names []string
	for i, src := range []roll{{"a": text("a"), "both": text("both")}, {"b": text("b"), "both": text("both")}, {"c": text("c"), "three": text("three")},
		{"three": text("three"), "d": text("d")}, {"three": text("three")}, {"last": text("last")}} {
		names = append(names, base.backup(t, fmt.Sprint("phone", i%2), src, nil).Name)
	}
	base.forget(t, base.options(), names[2])
	schedules, deaths := proof.Pick(t, 15, 150, 3000), 0
	for seed := range uint64(schedules) {
		k := *base
		k.lab, k.must = base.lab.copied(), cloneOf(base.must)
		deaths += k.play(t, seed, names)
		for _, then := range []string{"look", "again", "prune", "again"} {
			if err := k.calm(t, then, names); err != nil {
				t.Fatalf("seed %d, then %s: %v", seed, then, err)
			}
		}
	}
	t.Logf("%d schedules, in %d of them somebody died", schedules, deaths)
	proof.Count(t, 15, schedules)
}

// play lets all actors work, and tells how many died.
func (k *thinned) play(t *testing.T, seed uint64, names []string) (died int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	l := &lots{rng: rand.New(rand.NewPCG(seed, 2)), done: make(chan struct{})}
	pruning := patient(rng.IntN(2) == 0)
	actors := []func(*repo.Repo) error{
		func(r *repo.Repo) error { return forgetThrough(r, k.options(), names[0], names[3]) },
		func(r *repo.Repo) error { return forgetThrough(r, k.options(), names[1], names[4]) },
		func(r *repo.Repo) error {
			_, err := snapshot.Undo(context.Background(), r, names[2:3], k.options())
			return err
		},
		func(r *repo.Repo) error {
			_, err := snapshot.Backup(context.Background(), r, roll{"both": text("both"), "new": text("new")}, labOptions(r))
			return err
		},
		func(r *repo.Repo) error {
			_, err := snapshot.Prune(context.Background(), r, pruning)
			return err
		},
	}
	stop := make(chan struct{})
	var running, playing sync.WaitGroup
	var mu sync.Mutex
	for i, act := range actors {
		store := &byLot{Store: k.lab.store, lots: l}
		if rng.IntN(6) == 0 {
			store.dieAt = 1 + rng.IntN(8)
		}
		playing.Go(func() {
			r, err := openStore(t, store)
			if err == nil {
				err = act(r)
				r.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, errCut):
				died++
			case err == nil, i >= 2 && allowed(err):
			default:
				t.Errorf("seed %d, actor %d: %v", seed, i, err)
			}
		})
	}
	running.Go(func() { l.run(stop) })
	playing.Wait()
	close(stop)
	running.Wait()
	return min(died, 1)
}

func forgetThrough(r *repo.Repo, o snapshot.ForgetOptions, names ...string) error {
	_, err := snapshot.Forget(context.Background(), r, names, o)
	return err
}

// allowed are errors of those who lost a race and said so: nothing they did was reported as done.
func allowed(err error) bool {
	return errors.Is(err, snapshot.ErrPruned) || errors.Is(err, repo.ErrPruned) || errors.Is(err, repo.ErrMissing)
}

// patient is a prune that takes sessions for dead at once, rightly or wrongly, or waits for them.
func patient(wrongly bool) (o snapshot.PruneOptions) {
	o.Poll = time.Millisecond
	o.Presume = func(string) bool { return true }
	if !wrongly {
		end := time.Now().Add(100 * time.Millisecond)
		o.Presume = func(string) bool { return time.Now().After(end) }
	}
	return o
}

// calm does one more thing, with nobody else at work, and holds the repository against its promise.
func (k *thinned) calm(t *testing.T, what string, names []string) error {
	t.Helper()
	r, err := openStore(t, k.lab.store)
	if err != nil {
		return err
	}
	defer r.Close()
	switch what {
	case "prune":
		if _, err := snapshot.Prune(context.Background(), r, patient(true)); err != nil {
			return err
		}
	case "again":
		if err := forgetThrough(r, k.options(), names[0], names[1], names[3], names[4]); err != nil {
			return err
		}
	}
	if what == "look" {
		return nil // who died may have left a content in forgotten snapshots alone: the next forget finds it
	}
	return k.proof(r)
}
