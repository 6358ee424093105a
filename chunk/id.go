package chunk

import (
	"encoding/hex"
	"sync"

	"github.com/zeebo/blake3"
)

// ID names a chunk by its content, under a key: BLAKE3 in keyed mode,
// https://github.com/BLAKE3-team/BLAKE3-specs. Equal bytes have equal ids
// under one key; without the key an id says nothing of the bytes.
type ID [32]byte

// String gives the id as 64 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Key is a secret under which chunks are named. One key serves one kind.
type Key [32]byte

// ID names data. It may be called from several goroutines at once.
func (k *Key) ID(data []byte) ID {
	set := hashers.Get().(*hasherSet)
	defer hashers.Put(set)
	h := set.under(k)
	h.Reset()
	h.Write(data)
	var id ID
	h.Sum(id[:0])
	return id
}

// hashers spares the 11 KB that a hasher takes for every chunk. It is a cache
// and nothing else: each set answers for any key.
var hashers = sync.Pool{New: func() any { return new(hasherSet) }}

// hasherSet holds the hashers of the last few keys: the kinds of one
// repository take turns.
type hasherSet struct {
	keys [8]Key
	made [8]*blake3.Hasher
	next int
}

func (s *hasherSet) under(k *Key) *blake3.Hasher {
	for i, h := range s.made {
		if h != nil && s.keys[i] == *k {
			return h
		}
	}
	h, err := blake3.NewKeyed(k[:])
	if err != nil {
		panic("chunk: blake3 refused a key of 32 bytes: " + err.Error())
	}
	s.keys[s.next], s.made[s.next] = *k, h
	s.next = (s.next + 1) % len(s.made)
	return h
}
