package main

import (
	"cmp"
	"maps"
	"slices"
)

// The thresholds of repo/plan.go and repo/prune.go.
const (
	smallData, smallMeta = 4 << 20, 1 << 20
	manySmall            = 32
	aboutAsMuch          = 4 << 20
	mostMarked           = 1 << 16
	mostMoved            = 1 << 18
	maxDead              = 0.25
)

// prune is `shoebox prune`.
func (s *sim) prune() {
	var t Tally
	s.open(&t)
	s.fullSurvey(&t)
	s.countAll()
	s.refresh(&t)
	s.readPages(&t, s.liveAt)
	s.readPages(&t, func(id int32) bool { return !s.liveAt(id) && s.standingAt(id) })
	t.list(s.sessions) // notes of interrupted backups
	t.list(0)          // marks
	t.list(s.sessions)
	t.list(0)
	t.list(s.there)
	s.looks++
	s.surveyed = s.looks
	s.hear(everySegment, &t)
	s.active = slices.DeleteFunc(s.active, func(id int32) bool { return !s.liveAt(id) })
	dead, move := s.plan()
	s.dropForgotten(&t)
	for round := range slices.Chunk(dead, mostMarked) {
		s.round(round, false, &t)
	}
	rounds := s.deal(move)
	for _, round := range rounds {
		s.round(round, true, &t)
	}
	s.tidy(&t)
	w := s.done("prune", t)
	w.Moved = s.moved
	w.Rounds += int64((len(dead)+mostMarked-1)/mostMarked + len(rounds))
}

// hear counts one pass over the segments that this prune has not read yet, and over those that it wants.
func (s *sim) hear(want func(id int32) bool, t *Tally) {
	t.list(len(s.standing))
	for _, id := range s.standing {
		g := &s.segments[id]
		if g.heard >= s.surveyed && !want(id) {
			continue
		}
		t.get(g.size)
		if g.heard < s.surveyed {
			g.heard = s.looks
		}
	}
}

func everySegment(int32) bool { return true }

// telling wants the segments that tell of some packs.
func (s *sim) telling(packs []int32) func(id int32) bool {
	tells := make(map[int32]bool)
	for _, id := range packs {
		tells[s.packs[id].segment] = true
	}
	return func(id int32) bool { return tells[id] }
}

// used is how many bytes of a pack are needed, and how many chunks.
func (s *sim) used(id int32) (bytes int64, chunks int) {
	p := &s.packs[id]
	bytes, chunks = int64(p.bytes), int(p.chunks)
	if p.class == data {
		return bytes, chunks
	}
	for _, page := range s.meta[id] {
		if s.liveAt(page) {
			bytes, chunks = bytes+int64(s.pages[page].stored), chunks+1
		}
	}
	return bytes, chunks
}

// plan says which packs are dead and which are to be written anew.
func (s *sim) plan() (dead, move []int32) {
	var small [classes][]int32
	for i := range s.packs {
		p, id := &s.packs[i], int32(i)
		if p.gone {
			continue
		}
		used, _ := s.used(id)
		switch {
		case used == 0:
			dead = append(dead, id)
		case float64(int64(p.total)-used) > maxDead*float64(p.total):
			move = append(move, id)
		case p.class == data && p.size < smallData, p.class == meta && p.size < smallMeta:
			small[p.class] = append(small[p.class], id)
		}
	}
	for _, packs := range small {
		if len(packs) >= manySmall {
			move = append(move, packs...)
		}
	}
	return dead, move
}

// deal makes rounds of packs that are written anew.
func (s *sim) deal(packs []int32) (rounds [][]int32) {
	type load struct {
		bytes  int64
		chunks int
	}
	of := make(map[int32]load, len(packs))
	for _, id := range packs {
		bytes, chunks := s.used(id)
		of[id] = load{bytes, chunks}
	}
	slices.SortFunc(packs, func(a, b int32) int {
		return cmp.Or(cmp.Compare(of[a].bytes/aboutAsMuch, of[b].bytes/aboutAsMuch), cmp.Compare(s.packs[a].class, s.packs[b].class), cmp.Compare(s.packs[a].segment, s.packs[b].segment), cmp.Compare(a, b))
	})
	var round []int32
	var sum load
	for _, id := range packs {
		l := of[id]
		if len(round) > 0 && (sum.bytes+l.bytes > s.load.Round || sum.chunks+l.chunks > mostMoved || len(round) == mostMarked) {
			rounds, round, sum = append(rounds, round), nil, load{}
		}
		round, sum = append(round, id), load{sum.bytes + l.bytes, sum.chunks + l.chunks}
	}
	if len(round) > 0 {
		rounds = append(rounds, round)
	}
	return rounds
}

// dropForgotten deletes the records of forgotten snapshots, each with a listing of all sessions: snapshot.roots.Drop.
func (s *sim) dropForgotten(t *Tally) {
	dropped := 0
	for _, o := range s.owners {
		dropped += len(o.forgotten)
		o.forgotten = nil
	}
	for range dropped {
		t.get(measured.Snapshot)
		s.deleteTwice(t)
		t.list(s.sessions)
		s.deleteTwice(t)
		s.snapshots, s.sessions = s.snapshots-1, s.sessions-1
	}
	for range s.releases {
		t.get(measured.Tombstone)
		s.deleteTwice(t)
	}
	s.releases = 0
}

// round is B1 to B6.
func (s *sim) round(packs []int32, move bool, t *Tally) {
	s.looks++
	if move {
		s.evacuate(packs, t)
	}
	s.putRecord(recordSize(measured.MarkBase+measured.MarkPack*float64(len(packs))), t)
	t.list(s.sessions)
	t.list(1)
	s.fullSurvey(t) // B3
	t.list(s.sessions)
	t.list(1)
	t.get(recordSize(measured.MarkBase + measured.MarkPack*float64(len(packs))))
	t.list(s.there)
	s.hear(s.telling(packs), t)
	if move { // else nothing in them needs a home
		s.hear(func(id int32) bool { return s.segments[id].heard == s.looks }, t)
	}
	s.rewrite(packs, t) // B4
	for _, id := range packs {
		s.deletePack(id, t)
	}
	s.deleteTwice(t)
}

// evacuate copies what is needed into new packs and reads them back.
func (s *sim) evacuate(packs []int32, t *Tally) {
	s.hear(s.telling(packs), t)
	b := &batch{store: s.store, tally: t}
	today := s.born
	for _, id := range packs {
		p := s.packs[id]
		s.born = p.born
		for i := range p.chunks {
			size := p.bytes / p.chunks
			if i == 0 {
				size = p.bytes - size*(p.chunks-1)
			}
			b.chunk(p.class, int(size)-sealed)
		}
		small := p.chunks
		for _, page := range s.meta[id] {
			if s.liveAt(page) {
				small++
				b.page(page)
			}
		}
		readRuns(int64(p.size), int64(p.bytes), int64(small), t)
	}
	b.flush()
	s.born = today
	for _, id := range b.all {
		readRuns(int64(s.packs[id].size), 0, 0, t)
		s.moved += int64(s.packs[id].size)
	}
}

const (
	longestRun = 4 << 20   // bytes a prune reads at once
	widestGap  = 128 << 10 // bytes of dead chunks that it reads along
)

// readRuns reads what is live of a pack, neighbours at once: all of it where chunks are small, or where it is read back. Larger ones have as
// many neighbours as the share that is live gives them.
func readRuns(size, live, chunks int64, t *Tally) {
	runs, bytes := (size+longestRun-1)/longestRun, size
	if chunks > 0 && live/chunks > widestGap {
		alone := 1 - float64(live)/float64(size)
		runs = max(1, int64(float64(chunks)*max(alone, min(1, float64(live/chunks)/longestRun))))
		bytes = live
	}
	for range runs {
		t.get(bytes / runs)
	}
}

// rewrite writes the segments anew that tell of packs which go, and the small ones when there are many.
func (s *sim) rewrite(packs []int32, t *Tally) {
	tells, gone := s.telling(packs), make(map[int32]bool, len(packs))
	for _, id := range packs {
		gone[id] = true
	}
	small := 0
	for _, id := range s.standing {
		if s.segments[id].size < smallSegment {
			small++
		}
	}
	t.list(len(s.standing))
	t.list(s.sessions)
	t.list(1)
	s.hear(func(id int32) bool { return tells(id) || small >= manySegments && s.segments[id].size < smallSegment }, t)
	order := slices.Clone(s.standing) // by name, which is a hash
	s.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var taken []int32
	size := 0
	for _, id := range order {
		g := &s.segments[id]
		if !tells(id) && (small < manySegments || g.lines >= smallSegment) {
			continue
		}
		if size > 0 && size+g.lines > fullSegment {
			s.compact(taken, gone, t)
			taken, size = nil, 0
		}
		taken = append(taken, id)
		for _, p := range g.packs {
			if !gone[p] {
				size += int(s.packs[p].entries) * packLine
			}
		}
	}
	s.compact(taken, gone, t)
}

// compact writes one segment in the place of some.
func (s *sim) compact(segments []int32, gone map[int32]bool, t *Tally) {
	if len(segments) == 0 {
		return
	}
	var packs []int32
	lines := 0
	old := make(map[int32]bool, len(segments))
	for _, id := range segments {
		g := &s.segments[id]
		for _, p := range g.packs {
			if !gone[p] {
				packs, lines = append(packs, p), lines+int(s.packs[p].entries)*packLine
			}
		}
		s.vanished = s.vanished || g.known
		g.gone, g.packs, old[id] = true, nil, true
		s.deleteTwice(t)
	}
	s.standing = slices.DeleteFunc(s.standing, func(id int32) bool { return old[id] })
	if len(packs) > 0 {
		s.putSegment(packs, lines, len(segments), false, t)
	}
}

// tidy looks for what pruners and sessions that are over have left.
func (s *sim) tidy(t *Tally) {
	t.list(len(s.standing))
	s.hear(everySegment, t)
	t.list(0)
	t.list(s.sessions)
	t.list(0)
}

// census counts what lies in the store, by folder.
func (s *sim) census() map[string]Census {
	var segments int64
	for _, id := range s.standing {
		segments += s.segments[id].size
	}
	c := map[string]Census{
		"packs":      {int64(s.there), s.held},
		"segments":   {int64(len(s.standing)), segments},
		"snapshots":  {int64(s.snapshots), int64(s.snapshots) * measured.Snapshot},
		"sessions":   {int64(s.sessions), int64(s.sessions) * measured.Done},
		"tombstones": {int64(s.tombstones), int64(s.tombstones) * measured.Tombstone},
	}
	maps.DeleteFunc(c, func(_ string, c Census) bool { return c.Objects == 0 })
	if s.load.Parity {
		c["parity"] = Census{int64(s.there), s.side}
		var n, bytes int64
		for _, folder := range []string{"segments", "snapshots", "sessions", "tombstones"} {
			n, bytes = n+c[folder].Objects, bytes+c[folder].Bytes+c[folder].Objects*copyHeader
		}
		c["copies"] = Census{n + 3, bytes}
	}
	return c
}
