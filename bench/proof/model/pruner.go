package model

// prunerStep is what a pruner does next.
type prunerStep uint8

const (
	pSnapshots prunerStep = iota
	pMarks
	pChoose
	pCopy
	pMark
	pSessions
	pSessionsThen
	pRevokes
	pWait
	pLook // three of them
	_
	_
	pDelete
	pUnmark
	pUnrevoke
	pTheirs
	pTheirsThen
	pStopped
)

// pruner takes each step that pruner i could take next.
func (m *Model) pruner(s state, i int, emit emit) {
	p := &s.pruners[i]
	m.abandon(s, i, emit)
	switch p.at {
	case pSnapshots:
		p.live, p.at = m.live(&s), pMarks
		emit(s, "B0 LIST snapshots")
	case pMarks:
		m.removeTheirs(s, i, emit)
		seeTheirs(&s, i)
		p.at = pChoose
		emit(s, "B0 LIST marks")
	case pChoose:
		m.choose(s, i, emit)
	case pCopy:
		if !s.putPack(p.copy) {
			emit(s, overflow)
			return
		}
		p.copy, p.at = 0, m.afterCopy()
		emit(s, "B1 PUT pack of live chunks")
	case pMark:
		p.mark, p.at = !m.has(NoMark) && !m.borrows(i), pSessions
		if m.has(NoWait|MarkAfterSessions) || m.has(WaitOnce) && p.round > 0 {
			p.at = pLook
		}
		emit(s, "B1 PUT mark")
	case pSessions, pSessionsThen, pRevokes:
		m.sessions(s, i, emit)
	case pWait:
		m.wait(s, i, emit)
	case pLook, pLook + 1, pLook + 2:
		m.lookAgain(s, i, emit)
	default:
		m.sweep(s, i, emit)
	}
}

// live is what the snapshots need that are in the store and not forgotten.
func (m *Model) live(s *state) pack {
	live := chunkB
	if !s.forgotten {
		live |= chunkA
	}
	for i, w := range s.writers {
		if w.snap && (w.done || !m.has(UnconfirmedDead)) {
			live |= m.Needs[i]
		}
	}
	return live
}

func seeTheirs(s *state, i int) {
	other := s.pruners[1-i].mark
	for n := range s.packs {
		s.packs[n].set(theirs, i, other && s.packs[n].is(chosen, 1-i))
	}
}

// choose is B1: every choice of packs is tried, with a copy of what is live in them and has no other home.
func (m *Model) choose(s state, i int, emit emit) {
	n := 0 // tidy puts them first
	for n < maxPacks && s.packs[n]&exists != 0 {
		n++
	}
	for choice := 1; choice < 1<<n; choice++ {
		if next := s; m.condemn(&next, i, choice) {
			emit(next, "B1 LIST packs and choose")
		}
	}
}

func (m *Model) borrows(i int) bool { return i == 1 && m.has(BorrowMark) }

func (m *Model) condemn(s *state, i, choice int) bool {
	p := &s.pruners[i]
	var homes, going pack
	for n := range s.packs {
		q := &s.packs[n]
		mine, his := choice>>n&1 == 1, q.is(theirs, i)
		if mine && !his && m.borrows(i) {
			return false
		}
		switch {
		case *q&exists == 0:
		case mine || his:
			going |= *q & chunks
		default:
			homes |= *q & chunks
		}
		q.set(chosen, i, mine)
		q.set(theirs, i, false)
		q.set(seen, i, m.has(StaleHomes) && *q&exists != 0)
	}
	p.copy = p.live & going &^ homes
	p.at = pCopy
	if p.copy == 0 {
		p.at = m.afterCopy()
	}
	return true
}

func (m *Model) afterCopy() prunerStep {
	if m.has(MarkAfterSessions) {
		return pSessions
	}
	return pMark
}

// sessions is the listing of B2.
func (m *Model) sessions(s state, i int, emit emit) {
	p := &s.pruners[i]
	var open, done, revoked uint8
	for n, w := range s.writers {
		if w.open {
			open |= 1 << n
		}
		if w.done {
			done |= 1 << n
		}
		if s.revoked>>(2*n)&3 != 0 {
			revoked |= 1 << n
		}
	}
	split := m.has(OpenThenDone | DoneThenOpen)
	switch {
	case p.at == pRevokes:
		p.pending &^= revoked
		m.waited(&s, i)
		emit(s, "B2 LIST revokes")
		return
	case p.at == pSessions && m.has(DoneThenOpen):
		p.pending = done
	case p.at == pSessions && m.has(OpenThenDone):
		p.pending = open
	case m.has(DoneThenOpen):
		p.pending = open &^ p.pending
	case m.has(OpenThenDone):
		p.pending &^= done
	default:
		p.pending = open &^ done
	}
	if p.at == pSessions && split {
		p.at = pSessionsThen
	} else {
		m.listedSessions(&s, i)
	}
	emit(s, "B2 LIST sessions")
}

func (m *Model) listedSessions(s *state, i int) {
	p := &s.pruners[i]
	p.at = pWait
	if m.has(ReuseRevokes) && p.pending != 0 {
		p.at = pRevokes
		return
	}
	m.waited(s, i)
}

// wait is the rest of B2: each session is found done, or gone, or presumed dead.
func (m *Model) wait(s state, i int, emit emit) {
	for n, w := range s.writers {
		if s.pruners[i].pending>>n&1 == 0 {
			continue
		}
		next := s
		next.pruners[i].pending &^= 1 << n
		m.waited(&next, i)
		if w.done || !w.open {
			emit(next, "B2 LIST sessions: it is done")
		}
		if !m.has(WaitOnly) {
			next.revoked |= 1 << (2*n + i)
			emit(next, "B2 PUT revoke")
		}
	}
}

func (m *Model) waited(s *state, i int) {
	p := &s.pruners[i]
	p.at = pWait
	if p.pending != 0 {
		return
	}
	p.at = pLook
	if m.has(MarkAfterSessions) {
		p.at = pMark
	}
}

// removeTheirs is what nobody may do.
func (m *Model) removeTheirs(s state, i int, emit emit) {
	if m.has(RemoveTheirMark) && s.pruners[1-i].mark {
		s.pruners[1-i].mark = false
		emit(s, "DELETE their mark")
	}
}

// abandon: a pruner may stop and take its mark back.
func (m *Model) abandon(s state, i int, emit emit) {
	p := &s.pruners[i]
	if !p.mark || !m.has(Abandon|AbandonMidway) || p.at > pDelete || p.at == pDelete && !m.has(AbandonMidway) {
		return
	}
	p.mark, p.at, p.pending = false, pStopped, 0
	for n := range s.packs {
		for _, view := range []pack{chosen, theirs, seen} {
			s.packs[n].set(view, i, false)
		}
	}
	emit(s, "stop: DELETE own mark")
}
