package snapshot_test

import (
	"testing"

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
