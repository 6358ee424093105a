package repo

import (
	"encoding/binary"

	"shoebox/chunk"
)

// liveSet remembers which chunks must stay, in eight bytes each: 63 bits of the id, and one that says whether a home was found.
// Two ids in 10^18 share their bits; then a chunk that nobody needs stays, and nothing is lost. So it is only
// asked questions to which a wrong yes is harmless. The zero value is empty.
type liveSet struct {
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

func (s *liveSet) slot(key uint64) *uint64 {
	mask := uint64(len(s.slots) - 1)
	for i := key & mask; ; i = (i + 1) & mask {
		if s.slots[i] == 0 || s.slots[i]&^homed == key {
			return &s.slots[i]
		}
	}
}

// add notes that a chunk must stay.
func (s *liveSet) add(id chunk.ID) {
	if 10*s.count >= 7*len(s.slots) {
		s.grow()
	}
	if at := s.slot(liveKey(id)); *at == 0 {
		*at = liveKey(id)
		s.count++
	}
}

func (s *liveSet) has(id chunk.ID) bool {
	return len(s.slots) > 0 && *s.slot(liveKey(id)) != 0
}

// home notes that a home of a live chunk was found, and tells whether it is another one than before.
func (s *liveSet) home(id chunk.ID) (again bool) {
	at := s.slot(liveKey(id))
	again = *at&homed != 0
	*at |= homed
	return again
}

func (s *liveSet) grow() {
	old := s.slots
	s.slots = make([]uint64, max(1024, 2*len(old)))
	for _, v := range old {
		if v != 0 {
			*s.slot(v &^ homed) = v
		}
	}
}
