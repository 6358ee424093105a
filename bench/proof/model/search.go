package model

import "fmt"

// Model is one small world to explore. Its first snapshot needs chunk A and may be forgotten at any time; its second needs
// chunk B and stays.
type Model struct {
	Writers, Pruners int    // at most 2 each
	Packs            []pack // what is in the packs at the start
	Needs            [2]pack
	Rounds           int // how often the first pruner goes through B1 to B6 with what it knew to be live at B0: 2, or less for once
	Change           Change
	Limit            int // states to keep, about 40 bytes each; 0 for no limit
}

// Result is what a search found.
type Result struct {
	States   int
	Lost     bool     // a confirmed snapshot lost the last copy of a chunk
	Trace    []string // then: the shortest way there
	Cut      bool     // the limit was reached: what is beyond is not known
	Overflow int      // steps not taken because a state holds too few packs
}

// emit takes a state that follows, and the step that led there.
type emit func(state, string)

const overflow = "no room"

func (m *Model) has(c Change) bool { return m.Change.has(c) }

// Search visits every state that can be reached, in the order of the number of steps.
func (m *Model) Search() (r Result) {
	v := newVisited()
	v.add(m.start().key(), 0)
	for n := 0; n < v.len(); n++ {
		here := v.at(n).state()
		lost := false
		m.steps(here, func(next state, what string) {
			if what == overflow {
				r.Overflow++
				return
			}
			next.tidy()
			if fresh := v.add(next.key(), n); fresh && m.lost(&next) && !lost {
				lost = true
				r.Trace = m.trace(v, v.len()-1)
			}
		})
		if lost || m.Limit > 0 && v.len() >= m.Limit {
			r.Lost, r.Cut = lost, !lost
			break
		}
	}
	r.States = v.len()
	return r
}

func (m *Model) start() *state {
	var s state
	for i, p := range m.Packs {
		s.packs[i] = p | exists
	}
	for i := range s.writers {
		if m.has(ParentFirst) {
			s.writers[i].at = wParent
		}
	}
	s.tidy()
	return &s
}

// steps takes each step that anybody could take next.
func (m *Model) steps(s state, emit emit) {
	if !s.forgotten {
		next := s
		next.forgotten = true
		emit(next, "forget")
	}
	for i := range m.Writers {
		m.writer(s, i, emit)
	}
	for i := range m.Pruners {
		m.pruner(s, i, emit)
	}
}

// lost tells whether a snapshot whose success was reported, and that is not forgotten, misses a chunk.
func (m *Model) lost(s *state) bool {
	needs := chunkB
	if !s.forgotten {
		needs |= chunkA
	}
	for i, w := range s.writers {
		if w.done {
			needs |= m.Needs[i]
		}
	}
	return needs&^s.stored() != 0
}

// trace tells the steps from the start to a state.
func (m *Model) trace(v *visited, n int) []string {
	if n == 0 {
		return nil
	}
	from := v.parent(n)
	before, want := v.at(from).state(), v.at(n)
	step := "?"
	find := func(who string) emit {
		return func(next state, what string) {
			if next.tidy(); next.key() == want {
				step = who + ": " + what
			}
		}
	}
	m.steps(before, find("somebody"))
	for i := range m.Writers {
		m.writer(before, i, find(fmt.Sprint("writer ", i)))
	}
	for i := range m.Pruners {
		m.pruner(before, i, find(fmt.Sprint("pruner ", i)))
	}
	return append(m.trace(v, from), step)
}
