package model

import "testing"

// TestReach makes sure that the proof is of something: each kind of step is taken somewhere.
func TestReach(t *testing.T) {
	want := map[string]bool{"forget": true, "W0 PUT .open": true, "W1/W3/W5 first LIST of a look": true, "W1/W3/W5 second LIST of a look": true,
		"W2/W3/W5 PUT pack": true, "W4 PUT snapshot": true, "W5 LIST revokes": true, "W6 PUT .done": true, "give up": true, "DELETE own snapshot": true,
		"B0 LIST snapshots": true, "B0 LIST marks": true, "B1 LIST packs and choose": true, "B1 PUT pack of live chunks": true, "B1 PUT mark": true,
		"B2 LIST sessions": true, "B2 LIST sessions: it is done": true, "B2 PUT revoke": true, "B3 LIST snapshots": true, "B3 LIST marks of others": true,
		"B3 LIST packs": true, "B5 DELETE pack": true, "B5 is done": true, "B6 DELETE mark": true,
		"LIST marks, LIST packs: theirs are gone": true, "DELETE their empty mark": true}
	seen := make(map[string]bool)
	for _, m := range append(worlds(1, 1, layouts), worlds(0, 2, layouts[:1])...) {
		v := newVisited()
		v.add(m.start().key(), 0)
		for n := 0; n < v.len(); n++ {
			m.steps(v.at(n).state(), func(next state, what string) {
				seen[what] = true
				next.tidy()
				k := next.key()
				if got := k.state(); got != next {
					t.Fatalf("a state does not come back from its key: %+v, %+v", next, got)
				}
				v.add(k, n)
			})
		}
	}
	for what := range want {
		if !seen[what] {
			t.Errorf("never taken: %s", what)
		}
	}
	for what := range seen {
		if !want[what] {
			t.Errorf("taken and not listed here: %s", what)
		}
	}
}
