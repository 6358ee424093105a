package model

import (
	"testing"
	"time"

	"shoebox/bench/proof"
)

// layouts are the packs at the start: one that both snapshots need; chunk A twice; two alike; a pack each.
var layouts = [][]pack{{chunks}, {chunkA, chunks}, {chunks, chunks}, {chunkA, chunkB}}

// worlds are a number of writers and pruners, on each of some layouts. The first writer needs what may be forgotten.
func worlds(writers, pruners int, some [][]pack) (all []Model) {
	for _, packs := range some {
		all = append(all, Model{Writers: writers, Pruners: pruners, Packs: packs, Needs: [2]pack{chunkA, chunks}})
	}
	return all
}

// worldsOf are the worlds that a test has time for.
func worldsOf(t *testing.T) []Model {
	switch proof.Level(t) {
	case proof.Sample:
		return append(worlds(1, 1, layouts), worlds(0, 2, layouts[:1])...)
	case proof.Every:
		return append(worlds(2, 1, layouts), worlds(1, 2, layouts[:1])...)
	}
	return append(worlds(2, 1, layouts), worlds(1, 2, [][]pack{layouts[0], layouts[2]})...)
}

// explore visits a world to its end, which must be safe.
func explore(t *testing.T, m Model) (states int) {
	t.Helper()
	began := time.Now()
	r := m.Search()
	t.Logf("%d writers x %d pruners, packs %v: %d states in %.1f s", m.Writers, m.Pruners, m.Packs, r.States, time.Since(began).Seconds())
	if r.Overflow > 0 {
		t.Errorf("%d steps needed more than %d packs", r.Overflow, maxPacks)
	}
	if r.Lost {
		t.Errorf("a confirmed snapshot lost its last copy in %d steps:", len(r.Trace))
		tell(t, r.Trace)
	}
	if r.Cut {
		t.Logf("cut off at %d states: nothing is known of what is beyond", r.States)
	}
	return r.States
}

func tell(t *testing.T, trace []string) {
	t.Helper()
	for i, step := range trace {
		t.Logf("  %2d %s", i+1, step)
	}
}

// TestProtocol is the proof: whatever the order, the crash, the sleep and the wrong guess, no confirmed snapshot loses a chunk.
func TestProtocol(t *testing.T) {
	all := append(worlds(2, 1, layouts), worlds(1, 2, layouts)...)
	if proof.Level(t) == proof.Sample {
		all = append(worlds(2, 1, layouts[:1]), worlds(0, 2, layouts[:1])...)
	}
	states := 0
	for _, m := range all {
		states += explore(t, m)
	}
	proof.Count(t, 16, states)
}

// TestProtocolWide has two of each, to the end in the long run alone: 35 and 38 million states, three minutes and 1.5 GB. The limit
// keeps it below 8 GB whatever the protocol becomes.
func TestProtocolWide(t *testing.T) {
	states := 0
	for _, second := range []pack{chunkA, chunks} {
		m := worlds(2, 2, layouts)[0]
		m.Needs[1] = second
		m.Limit = proof.Pick(t, 20_000, 20_000, 150_000_000)
		states += explore(t, m)
	}
	proof.Count(t, 16, states)
}
