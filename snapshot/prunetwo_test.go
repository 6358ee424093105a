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

// meeting is a command here that is stopped at one of its calls while another computer works.
type meeting struct {
	*thinned
	t          *testing.T
	at         int
	lastCopies bool
	names      []string // of the snapshots that are forgotten
}

// meetAnywhere stops what is done here at each of its calls while all is done there, and sees that nothing is lost.
func meetAnywhere(t *testing.T, there, here func(m *meeting, r *repo.Repo)) {
	tried, stride := 0, proof.Pick(t, 7, 1, 1)
	for _, lastCopies := range []bool{false, true} {
		base, a, b := beforeBoth(t)
		for at := 1; ; at += stride {
			k := *base
			k.lab, k.must = base.lab.copied(), cloneOf(base.must)
			m := &meeting{&k, t, at, lastCopies, []string{a, b}}
			store := &turnstile{Store: k.lab.store, at: at}
			store.meanwhile = func() { k.there(t, func(r *repo.Repo) { there(m, r) }) }
			r, err := openStore(t, store)
			if err != nil {
				t.Fatal(err)
			}
			here(m, r)
			r.Close()
			if store.calls < at {
				break
			}
			k.there(t, func(r *repo.Repo) { m.well("what is left", k.proof(r)) })
			tried++
		}
	}
	proof.Count(t, 15, tried)
}

func (m *meeting) well(what string, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Errorf("call %d, last copies %v: %s: %v", m.at, m.lastCopies, what, err)
	}
}

// forget forgets the snapshots, and notes what is let go.
func (m *meeting) forget(r *repo.Repo, host string) {
	m.t.Helper()
	o := m.options()
	o.Host, o.LastCopies = host, m.lastCopies
	did, err := snapshot.Forget(m.t.Context(), r, m.names, o)
	m.well("the forget "+host, err)
	if err != nil {
		return
	}
	m.well("what the forget "+host+" could not read", errors.Join(did.Unreadable...))
	for _, x := range did.Going {
		delete(m.must, x.Hash)
	}
}

func (m *meeting) prune(r *repo.Repo, where string) {
	m.t.Helper()
	_, err := snapshot.Prune(m.t.Context(), r, snapshot.PruneOptions{})
	m.well("the prune "+where, err)
}

// A prune that is stopped at any of its calls while another computer forgets a snapshot and prunes what only that needed: it neither takes the
// snapshot for damaged nor what an attic has since for garbage.
func TestPruneWhileAnotherPrunes(t *testing.T) {
	meetAnywhere(t, func(m *meeting, r *repo.Repo) {
		m.forget(r, "there")
		m.prune(r, "there")
	}, func(m *meeting, r *repo.Repo) { m.prune(r, "here") })
}

// A forget that is stopped at any of its calls while another computer forgets the same snapshots and prunes: it passes over what is forgotten already,
// and neither takes it for damaged nor lets go of more.
func TestForgetWhileAnotherPrunes(t *testing.T) {
	busy := errors.New("an attic is being written here")
	o := snapshot.PruneOptions{PruneOptions: repo.PruneOptions{Sleep: func(context.Context, time.Duration) error { return busy }}}
	meetAnywhere(t, func(m *meeting, r *repo.Repo) {
		m.forget(r, "there")
		if _, err := snapshot.Prune(t.Context(), r, o); !errors.Is(err, busy) {
			m.well("the prune there", err)
		}
	}, func(m *meeting, r *repo.Repo) { m.forget(r, "here") })
}
