package snapshot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"shoebox/bench/proof"
	"shoebox/repo"
	"shoebox/snapshot"
)

// A prune that is stopped at any of its calls while another computer forgets a snapshot and prunes what only that needed: it neither takes the
// snapshot for damaged nor what an attic has since for garbage.
func TestPruneWhileAnotherPrunes(t *testing.T) {
	tried, stride := 0, proof.Pick(t, 7, 1, 1)
	for _, lastCopies := range []bool{false, true} {
		base, a, b := beforeBoth(t)
		for at := 1; ; at += stride {
			k := *base
			k.lab, k.must = base.lab.copied(), cloneOf(base.must)
			store := &turnstile{Store: k.lab.store, at: at}
			store.meanwhile = func() {
				k.there(t, func(r *repo.Repo) {
					o := k.options()
					o.Host, o.LastCopies = "there", lastCopies
					did, err := snapshot.Forget(t.Context(), r, []string{a, b}, o)
					if err != nil {
						t.Errorf("call %d: the other's forget: %v", at, err)
						return
					}
					for _, x := range did.Going {
						delete(k.must, x.Hash)
					}
					if _, err := snapshot.Prune(t.Context(), r, snapshot.PruneOptions{}); err != nil {
						t.Errorf("call %d: the other's prune: %v", at, err)
					}
				})
			}
			r, err := openStore(t, store)
			if err != nil {
				t.Fatal(err)
			}
			_, err = snapshot.Prune(t.Context(), r, snapshot.PruneOptions{})
			r.Close()
			if err != nil {
				t.Errorf("call %d, last copies %v: %v", at, lastCopies, err)
			}
			if store.calls < at {
				break
			}
			k.there(t, func(r *repo.Repo) {
				if err := k.proof(r); err != nil {
					t.Errorf("call %d, last copies %v: %v", at, lastCopies, err)
				}
			})
			tried++
		}
	}
	proof.Count(t, 15, tried)
}

// A forget that is stopped at any of its calls while another computer forgets the same snapshots and prunes: it passes over what is forgotten already,
// and neither takes it for damaged nor lets go of more.
func TestForgetWhileAnotherPrunes(t *testing.T) {
	tried, stride := 0, proof.Pick(t, 7, 1, 1)
	for _, lastCopies := range []bool{false, true} {
		base, a, b := beforeBoth(t)
		for at := 1; ; at += stride {
			k := *base
			k.lab, k.must = base.lab.copied(), cloneOf(base.must)
			forget := func(r *repo.Repo, host string) {
				o := k.options()
				o.Host, o.LastCopies = host, lastCopies
				did, err := snapshot.Forget(t.Context(), r, []string{a, b}, o)
				if err != nil {
					t.Errorf("call %d, last copies %v: the forget %s: %v", at, lastCopies, host, err)
					return
				}
				if len(did.Unreadable) > 0 {
					t.Errorf("call %d, last copies %v: the forget %s let go of what it could not read: %v", at, lastCopies, host, did.Unreadable)
				}
				for _, x := range did.Going {
					delete(k.must, x.Hash)
				}
			}
			store := &turnstile{Store: k.lab.store, at: at}
			store.meanwhile = func() {
				k.there(t, func(r *repo.Repo) {
					forget(r, "there")
					busy := errors.New("an attic is being written here")
					o := snapshot.PruneOptions{PruneOptions: repo.PruneOptions{Sleep: func(context.Context, time.Duration) error { return busy }}}
					if _, err := snapshot.Prune(t.Context(), r, o); err != nil && !errors.Is(err, busy) {
						t.Errorf("call %d: the other's prune: %v", at, err)
					}
				})
			}
			r, err := openStore(t, store)
			if err != nil {
				t.Fatal(err)
			}
			forget(r, "here")
			r.Close()
			if store.calls < at {
				break
			}
			k.there(t, func(r *repo.Repo) {
				if err := k.proof(r); err != nil {
					t.Errorf("call %d, last copies %v: %v", at, lastCopies, err)
				}
			})
			tried++
		}
	}
	proof.Count(t, 15, tried)
}
