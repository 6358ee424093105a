package model

// visited is a set of states in the order they were found, each with the state it was found from: 24 bytes of state, 4 of
// parent, and 8 to 16 of hash table.
type visited struct {
	keys    [][]key // blocks, so that growing copies no states
	parents [][]uint32
	table   []uint32 // open addressing: number of the state plus one
	count   int
}

const block = 1 << 16

func newVisited() *visited { return &visited{table: make([]uint32, 1<<12)} }

func (v *visited) len() int         { return v.count }
func (v *visited) at(n int) key     { return v.keys[n/block][n%block] }
func (v *visited) parent(n int) int { return int(v.parents[n/block][n%block]) }

// add tells whether k is new.
func (v *visited) add(k key, parent int) bool {
	if v.count >= len(v.table)/4*3 {
		v.grow()
	}
	slot := k.hash() & uint64(len(v.table)-1)
	for ; v.table[slot] != 0; slot = (slot + 1) & uint64(len(v.table)-1) {
		if v.at(int(v.table[slot]-1)) == k {
			return false
		}
	}
	if v.count%block == 0 {
		v.keys = append(v.keys, make([]key, block))
		v.parents = append(v.parents, make([]uint32, block))
	}
	v.keys[v.count/block][v.count%block] = k
	v.parents[v.count/block][v.count%block] = uint32(parent)
	v.count++
	v.table[slot] = uint32(v.count)
	return true
}

func (v *visited) grow() {
	v.table = make([]uint32, 2*len(v.table))
	for n := range v.count {
		slot := v.at(n).hash() & uint64(len(v.table)-1)
		for v.table[slot] != 0 {
			slot = (slot + 1) & uint64(len(v.table)-1)
		}
		v.table[slot] = uint32(n + 1)
	}
}

// hash mixes the words with the finalizer of MurmurHash3.
func (k key) hash() uint64 {
	var h uint64
	for _, w := range k {
		h ^= w
		h ^= h >> 33
		h *= 0xff51afd7ed558ccd
		h ^= h >> 33
		h *= 0xc4ceb9fe1a85ec53
		h ^= h >> 33
	}
	return h
}
