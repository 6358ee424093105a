package model

import (
	"testing"

	"shoebox/bench/proof"
)

// wishes are what the program does besides the bare protocol, or could do.
var wishes = []struct {
	name   string
	change Change
}{
	{"a revoke of any pruner serves the next", ReuseRevokes},
	{"who gives up deletes its snapshot, then .open", FailedDropOpen},
	{"who gives up deletes .open, then its snapshot", FailedOpenOnly},
	{"after .done somebody deletes .open", DoneDropsOpen},
	{"the same, a listing reads .open first", DoneDropsOpen | OpenThenDone},
	{"the same, a listing reads .done first", DoneDropsOpen | DoneThenOpen | FailedDropOpen},
	{"who has deleted nothing takes its mark back", Abandon},
	{"who stops midway takes its mark back", AbandonMidway},
	{"one home is spared where one is enough", SpareOne},
	{"W3 until a look finds nothing", LoopThird},
	{"who only waits needs no look for revokes", WaitOnly | NoRevokeCheck},
	{"parent chosen once the session is open, and trusted while no mark stands", ParentLater},
	{"all that the program does", ReuseRevokes | FailedDropOpen | DoneDropsOpen | DoneThenOpen | Abandon | SharedLive | ParentLater},
}

// TestWishes shows that these lose nothing.
func TestWishes(t *testing.T) {
	for _, w := range wishes {
		t.Run(w.name, func(t *testing.T) {
			for _, m := range worldsOf(t) {
				m.Change = w.change
				explore(t, m)
			}
		})
	}
}

// TestRounds lets the first pruner go twice with what was live when it began, and only add to it.
func TestRounds(t *testing.T) {
	all := worlds(1, 1, layouts)
	if proof.Level(t) > proof.Sample {
		all = append(all, worlds(2, 1, layouts[:1])...)
	}
	if proof.Level(t) == proof.Long {
		all = append(all, worlds(1, 2, layouts[:1])...)
	}
	for _, m := range all {
		m.Rounds, m.Change = 2, SharedLive|ReuseRevokes
		explore(t, m)
	}
}
