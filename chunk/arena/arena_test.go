package arena

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// Whatever many ask for at once, each has as much as it asked for to itself, and all of it lies in one stretch that is made once.
func TestArenaLendsNothingTwice(t *testing.T) {
	made := 0
	a := New(func(n int) []byte { made += n; return make([]byte, 0, n) }, 9<<20, 9<<20, 46*Block)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(g)))
			for i := range 300 {
				n := 1 + rng.IntN(9<<20)
				run := a.Take(n)
				if len(run) < n || len(run) >= n+Block || cap(run) != len(run) {
					t.Errorf("%d of %d bytes for %d", len(run), cap(run), n)
				}
				mark := byte(g<<5 | i&31)
				for at := 0; at < len(run); at += Block / 2 {
					run[at] = mark
				}
				for at := 0; at < len(run); at += Block / 2 {
					if run[at] != mark {
						t.Errorf("byte %d of %d is somebody else's", at, len(run))
					}
				}
				a.Give(run)
			}
		})
	}
	all.Wait()
	if made != 118*Block || a.Lent() != 0 {
		t.Errorf("made %d bytes, %d are still lent", made, a.Lent())
	}
}

func sixBlocks() *Arena { return New(nil, 6*Block) }

// Who finds no run of so many blocks waits until there is one, and who came later waits behind.
func TestArenaServesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := sixBlocks()
		var lent [][]byte
		for range 6 {
			lent = append(lent, a.Take(1))
		}
		var order []string
		var mu sync.Mutex
		ask := func(name string, n int) {
			go func() {
				a.Take(n)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			}()
			synctest.Wait()
		}
		expect := func(when string, names ...string) {
			t.Helper()
			synctest.Wait()
			if mu.Lock(); !slices.Equal(order, names) {
				t.Errorf("%s: %v have a run, not %v", when, order, names)
			}
			mu.Unlock()
		}
		ask("two", 2*Block)
		ask("one", 1)
		ask("another", 1)
		expect("all is lent")
		a.Give(lent[0])
		expect("one block is free")
		a.Give(lent[2])
		expect("two are free, and not side by side")
		a.Give(lent[3])
		expect("two are side by side", "two", "one")
		a.Give(lent[5])
		expect("and another", "two", "one", "another")
	})
}

// When much comes back at once, everybody is served whom it suffices for, in whatever order they wake up.
func TestArenaServesAllThatFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50 {
			a := sixBlocks()
			all := a.Take(6 * Block)
			var served sync.WaitGroup
			for range 6 {
				served.Go(func() { a.Take(Block) })
			}
			synctest.Wait()
			a.Give(all)
			served.Wait()
		}
	})
}
