package main

import (
	"slices"

	"shoebox/snapshot"
)

// count makes held and standingAt ready: how many of the snapshots that stay, and of those that stand for now, have a lower number.
func (o *owner) count() {
	o.before, o.behind = o.lower(o.kept), o.lower(o.forgotten)
}

func (o *owner) lower(numbers []int32) []int32 {
	sums := make([]int32, o.next+1)
	for _, nr := range numbers {
		sums[nr+1] = 1
	}
	for i := 1; i < len(sums); i++ {
		sums[i] += sums[i-1]
	}
	return sums
}

// held tells whether a snapshot that stays holds what was there from born to before died. Ask count first.
func (o *owner) held(born, died int32) bool {
	return o.before[min(died, o.next)] > o.before[min(born, o.next)]
}

// live tells whether a page is in a snapshot that stays.
func (s *sim) liveAt(id int32) bool {
	p := &s.pages[id]
	return s.owners[p.owner].held(p.born, p.died)
}

// standingAt tells whether a page is in a snapshot that was forgotten and stands until the next prune.
func (s *sim) standingAt(id int32) bool {
	p := &s.pages[id]
	o := s.owners[p.owner]
	return o.behind[min(p.died, o.next)] > o.behind[min(p.born, o.next)]
}

func (s *sim) countAll() {
	for _, o := range s.owners {
		o.count()
	}
}

// choose takes from a phone the snapshots that its policy does not keep, and says how many.
func (s *sim) choose(o *owner) (leaving int) {
	var kept []int32
	var taken []snapshot.Snapshot
	for i, reason := range s.load.Policy.Keep(o.taken, s.now()) {
		if !reason.Keep {
			o.forgotten = append(o.forgotten, o.kept[i])
			leaving++
			continue
		}
		kept, taken = append(kept, o.kept[i]), append(taken, o.taken[i])
	}
	o.kept, o.taken = kept, taken
	return leaving
}

// forget is `shoebox forget --keep-...`: it finds and carries away what only old snapshots hold.
func (s *sim) forget() {
	var t Tally
	s.open(&t)
	s.survey(&t) // for the policy
	s.survey(&t) // for the brakes
	s.brakes(&t)
	s.fullSurvey(&t)
	s.brakes(&t)
	leaving := 0
	for _, o := range s.phones {
		leaving += s.choose(o)
	}
	s.countAll()
	s.refresh(&t)
	s.findLast(&t)
	carried := make([]int, len(s.phones))
	for i, o := range s.phones {
		carried[i] = o.carry()
	}
	if slices.Max(carried) > 0 { // something stands nowhere else: every page that stays was looked at, and what leaves once more
		s.readPages(&t, s.liveAt)
		s.readPages(&t, func(id int32) bool { return !s.liveAt(id) && s.standingAt(id) })
	}
	for i, o := range s.phones {
		if carried[i] > 0 {
			leaving += s.fillAttic(o.attic, carried[i], &t)
		}
	}
	for range leaving {
		s.putRecord(measured.Tombstone, &t)
	}
	s.tombstones += leaving
	s.survey(&t) // whether somebody forgot others meanwhile
	s.done("forget", t)
}

// brakes counts the listing of released brakes.
func (s *sim) brakes(t *Tally) {
	t.list(s.sessions)
	t.list(0)
}

// findLast counts the search for what no other snapshot holds: upper pages of what stays, and pages of what leaves alone.
func (s *sim) findLast(t *Tally) {
	s.readPages(t, func(id int32) bool { return s.pages[id].upper && s.liveAt(id) })
	s.readPages(t, func(id int32) bool { return !s.liveAt(id) && s.standingAt(id) })
}

func (s *sim) readPages(t *Tally, pass func(int32) bool) {
	for _, id := range s.active {
		if pass(id) {
			s.readPage(id, t)
		}
	}
}

// carry takes out the lost versions that no snapshot holds any more, and says how many.
func (o *owner) carry() int {
	n := len(o.lost)
	o.lost = slices.DeleteFunc(o.lost, func(l life) bool { return !o.held(l.born, l.died) })
	return n - len(o.lost)
}

// fillAttic writes the attic anew with more entries, and says how many older ones it takes the place of.
func (s *sim) fillAttic(o *owner, more int, t *Tally) (replaced int) {
	for range 2 { // what it knows already, and which names are taken
		s.readAll(o, t)
	}
	s.begin(t)
	s.readAll(o, t) // merged with what is new
	changes := make([]change, more)
	for i := range changes {
		changes[i] = change{at: o.rng.IntN(o.entries + 1), add: 1}
	}
	slices.SortFunc(changes, func(x, y change) int { return x.at - y.at })
	o.apply(changes)
	s.write(o, &batch{store: s.store, tally: t, known: true})
	s.readAll(o, t) // whether all of it is safe
	s.commit(0, t)
	replaced = len(o.kept)
	o.forgotten, o.kept = append(o.forgotten, o.kept...), []int32{o.next}
	o.next++
	o.count()
	return replaced
}

func (s *sim) readAll(o *owner, t *Tally) {
	for _, id := range o.pages() {
		s.readPage(id, t)
	}
}

// letGo is `shoebox forget --last-copies` of every attic: what a person deleted goes for good.
func (s *sim) letGo() {
	var t Tally
	s.open(&t)
	s.survey(&t)
	s.fullSurvey(&t)
	s.brakes(&t)
	s.refresh(&t)
	s.countAll()
	s.readPages(&t, s.liveAt) // whether any of it stands elsewhere
	for _, o := range s.phones {
		a := o.attic
		for range len(a.kept) {
			s.putRecord(measured.Tombstone, &t)
			s.putRecord(measured.Tombstone, &t) // the release
		}
		s.tombstones, s.releases = s.tombstones+len(a.kept), s.releases+len(a.kept)
		s.bury(a.entries)
		a.forgotten, a.kept = append(a.forgotten, a.kept...), nil
		s.dropTree(a)
	}
	s.survey(&t)
	s.done("let go", t)
}

// dropTree empties an attic.
func (s *sim) dropTree(a *owner) {
	for _, id := range a.pages() {
		s.pages[id].died = a.next
	}
	a.leaves, a.upper, a.entries = nil, nil, 0
}

// bury lets so many versions of pictures go: of each the head, and of those that were not only retagged the picture data too.
func (s *sim) bury(entries int) {
	bodies, heads := entries*s.load.Gone/max(1, s.load.Gone+s.load.Retagged), 0.0
	for _, k := range s.load.Kinds {
		heads += k.Share * float64(min(k.Heads, 1))
	}
	most := [classes]int32{1, 1}
	for _, p := range s.packs {
		if !p.gone {
			most[p.class] = max(most[p.class], p.chunks)
		}
	}
	for i := range entries {
		if i >= bodies || s.rng.Float64() < heads {
			s.kill(meta, most[meta])
		}
		if i < bodies {
			s.kill(data, most[data])
		}
	}
}

// kill lets one chunk die: the longer a picture was there, the more likely. most is how many chunks a pack of the class has at most.
func (s *sim) kill(class uint8, most int32) {
	for {
		p := &s.packs[s.rng.IntN(len(s.packs))]
		if p.gone || p.class != class || s.rng.Int32N(most) >= p.chunks || s.rng.IntN(s.night+1) < int(p.born) {
			continue
		}
		size := p.bytes / p.chunks
		p.chunks, p.bytes, p.dead = p.chunks-1, p.bytes-size, p.dead+size
		return
	}
}
