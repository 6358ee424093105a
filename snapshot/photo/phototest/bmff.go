package phototest

import (
	"encoding/binary"
	"time"
)

// be is the byte order of ISO-BMFF, ISO/IEC 14496-12.
var be = binary.BigEndian

// box makes a box of its payloads.
func box(name string, payload ...[]byte) []byte {
	b := append(make([]byte, 4, 64), name...)
	for _, p := range payload {
		b = append(b, p...)
	}
	be.PutUint32(b, uint32(len(b)))
	return b
}

// full makes a box with a version and flags.
func full(name string, version byte, flags uint32, payload ...[]byte) []byte {
	vf := be.AppendUint32(nil, uint32(version)<<24|flags)
	return box(name, append([][]byte{vf}, payload...)...)
}

func u16(v ...uint16) (b []byte) {
	for _, x := range v {
		b = be.AppendUint16(b, x)
	}
	return b
}

func u32(v ...uint32) (b []byte) {
	for _, x := range v {
		b = be.AppendUint32(b, x)
	}
	return b
}

// since1904 is a time as ISO-BMFF writes it, 0 when it is not known.
func since1904(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(t.Unix() + 2082844800)
}
