package repo

import (
	"encoding/binary"

	"shoebox/chunk"
)

// liveSet remembers which chunks must stay, in eight bytes each: 63 bits of the id, and one that says whether a home was found.
// Two ids in 10^18 share their bits; then a chunk that nobody needs stays, and nothing is lost. So it is only
// asked questions to which a wrong yes is harmless. The zero value is empty.
//
// It is made of many small tables, each of which grows by itself: one large one would need half as much again while it grows.
type liveSet struct {
	tables [liveTables]liveTable
	count  int
}

const liveTables = 256

type liveTable struct {
	slots []uint64 // open addressing; 0 is empty
	count int
}

const homed = 1 << 63

func liveKey(id chunk.ID) uint64 {
	key := binary.LittleEndian.Uint64(id[:]) &^ homed
	if key == 0 {
		return 1
	}
	return key
}

// table is where a key belongs, by bits that a table does not use.
func (s *liveSet) table(key uint64) *liveTable { return &s.tables[key>>48%liveTables] }

func (t *liveTable) slot(key uint64) *uint64 {
	mask := uint64(len(t.slots) - 1)
	for i := key & mask; ; i = (i + 1) & mask {
		if t.slots[i] == 0 || t.slots[i]&^homed == key {
			return &t.slots[i]
		}
	}
}

// add notes that a chunk must stay.
func (s *liveSet) add(id chunk.ID) {
	key := liveKey(id)
	t := s.table(key)
	if 10*t.count >= 7*len(t.slots) {
		t.grow()
	}
	if at := t.slot(key); *at == 0 {
		*at = key
		t.count++
		s.count++
	}
}

func (s *liveSet) has(id chunk.ID) bool {
	key := liveKey(id)
	t := s.table(key)
	return len(t.slots) > 0 && *t.slot(key) != 0
}

// home notes that a home of a live chunk was found, and tells whether it is another one than before.
func (s *liveSet) home(id chunk.ID) (again bool) {
	key := liveKey(id)
	at := s.table(key).slot(key)
	again = *at&homed != 0
	*at |= homed
	return again
}

func (t *liveTable) grow() {
	old := t.slots
	t.slots = make([]uint64, max(16, 2*len(old)))
	for _, v := range old {
		if v != 0 {
			*t.slot(v &^ homed) = v
		}
	}
}
