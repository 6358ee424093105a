package model

import (
	"testing"
)

var changes = []struct {
	name string
	c    Change
}{
	{"NoSession", NoSession}, {"BlindFirst", BlindFirst}, {"NoSecondLook", NoSecondLook}, {"BlindFirst+NoSecondLook", BlindFirst | NoSecondLook},
	{"SnapshotFirst", SnapshotFirst}, {"DoneFirst", DoneFirst}, {"PacksBeforeMarks", PacksBeforeMarks}, {"NoRevokeCheck", NoRevokeCheck},
	{"RevokeCheckEarly", RevokeCheckEarly}, {"DoneEarly", DoneEarly}, {"OneLookWhenRevoked", OneLookWhenRevoked},
	{"NoMark", NoMark}, {"MarkAfterSessions", MarkAfterSessions}, {"NoWait", NoWait}, {"NoSecondSnapshots", NoSecondSnapshots},
	{"UnconfirmedDead", UnconfirmedDead}, {"IgnoreMarks", IgnoreMarks}, {"NoSpare", NoSpare}, {"StaleHomes", StaleHomes}, {"PacksFirst", PacksFirst},
	{"PacksBeforeOthers", PacksBeforeOthers}, {"SnapshotsLast", SnapshotsLast}, {"MarksFirst", MarksFirst}, {"UnmarkFirst", UnmarkFirst},
	{"DropRevokes", DropRevokes}, {"RemoveTheirMark", RemoveTheirMark}, {"BorrowMark", BorrowMark}, {"BorrowMark+Abandon", BorrowMark | Abandon},
	{"ReuseRevokes", ReuseRevokes}, {"FailedDropOpen", FailedDropOpen}, {"FailedOpenOnly", FailedOpenOnly}, {"DoneDropsOpen", DoneDropsOpen},
	{"DoneDropsOpen+OpenThenDone", DoneDropsOpen | OpenThenDone}, {"DoneDropsOpen+DoneThenOpen", DoneDropsOpen | DoneThenOpen},
	{"both drops+DoneThenOpen", DoneDropsOpen | DoneThenOpen | FailedDropOpen},
	{"Abandon", Abandon}, {"AbandonMidway", AbandonMidway}, {"SpareOne", SpareOne}, {"LoopThird", LoopThird}, {"WaitOnly", WaitOnly},
	{"WaitOnly+NoRevokeCheck", WaitOnly | NoRevokeCheck},
}

func TestChanges(t *testing.T) {
	for _, c := range changes {
		for _, m := range []Model{
			{Writers: 1, Pruners: 1, Packs: []pack{3}},
			{Writers: 1, Pruners: 1, Packs: []pack{1, 3}},
			{Writers: 1, Pruners: 1, Packs: []pack{1, 2}},
			{Writers: 2, Pruners: 1, Packs: []pack{3}},
			{Writers: 2, Pruners: 1, Packs: []pack{1, 2}},
			{Writers: 1, Pruners: 2, Packs: []pack{3}},
			{Writers: 1, Pruners: 2, Packs: []pack{3,3}},
			{Writers: 1, Pruners: 2, Packs: []pack{1, 2}},
		} {
			m.Needs = [2]pack{1, 3}
			m.Change = c.c
			r := m.Search()
			if r.Lost || m.Pruners == 2 {
				t.Log(c.name, m.Writers, m.Pruners, m.Packs, r.States, "lost:", r.Lost, r.Cut, r.Overflow, len(r.Trace))
			}
			if r.Lost {
				for _, l := range r.Trace {
					t.Log("   ", l)
				}
				break
			}
		}
	}
}
