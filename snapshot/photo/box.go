package photo

import "iter"

// boxes gives the boxes inside of b, as far as they are whole.
func boxes(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(b) >= 8 {
			s, need := boxSection(b[:min(len(b), 16)])
			if need > 0 || s.size == 0 {
				return
			}
			size := min(s.size, int64(len(b)))
			if !yield(string(b[4:8]), b[s.body:max(size, s.body)]) {
				return
			}
			b = b[size:]
		}
	}
}

// fields reads numbers of ISO-BMFF one after another. What lies beyond the end
// is zero, and short says so.
type fields struct {
	b     []byte
	short bool
}

// number of n bytes, 0 to 8.
func (f *fields) number(n int) (v uint64) {
	if n > len(f.b) {
		f.b, f.short = nil, true
		return 0
	}
	for _, c := range f.b[:n] {
		v = v<<8 | uint64(c)
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) skip(n int) {
	f.short = f.short || n > len(f.b)
	f.b = f.b[min(n, len(f.b)):]
}

// version of a full box, past its flags too.
func (f *fields) version() byte {
	v := f.number(1)
	f.skip(3)
	return byte(v)
}

// wide gives the size of a number that grew from 2 bytes to 4 in some version.
func wide(is bool) int {
	if is {
		return 4
	}
	return 2
}
