package model

import "slices"

// A pack is what is in it, and which views of it somebody holds. One that was deleted stays as long as a view does that was
// listed before.
type pack uint16

const (
	chunkA pack = 1 << iota
	chunkB
	exists
	condemned // seen in a mark by writer 0; by writer 1 in the next bit
	_
	listed // by writer 0, writer 1
	_
	chosen // by pruner 0, 1: what its mark names
	_
	theirs // seen by pruner 0, 1 in the mark of another; then: what it will delete
	_
	seen // listed by pruner 0, 1
	_

	chunks = chunkA | chunkB
	views  = listed | listed<<1 | seen | seen<<1
)

func (p pack) is(bit pack, i int) bool { return p&(bit<<i) != 0 }

func (p *pack) set(bit pack, i int, on bool) {
	*p &^= bit << i
	if on {
		*p |= bit << i
	}
}

const maxPacks = 8

// state is the store and what each actor remembers.
type state struct {
	packs     [maxPacks]pack
	writers   [2]writer
	pruners   [2]pruner
	revoked   uint8 // bit 2*writer+pruner
	forgotten bool  // the first snapshot at the start, which alone needs chunk A
}

type writer struct {
	at               writerStep
	missing          pack // chunks without a home, by the last look
	open, done, snap bool // what is in the store
	quiet, trust     bool // no mark stood at W1; its parent was not forgotten
}

type pruner struct {
	at      prunerStep
	live    pack  // chunks that snapshots need, as last seen
	pending uint8 // sessions it waits for, a bit each
	copy    pack  // chunks it copies before it marks
	mark    bool  // in the store
	round   uint8
	their   uint8 // the round of the mark it is about to remove
}

// key is a state in three words, equal for states that differ only in the names of packs.
type key [3]uint64

// tidy forgets deleted packs that nobody holds in view, and puts the others in order: names mean nothing.
func (s *state) tidy() {
	for i, p := range s.packs {
		if p&(exists|views) == 0 {
			s.packs[i] = 0
		}
	}
	slices.SortFunc(s.packs[:], func(a, b pack) int { return int(b) - int(a) })
}

func (s *state) key() (k key) {
	for i, p := range s.packs {
		k[i/4] |= uint64(p) << (i % 4 * 16)
	}
	var b bits
	for _, w := range s.writers {
		b.put(uint64(w.at), 5)
		b.put(uint64(w.missing), 2)
		b.flag(w.open)
		b.flag(w.done)
		b.flag(w.snap)
		b.flag(w.quiet)
		b.flag(w.trust)
	}
	for _, p := range s.pruners {
		b.put(uint64(p.at), 5)
		b.put(uint64(p.live), 2)
		b.put(uint64(p.pending), 2)
		b.put(uint64(p.copy), 2)
		b.flag(p.mark)
		b.put(uint64(p.round), 1)
		b.put(uint64(p.their), 1)
	}
	b.put(uint64(s.revoked), 4)
	b.flag(s.forgotten)
	k[2] = b.word
	return k
}

func (k key) state() (s state) {
	for i := range s.packs {
		s.packs[i] = pack(k[i/4] >> (i % 4 * 16))
	}
	b := bits{word: k[2]}
	for i := range s.writers {
		s.writers[i] = writer{at: writerStep(b.take(5)), missing: pack(b.take(2)), open: b.take(1) == 1, done: b.take(1) == 1, snap: b.take(1) == 1,
			quiet: b.take(1) == 1, trust: b.take(1) == 1}
	}
	for i := range s.pruners {
		s.pruners[i] = pruner{at: prunerStep(b.take(5)), live: pack(b.take(2)), pending: uint8(b.take(2)), copy: pack(b.take(2)),
			mark: b.take(1) == 1, round: uint8(b.take(1)), their: uint8(b.take(1))}
	}
	s.revoked = uint8(b.take(4))
	s.forgotten = b.take(1) == 1
	return s
}

// bits is one word that fields are put into, or taken out of in the same order.
type bits struct {
	word uint64
	at   uint
}

func (b *bits) put(v uint64, width uint) {
	b.word |= v << b.at
	b.at += width
}

func (b *bits) flag(on bool) {
	if on {
		b.word |= 1 << b.at
	}
	b.at++
}

func (b *bits) take(width uint) uint64 {
	v := b.word >> b.at & (1<<width - 1)
	b.at += width
	return v
}

// stored is every chunk that is in a pack.
func (s *state) stored() (have pack) {
	for _, p := range s.packs {
		if p&exists != 0 {
			have |= p & chunks
		}
	}
	return have
}

// putPack puts a new pack, and tells whether the model had room for it.
func (s *state) putPack(content pack) bool {
	for i, p := range s.packs {
		if p == 0 {
			s.packs[i] = content | exists
			return true
		}
	}
	return false
}

// inMark tells whether a pack is in a mark that stands.
func (s *state) inMark(p pack) bool {
	return s.pruners[0].mark && p.is(chosen, 0) || s.pruners[1].mark && p.is(chosen, 1)
}
