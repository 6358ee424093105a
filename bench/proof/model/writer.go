package model

// writerStep is what a writer does next.
type writerStep uint8

const (
	wOpen writerStep = iota
	wLook1
	wLook1Then
	wPut
	wLook3
	wLook3Then
	wHome3
	wSnapshot
	wRevokes
	wLook5
	wLook5Then
	wHome5
	wDone
	wDropOpen
	wConfirmed
	wDropSnapshot
	wDropOwnOpen
	wFailed
	wParent
)

// writer takes each step that writer i could take next.
func (m *Model) writer(s state, i int, emit emit) {
	w := &s.writers[i]
	m.giveUp(s, i, emit)
	switch w.at {
	case wParent:
		m.takeParent(s, i, emit)
	case wOpen:
		w.open, w.at = !m.has(NoSession), wLook1
		emit(s, "W0 PUT .open")
	case wLook1, wLook3, wLook5:
		m.look(&s, i, 0)
		w.at++
		emit(s, "W1/W3/W5 first LIST of a look")
	case wLook1Then, wLook3Then, wLook5Then:
		m.look(&s, i, 1)
		m.judge(&s, i)
		w.at = m.afterLook(*w)
		emit(s, "W1/W3/W5 second LIST of a look")
	case wPut, wHome3, wHome5:
		own := w.missing
		if m.has(ParentFirst | ParentLater) {
			own |= listed << i
		}
		if !s.putPack(own) {
			emit(s, overflow)
			return
		}
		w.missing = 0
		w.at = m.afterPut(*w)
		emit(s, "W2/W3/W5 PUT pack")
	case wSnapshot:
		w.snap, w.at = true, m.afterSnapshot(*w)
		emit(s, "W4 PUT snapshot")
	case wRevokes:
		w.at = m.afterRevokes(s, i)
		emit(s, "W5 LIST revokes")
	case wDone:
		w.done, w.at = true, m.afterDone(*w)
		emit(s, "W6 PUT .done")
	case wDropOpen:
		w.open, w.at = false, wConfirmed
		emit(s, "DELETE .open after .done")
	case wDropSnapshot, wDropOwnOpen:
		m.dropOwn(s, i, emit)
	}
}

// takeParent lists the snapshots: the one that may be forgotten needs chunk A.
func (m *Model) takeParent(s state, i int, emit emit) {
	w := &s.writers[i]
	w.trust = !s.forgotten
	if w.quiet && w.trust {
		w.missing &^= chunkA
	}
	w.at = m.afterLook(*w)
	if m.has(ParentFirst) {
		w.at = wOpen
	}
	emit(s, "LIST snapshots for a parent")
}

// look takes the first or the second half of a look: marks, then packs.
func (m *Model) look(s *state, i, half int) {
	w := &s.writers[i]
	packs := (half == 1) != m.has(PacksBeforeMarks)
	blind := m.has(BlindFirst) && w.at <= wLook1Then
	trusting := m.has(ParentFirst | ParentLater)
	if !packs && trusting {
		w.quiet = (w.at == wLook1 || w.quiet) && !s.pruners[0].mark && !s.pruners[1].mark
	}
	for n := range s.packs {
		p := &s.packs[n]
		if !packs {
			p.set(condemned, i, !blind && s.inMark(*p))
			continue
		}
		if p.is(listed, i) && *p&exists == 0 {
			w.quiet = false // one is gone
		}
		p.set(listed, i, *p&exists != 0)
	}
}

// judge ends a look: chunks are missing that are in no pack that is listed and not condemned. Who trusts a parent skips this while
// all is quiet.
func (m *Model) judge(s *state, i int) {
	w := &s.writers[i]
	trusting := m.has(ParentFirst | ParentLater)
	var have pack
	for n := range s.packs {
		p := &s.packs[n]
		if p.is(listed, i) && !p.is(condemned, i) {
			have |= *p & chunks
		}
		p.set(listed, i, trusting && w.at == wLook1Then && p.is(listed, i))
		p.set(condemned, i, false)
	}
	w.missing = m.Needs[i] &^ have
	switch {
	case !w.quiet || w.at == wLook5Then:
	case w.at == wLook3Then:
		w.missing = 0
	case w.trust:
		w.missing &^= chunkA
	}
}

func (m *Model) afterLook(w writer) writerStep {
	late := m.has(SnapshotFirst | DoneFirst)
	switch {
	case w.at == wLook1Then && m.has(ParentLater):
		return wParent
	case w.at == wLook1Then, w.at == wParent:
		if w.missing != 0 && !late {
			return wPut
		}
		return m.afterPut(writer{at: wPut})
	case w.at == wLook3Then && w.missing != 0 && !late:
		return wHome3
	case w.at == wLook3Then:
		return m.publish()
	case w.missing != 0:
		return wHome5
	}
	return m.afterW5(w)
}

func (m *Model) afterPut(w writer) writerStep {
	switch {
	case w.at == wPut && m.has(NoSecondLook):
		return m.publish()
	case w.at == wPut:
		return wLook3
	case w.at == wHome3 && m.has(LoopThird):
		return wLook3
	case w.at == wHome3 && m.has(SnapshotFirst):
		return wRevokes
	case w.at == wHome3 && m.has(DoneFirst):
		return wConfirmed
	case w.at == wHome3:
		return m.publish()
	case m.has(OneLookWhenRevoked):
		return m.afterW5(w)
	}
	return wLook5
}

// publish is the first step of W4 to W6.
func (m *Model) publish() writerStep {
	if m.has(RevokeCheckEarly) {
		return wRevokes
	}
	return wSnapshot
}

func (m *Model) afterSnapshot(w writer) writerStep {
	switch {
	case m.has(SnapshotFirst) && w.missing != 0:
		return wHome3
	case m.has(DoneEarly), m.has(RevokeCheckEarly), m.has(NoRevokeCheck):
		return wDone
	}
	return wRevokes
}

func (m *Model) afterRevokes(s state, i int) writerStep {
	if s.revoked>>(2*i)&3 != 0 {
		return wLook5
	}
	return m.afterW5(s.writers[i])
}

// afterW5 follows a session that was found in order.
func (m *Model) afterW5(w writer) writerStep {
	switch {
	case m.has(RevokeCheckEarly):
		return wSnapshot
	case w.done:
		return wConfirmed
	}
	return wDone
}

func (m *Model) afterDone(w writer) writerStep {
	switch {
	case m.has(DoneFirst) && w.missing != 0:
		return wHome3
	case m.has(DoneEarly):
		return wRevokes
	case m.has(DoneDropsOpen):
		return wDropOpen
	}
	return wConfirmed
}

// giveUp: what cannot be copied any more costs the snapshot. With FailedDropOpen and its like a writer may give up anywhere.
func (m *Model) giveUp(s state, i int, emit emit) {
	w := &s.writers[i]
	anywhere := m.has(FailedDropOpen|FailedOpenOnly) && w.at > wOpen && w.at <= wDone
	switch {
	case anywhere && m.has(FailedDropOpen) && w.snap, w.at == wHome5 && !anywhere:
		w.at = wDropSnapshot
	case anywhere:
		w.at = wDropOwnOpen
	default:
		return
	}
	for n := range s.packs {
		s.packs[n].set(listed, i, false)
		s.packs[n].set(condemned, i, false)
	}
	w.missing = 0
	emit(s, "give up")
}

func (m *Model) dropOwn(s state, i int, emit emit) {
	w := &s.writers[i]
	if w.at == wDropSnapshot {
		w.snap, w.at = false, wFailed
		if m.has(FailedDropOpen) {
			w.at = wDropOwnOpen
		}
		emit(s, "DELETE own snapshot")
		return
	}
	w.open, w.at = false, wFailed
	if w.snap {
		w.at = wDropSnapshot
	}
	emit(s, "DELETE own .open")
}
