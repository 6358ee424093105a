package model

// order is which lists B3 reads, one after the other: S snapshots, M marks of others, P packs.
func (m *Model) order() string {
	switch {
	case m.has(NoSecondSnapshots):
		return "MP"
	case m.has(IgnoreMarks):
		return "SP"
	case m.has(StaleHomes):
		return "SM"
	case m.has(PacksFirst):
		return "PSM"
	case m.has(PacksBeforeOthers):
		return "SPM"
	case m.has(SnapshotsLast):
		return "MPS"
	case m.has(MarksFirst):
		return "MSP"
	}
	return "SMP"
}

// lookAgain is B3.
func (m *Model) lookAgain(s state, i int, emit emit) {
	p := &s.pruners[i]
	order := m.order()
	turn := int(p.at - pLook)
	what := "B3 LIST packs"
	switch order[turn] {
	case 'S':
		what = "B3 LIST snapshots"
		if m.has(SharedLive) {
			p.live |= m.live(&s)
		} else {
			p.live = m.live(&s)
		}
	case 'M':
		what = "B3 LIST marks of others"
		seeTheirs(&s, i)
	case 'P':
		for n := range s.packs {
			s.packs[n].set(seen, i, s.packs[n]&exists != 0)
		}
	}
	p.at++
	if turn == len(order)-1 {
		m.spare(&s, i)
	}
	emit(s, what)
}

// spare ends B3: what is left to delete is what was chosen, is there, and holds no live chunk that has no other home.
func (m *Model) spare(s *state, i int) {
	p := &s.pruners[i]
	var homes pack
	for _, q := range s.packs {
		if q.is(seen, i) && !q.is(chosen, i) && !q.is(theirs, i) {
			homes |= q & chunks
		}
	}
	risk := p.live &^ homes
	if m.has(NoSpare) {
		risk = 0
	}
	if m.has(SpareOne) {
		m.spareOne(s, i, risk)
	} else {
		for n := range s.packs {
			q := &s.packs[n]
			q.set(theirs, i, q.is(seen, i) && q.is(chosen, i) && *q&risk == 0)
		}
	}
	for n := range s.packs {
		s.packs[n].set(seen, i, false)
	}
	p.at = pDelete
	if m.has(UnmarkFirst) {
		p.at = pUnmark
	}
}

// spareOne spares as few packs as it can: one home of each chunk at risk, or all if others condemned them all.
func (m *Model) spareOne(s *state, i int, risk pack) {
	var kept [maxPacks]bool
	for _, c := range []pack{chunkA, chunkB} {
		if risk&c == 0 {
			continue
		}
		one := false
		for n, q := range s.packs {
			if q.is(seen, i) && q.is(chosen, i) && !q.is(theirs, i) && q&c != 0 && !one {
				kept[n], one = true, true
			}
		}
		for n, q := range s.packs {
			kept[n] = kept[n] || !one && q.is(chosen, i) && q&c != 0
		}
	}
	for n := range s.packs {
		q := &s.packs[n]
		q.set(theirs, i, q.is(seen, i) && q.is(chosen, i) && !kept[n])
	}
}

// sweep is B5, B6, and the empty marks of others.
func (m *Model) sweep(s state, i int, emit emit) {
	p, other := &s.pruners[i], &s.pruners[1-i]
	switch p.at {
	case pDelete:
		m.deletePacks(s, i, emit)
	case pUnmark:
		p.mark = false
		for n := range s.packs {
			s.packs[n].set(chosen, i, false)
		}
		p.at = m.afterUnmark(p, i)
		emit(s, "B6 DELETE mark")
	case pUnrevoke:
		s.revoked &^= 5 << i
		p.at = pTheirs
		emit(s, "DELETE own revokes")
	case pTheirs:
		if other.mark && !m.has(NoTakeover) && !s.stand(1-i) {
			p.their, p.at = other.round, pTheirsThen
			emit(s, "LIST marks, LIST packs: theirs are gone")
		}
	case pTheirsThen:
		if other.round == p.their {
			other.mark = false
		}
		p.at = pStopped
		emit(s, "DELETE their empty mark")
	}
}

func (m *Model) deletePacks(s state, i int, emit emit) {
	some := false
	for n, q := range s.packs {
		if q&exists == 0 || !q.is(theirs, i) {
			continue
		}
		next := s
		next.packs[n] &^= exists
		emit(next, "B5 DELETE pack")
		some = true
	}
	if some {
		return
	}
	p := &s.pruners[i]
	p.at = pUnmark
	if m.has(UnmarkFirst) {
		p.at = pTheirs
	}
	for n := range s.packs {
		s.packs[n].set(theirs, i, false)
	}
	emit(s, "B5 is done")
}

// stand tells whether a pack of a pruner's mark is listed.
func (s *state) stand(i int) bool {
	for _, q := range s.packs {
		if q&exists != 0 && q.is(chosen, i) {
			return true
		}
	}
	return false
}

func (m *Model) afterUnmark(p *pruner, i int) prunerStep {
	switch {
	case m.has(UnmarkFirst):
		return pDelete
	case i == 0 && int(p.round)+1 < m.Rounds:
		p.round++
		return pMarks
	case m.has(DropRevokes):
		return pUnrevoke
	}
	return pTheirs
}
