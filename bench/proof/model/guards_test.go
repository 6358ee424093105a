package model

import (
	"testing"

	"shoebox/bench/proof"
)

// broken is the least world in which a change loses a picture, and in how many steps at least.
type broken struct {
	name             string
	change           Change
	writers, pruners int
	layout           int
	rounds           int
	steps            int
}

// guards are steps that nothing else makes up for.
var guards = []broken{
	{"no session file", NoSession, 1, 1, 0, 1, 19},
	{"marks looked at neither before dedup nor at W3", BlindFirst | NoSecondLook, 1, 1, 0, 1, 17},
	{"done before the packs are durable", DoneFirst, 1, 1, 0, 1, 19},
	{"a writer lists packs before marks", PacksBeforeMarks, 1, 1, 0, 1, 24},
	{"no look for revokes", NoRevokeCheck, 1, 1, 0, 1, 19},
	{"look for revokes before the snapshot is put", RevokeCheckEarly, 1, 1, 0, 1, 20},
	{"done before the look for revokes", DoneEarly, 1, 1, 0, 1, 19},
	{"packs deleted without a mark", NoMark, 1, 1, 0, 1, 19},
	{"sessions listed before the mark is put", MarkAfterSessions, 1, 1, 0, 1, 19},
	{"grace period alone", NoWait, 1, 1, 0, 1, 18},
	{"snapshots not listed again", NoSecondSnapshots, 1, 1, 0, 1, 18},
	{"unconfirmed snapshots not live", UnconfirmedDead, 1, 1, 0, 1, 20},
	{"nothing spared", NoSpare, 1, 1, 0, 1, 19},
	{"mark deleted before the packs", UnmarkFirst, 1, 1, 0, 1, 20},
	{"revokes deleted", DropRevokes, 1, 1, 0, 1, 23},
	{"marks of others ignored", IgnoreMarks, 0, 2, 0, 1, 17},
	{"homes as first listed", StaleHomes, 0, 2, 2, 1, 18},
	{"packs listed before snapshots and marks", PacksFirst, 0, 2, 0, 1, 21},
	{"packs listed before marks", PacksBeforeOthers, 0, 2, 0, 1, 21},
	{"mark of another deleted before its packs", RemoveTheirMark, 0, 2, 0, 1, 20},
	{"packs of another's mark deleted without an own one", BorrowMark, 1, 2, 0, 1, 33},
	{"the same, and a pruner may take its mark back", BorrowMark | Abandon, 1, 2, 0, 1, 24},
	{"sessions waited for in the first round alone", WaitOnce | SharedLive | ReuseRevokes, 1, 1, 0, 2, 29},
	{"parent chosen before the session is open, and trusted", ParentFirst, 1, 1, 0, 1, 22},
}

// TestGuards takes out one guard at a time: the model must find a loss, in as many steps as ever.
func TestGuards(t *testing.T) {
	for _, g := range guards {
		m := worlds(g.writers, g.pruners, layouts[g.layout:])[0]
		m.Change, m.Rounds = g.change, g.rounds
		r := m.Search()
		if !r.Lost {
			t.Errorf("%s: nothing is lost in %d states", g.name, r.States)
			continue
		}
		t.Logf("%-52s lost in %d steps, %d states", g.name, len(r.Trace), r.States)
		if len(r.Trace) != g.steps {
			t.Errorf("%s: %d steps and not %d:", g.name, len(r.Trace), g.steps)
			tell(t, r.Trace)
		}
	}
}

// depth are steps for which others make up in this model: each may go and nothing is lost. They stay, as what the model leaves
// out (a store that loses a pack, a writer that is not ours) is not made up for.
var depth = []struct {
	name   string
	change Change
}{
	{"W1 looks at marks before dedup (W3 does too)", BlindFirst},
	{"W3 looks again (W1, and W5 once revoked, do too)", NoSecondLook},
	{"W4 comes after the packs (W6 does too)", SnapshotFirst},
	{"W5 looks again after what it copied (the snapshot is there by then)", OneLookWhenRevoked},
	{"B3 lists the snapshots before the marks", MarksFirst},
	{"B3 lists the snapshots before the packs", SnapshotsLast},
}

// TestDefenceInDepth keeps it a known fact which steps can be missed. When one of these loses something it is a guard.
func TestDefenceInDepth(t *testing.T) {
	for _, d := range depth {
		t.Run(d.name, func(t *testing.T) {
			for _, m := range worldsOf(t) {
				m.Change = d.change
				explore(t, m)
			}
		})
	}
	t.Logf("in depth: %d steps, explored as far as level %d goes", len(depth), proof.Level(t))
}
