package model

import (
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	for _, m := range []Model{
		{Writers: 1, Pruners: 1},
		{Writers: 2, Pruners: 1},
		{Writers: 1, Pruners: 2},
	} {
		for _, packs := range [][]pack{{3}, {1, 3}, {3, 3}, {1, 2}} {
			m.Packs = packs
			m.Needs = [2]pack{1, 3}
			t0 := time.Now()
			r := m.Search()
			t.Log(m.Writers, m.Pruners, packs, r.States, r.Lost, r.Cut, r.Overflow, len(r.Trace), time.Since(t0))
			for _, l := range r.Trace {
				t.Log("   ", l)
			}
		}
	}
}
