package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"shoebox/snapshot"
)

// small is a household whose nights can be played for real.
func small(nights int, parity bool) Load {
	l := Load{name: "small", Phones: 2, Photos: 600, Nights: nights, New: 12, Retagged: 3, Moved: 2, Gone: 4,
		Kinds:  []Kind{{"photo", 1, 1, 3_000, 10_000, 30_000, 2}},
		Policy: snapshot.Policy{Daily: 3, Weekly: 2}, Every: 10, Data: 5 << 20, Meta: 2 << 20, Round: 1 << 30, Cache: 64 << 20, Slots: 1, Seed: 7, Parity: parity}
	if parity {
		l.Round = 5 << 20                 // several a prune
		l.LetGo, l.New, l.Gone = 40, 6, 9 // in the end two fifths of the first packs are dead, well beyond what a prune leaves
	}
	return l
}

// tolerances say how far the simulation may be from the real thing, as a share of that: dice fall otherwise there. A count may
// always be off by a few.
var tolerances = map[string]struct{ objects, bytes float64 }{
	"packs": {0.15, 0.08}, "segments": {0, 0.10}, "snapshots": {0, 0}, "sessions": {0, 0}, "tombstones": {0.05, 0.05},
	"parity": {0.15, 0.08}, "copies": {0.05, 0.08},
}

const few = 3

// The simulation is held against the real thing: the same household, played by both.
func TestSimulation(t *testing.T) {
	loads := []Load{small(20, false), small(40, true)}
	if raced {
		loads = []Load{small(10, false)}
	}
	for _, l := range loads {
		t.Run(fmt.Sprint("parity ", l.Parity), func(t *testing.T) {
			h, err := newReal(t.Context(), l, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var s *sim
			for night := range l.Nights {
				if err := h.step(t.Context()); err != nil {
					t.Fatal(err)
				}
				if night == 0 {
					s = newSim(like(h, l))
				}
				s.step()
			}
			if err := h.restore(t.Context(), t.TempDir(), t.TempDir()); err != nil {
				t.Fatal(err)
			}
			_, phone := s.restores()
			s.done("restore", phone)
			compare(t, h, s)
		})
	}
}

// like is the load with pictures as long as those that were really made.
func like(h *real, l Load) Load {
	total := 0
	for _, p := range h.phones[0].files {
		total += len(p.data)
	}
	k := l.Kinds[0]
	off := total/len(h.phones[0].files) - k.HeadBytes - (k.Low+k.High)/2
	l.Kinds = []Kind{{k.Name, 1, 1, k.HeadBytes, k.Low + off, k.High + off, k.Parts}}
	return l
}

func compare(t *testing.T, h *real, s *sim) {
	is, err := h.store.census(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := s.census()
	for _, folder := range slices.Sorted(maps.Keys(tolerances)) {
		within := tolerances[folder]
		near(t, folder, is[folder].Objects, said[folder].Objects, within.objects, few)
		near(t, folder+" bytes", is[folder].Bytes, said[folder].Bytes, within.bytes, 0)
	}
	for _, name := range slices.Sorted(maps.Keys(h.sum)) {
		real, sim := h.sum[name].Total, s.sum[name].Total
		near(t, name+" PUT", real.Put, sim.Put, 0.20, few)
		near(t, name+" GET", real.Get, sim.Get, 0.20, 5*h.sum[name].Runs) // so few entries may be cut into a page more or less
		near(t, name+" LIST", real.List, sim.List, 0.15, few)
		near(t, name+" DELETE", real.Delete, sim.Delete, 0.15, few)
		near(t, name+" bytes up", real.Up, sim.Up, 0.20, 0)
		near(t, name+" bytes down", real.Down, sim.Down, 0.25, 10_000)
	}
}

// near fails when two numbers differ by more than a share of the first, and by more than some.
func near(t *testing.T, what string, real, simulated int64, share float64, some int64) {
	t.Helper()
	off := math.Abs(float64(simulated - real))
	t.Logf("%-24s real %12d simulated %12d (%+.0f %%)", what, real, simulated, 100*float64(simulated-real)/math.Max(1, float64(real)))
	if off > share*float64(real) && off > float64(some) {
		t.Errorf("%s: %d really, and %d in the simulation: more than %.0f %% off", what, real, simulated, 100*share)
	}
}
