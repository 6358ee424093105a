package chunk

import (
	"encoding/binary"
	"math"
)

// boxHeaderMost is the length of the longest box header, one with a 64 bit size.
const boxHeaderMost = 16

// boxHeader reads the size and the type of the box that data begins with,
// ISO/IEC 14496-12, 4.2. ok is false when it is none; data holds
// boxHeaderMost bytes or all there are.
func boxHeader(data []byte) (size int64, name string, ok bool) {
	if len(data) < 8 || !isBoxName(data[4:8]) {
		return 0, "", false
	}
	name = string(data[4:8])
	switch n := binary.BigEndian.Uint32(data); n {
	case 0: // to the end of the stream
		return math.MaxInt64, name, true
	case 1:
		if len(data) < boxHeaderMost {
			return 0, "", false
		}
		long := binary.BigEndian.Uint64(data[8:])
		return int64(long), name, long >= boxHeaderMost && long < math.MaxInt64
	default:
		return int64(n), name, n >= 8
	}
}

func isBoxName(name []byte) bool {
	for _, c := range name {
		if c != 0xa9 && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// isFileType tells whether data begins with the box that opens every file
// since ISO/IEC 14496-12.
func isFileType(data []byte) bool {
	_, name, ok := boxHeader(data)
	return ok && name == "ftyp"
}

// opensBMFF knows the boxes that older QuickTime files begin with as well.
func opensBMFF(data []byte) bool {
	_, name, ok := boxHeader(data)
	if !ok {
		return false
	}
	switch name {
	case "ftyp", "styp", "moov", "mdat", "wide", "free", "skip", "pnot":
		return true
	}
	return false
}

// boxes is one top-level box, or several small ones in a row. A moov is always
// alone: it moves to the front when a file is made ready for streaming.
type boxes struct {
	at   int64 // the next box
	data bool  // it is an mdat
}

func (b *boxes) kind() Kind {
	if b.data {
		return Body
	}
	return Head
}

func (*boxes) next([]byte) stage { return &boxes{} }

func (b *boxes) border(v view) (int64, verdict) {
	for {
		header := v.from(b.at)
		if len(header) < boxHeaderMost && !v.final {
			return 0, notYet
		}
		size, name, ok := boxHeader(header)
		alone := name == "moov" || name == "mdat" || size > HeadMax-b.at
		switch {
		case b.at == 0 && !ok:
			return 0, never
		case b.at == 0 && alone:
			b.data = name == "mdat"
			return size, yes
		case !ok || alone:
			return b.at, yes
		}
		b.at += size
	}
}
