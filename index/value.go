package index

import (
	"encoding/binary"
	"errors"

	"shoebox/chunk"
)

// Keys in a table are one byte of kind and the id of the chunk.
const (
	placeKind = 'c' // value: where a chunk lies
	clipKind  = 'm' // value: where the cache holds a sealed chunk
)

func chunkKey(id chunk.ID) []byte { return append([]byte{placeKind}, id[:]...) }
func clipKey(id chunk.ID) []byte  { return append([]byte{clipKind}, id[:]...) }

const (
	tagSize  = 8
	spotSize = 4*4 + 2
)

var errTag = errors.New("an entry whose tag does not fit")

func (s spot) place(pack Name) Place {
	return Place{pack, s.offset, s.stored, s.plain, s.kind, s.encoding}
}

// seal is the value of a spot: 18 bytes, and a tag over the id, them and the name of the pack.
func (x *Index) seal(id chunk.ID, s spot) []byte {
	value := make([]byte, 0, spotSize+tagSize)
	for _, n := range [...]uint32{s.pack, s.offset, s.stored, s.plain} {
		value = binary.LittleEndian.AppendUint32(value, n)
	}
	value = append(value, byte(s.kind), s.encoding)
	return append(value, x.tag(chunkKey(id), value, x.packs.name(s.pack))...)
}

// open is the way back; the pack's name comes from the slot.
func (x *Index) open(id chunk.ID, value []byte) (Place, error) {
	if len(value) != spotSize+tagSize {
		return Place{}, errTag
	}
	s := spot{
		pack:   binary.LittleEndian.Uint32(value),
		offset: binary.LittleEndian.Uint32(value[4:]),
		stored: binary.LittleEndian.Uint32(value[8:]),
		plain:  binary.LittleEndian.Uint32(value[12:]),
		kind:   chunk.Kind(value[16]), encoding: value[17],
	}
	pack, err := x.slot.packName(s.pack)
	if err != nil {
		return Place{}, err
	}
	if string(x.tag(chunkKey(id), value[:spotSize], pack)) != string(value[spotSize:]) {
		return Place{}, errTag
	}
	return s.place(pack), nil
}

// tag is the start of a keyed BLAKE3 over key, value and the name of the pack.
func (x *Index) tag(key, value []byte, pack Name) []byte {
	var all [1 + 32 + spotSize + 32]byte
	sum := x.key.ID(append(append(append(all[:0], key...), value...), pack[:]...))
	return sum[:tagSize]
}

// packNames numbers the packs named since the last flush. The numbers go on from those stored.
type packNames struct {
	stored  uint32 // packs in the slot's file
	fresh   []Name
	numbers map[Name]uint32
}

func (p *packNames) number(pack Name) uint32 {
	n, known := p.numbers[pack]
	if known {
		return n
	}
	if p.numbers == nil {
		p.numbers = map[Name]uint32{}
	}
	n = p.stored + uint32(len(p.fresh))
	p.fresh = append(p.fresh, pack)
	p.numbers[pack] = n
	return n
}

// name is asked only for numbers given out since the last flush.
func (p *packNames) name(number uint32) Name { return p.fresh[number-p.stored] }
