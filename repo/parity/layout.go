package parity

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/zeebo/blake3"
)

// A sidecar:
//
//	header | parity shards | the same header again
//
// A header:
//
//	magic "shoepar1" (8) | name of the pack (32) | length of the pack (4) | data shards (2) | parity shards (2) |
//	a sum (8) of each data shard and then of each parity shard | BLAKE3 of all before it (32)
const (
	magic     = "shoepar1"
	fixed     = 48 // bytes of a header before the sums
	sumLength = 8
	hashed    = 32
)

// sum finds the shard that is damaged: its XXH64 with seed 0, little endian. It guards against accidents alone, at a sixth of the cost of
// BLAKE3: what is healed must have the hash that the pack is named by, whatever the sums say.
type sum [sumLength]byte

func sumOf(shard []byte) (s sum) {
	binary.LittleEndian.PutUint64(s[:], xxhash.Sum64(shard))
	return s
}

// layout is what a header says.
type layout struct {
	name         [32]byte
	length       int // of the pack, in bytes
	data, parity int // shards
	sums         []sum
}

// plan decides how many shards a pack is given: see docs/decisions/0008-parity.md.
func plan(name [32]byte, length int) layout {
	l := layout{name: name, length: length, parity: 1}
	l.data = min((length+aimedShard-1)/aimedShard, maxData)
	if l.data > 1 {
		l.parity = (3*l.data+maxData-1)/maxData + 1
	}
	return l
}

func (l layout) size() int    { return (l.length + l.data - 1) / l.data } // of each shard, in bytes
func (l layout) header() int  { return fixed + sumLength*(l.data+l.parity) + hashed }
func (l layout) sidecar() int { return 2*l.header() + l.parity*l.size() }

// split cuts a pack into its data shards. Those that reach beyond its end are copied, and filled up with zeros.
func (l layout) split(pack []byte) [][]byte {
	size := l.size()
	shards := make([][]byte, l.data, l.data+l.parity)
	for i := range shards {
		if rest := pack[min(i*size, len(pack)):]; len(rest) >= size {
			shards[i] = rest[:size:size]
		} else {
			shards[i] = append(make([]byte, 0, size), rest...)[:size]
		}
	}
	return shards
}

// shard is parity shard i, or nil where the sidecar is cut off. parity are the bytes behind the first header.
func (l layout) shard(parity []byte, i int) []byte {
	from, to := i*l.size(), (i+1)*l.size()
	if to > len(parity) {
		return nil
	}
	return parity[from:to:to]
}

// put writes the header.
func (l layout) put(out []byte) {
	b := append(out[:0], magic...)
	b = append(b, l.name[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(l.length))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.data))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.parity))
	for _, s := range l.sums {
		b = append(b, s[:]...)
	}
	full := blake3.Sum256(b)
	_ = append(b, full[:]...)
}

// parse reads a header that begins where b does.
func parse(b []byte) (layout, error) {
	if len(b) < fixed || string(b[:8]) != magic {
		return layout{}, fmt.Errorf("%w: it does not begin as one", ErrSidecar)
	}
	l := layout{
		name:   [32]byte(b[8:40]),
		length: int(binary.LittleEndian.Uint32(b[40:])),
		data:   int(binary.LittleEndian.Uint16(b[44:])),
		parity: int(binary.LittleEndian.Uint16(b[46:])),
	}
	if l.length < 1 || l.length > MaxPack || l.data < 1 || l.data > min(maxData, l.length) || l.parity < 1 || l.parity > maxParity {
		return layout{}, fmt.Errorf("%w: %d bytes in %d and %d shards are out of bounds", ErrSidecar, l.length, l.data, l.parity)
	}
	if l.sidecar() > MaxSidecar {
		return layout{}, fmt.Errorf("%w: %d bytes would be too many for it", ErrSidecar, l.sidecar())
	}
	if len(b) < l.header() {
		return layout{}, fmt.Errorf("%w: its header is cut off", ErrSidecar)
	}
	body := b[:l.header()-hashed]
	if blake3.Sum256(body) != [32]byte(b[len(body):l.header()]) {
		return layout{}, fmt.Errorf("%w: its header", ErrSidecar)
	}
	for s := body[fixed:]; len(s) > 0; s = s[sumLength:] {
		l.sums = append(l.sums, sum(s[:sumLength]))
	}
	return l, nil
}

// find reads the header at the start, or the one at the end where the first is damaged, and gives what lies behind the first.
// both tells whether the two are whole and alike.
func find(sidecar []byte) (l layout, parity []byte, both bool, err error) {
	at := bytes.LastIndex(sidecar, []byte(magic))
	if at < 0 {
		return l, nil, false, fmt.Errorf("%w: it has no header", ErrSidecar)
	}
	last, lastErr := parse(sidecar[at:])
	l, err = parse(sidecar)
	if err == nil {
		head := sidecar[:l.header()]
		both = lastErr == nil && at == l.sidecar()-l.header() && bytes.Equal(head, sidecar[at:at+l.header()])
		return l, sidecar[l.header():], both, nil
	}
	if lastErr != nil {
		return l, nil, false, err
	}
	parity = sidecar[:at]
	if room := last.parity * last.size(); len(parity) > room {
		parity = parity[len(parity)-room:]
	} else if len(parity) < room {
		parity = append(make([]byte, room-len(parity), room), parity...) // its beginning is cut off
	}
	return last, parity, false, nil
}
