package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// Reader reads by hand, for structures that are read by the hundred thousand, what Unmarshal would accept: each number in its shortest form,
// no indefinite lengths and no tags. Whoever calls it knows which item comes next, and keeps the order of keys. The first item that
// is not as asked for ends it: from then on it gives zeros, and Done tells.
type Reader struct {
	rest []byte
	bad  bool
}

// NewReader reads data, which must not change meanwhile.
func NewReader(data []byte) Reader { return Reader{rest: data} }

var errForm = errors.New("not in the form it should have")

// Done tells whether all that was asked for was there, and nothing behind it.
func (r *Reader) Done() error {
	if r.bad || len(r.rest) > 0 {
		return errForm
	}
	return nil
}

// Failed tells whether something was not as asked for.
func (r *Reader) Failed() bool { return r.bad }

// Len is how many bytes are left.
func (r *Reader) Len() int { return len(r.rest) }

// Fail ends the reading.
func (r *Reader) Fail() { r.rest, r.bad = nil, true }

// The major types of RFC 8949.
const (
	majorUint  = 0
	majorInt   = 1
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

// head reads what every item begins with: its major type, which must be the one wanted, and a number.
func (r *Reader) head(major byte) uint64 {
	if len(r.rest) == 0 || r.rest[0]>>5 != major {
		r.Fail()
		return 0
	}
	n := uint64(r.rest[0] & 31)
	if n >= 24 {
		return r.long(n)
	}
	r.rest = r.rest[1:]
	return n
}

// long reads a number of 1, 2, 4 or 8 bytes, which must not fit into fewer.
func (r *Reader) long(form uint64) (n uint64) {
	width := 1 << (form - 24)
	if form > 27 || len(r.rest) < 1+width {
		r.Fail()
		return 0
	}
	var least uint64
	switch b := r.rest[1:]; width {
	case 1:
		n, least = uint64(b[0]), 24
	case 2:
		n, least = uint64(binary.BigEndian.Uint16(b)), 1<<8
	case 4:
		n, least = uint64(binary.BigEndian.Uint32(b)), 1<<16
	default:
		n, least = binary.BigEndian.Uint64(b), 1<<32
	}
	if n < least {
		r.Fail()
		return 0
	}
	r.rest = r.rest[1+width:]
	return n
}

// upTo reads a head whose number is at most most.
func (r *Reader) upTo(major byte, most uint64) uint64 {
	n := r.head(major)
	if n > most {
		r.Fail()
		return 0
	}
	return n
}

// Uint reads an integer from 0 to most.
func (r *Reader) Uint(most uint64) uint64 { return r.upTo(majorUint, most) }

// Int reads an integer of 64 bits.
func (r *Reader) Int() int64 {
	if len(r.rest) > 0 && r.rest[0]>>5 == majorInt {
		return -1 - int64(r.upTo(majorInt, math.MaxInt64))
	}
	return int64(r.upTo(majorUint, math.MaxInt64))
}

// Array reads how many elements follow: at most most.
func (r *Reader) Array(most int) int { return int(r.upTo(majorArray, uint64(most))) }

// Map reads how many pairs follow: at most most.
func (r *Reader) Map(most int) int { return int(r.upTo(majorMap, uint64(most))) }

// Bytes reads a byte string. What it gives is a part of the data.
func (r *Reader) Bytes() []byte { return r.take(r.head(majorBytes)) }

// Text reads a text, which is valid UTF-8. What it gives is a part of the data.
func (r *Reader) Text() []byte {
	b := r.take(r.head(majorText))
	if !utf8.Valid(b) {
		r.Fail()
		return nil
	}
	return b
}

func (r *Reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.Fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
