package phototest

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// JPEG makes a baseline picture, ITU-T T.81, that any decoder shows as noise:
// three components of 8x8 blocks, each block coded in exactly 80 bits of which
// 70 are random, each row of blocks a restart interval.
func JPEG(rng *rand.Rand, p Picture) []byte {
	body := jpegBody(rng, p)
	return Retag(append([]byte{0xff, 0xd8}, body...), p.Tags, rng)
}

// Retag gives a copy of a picture made by JPEG with other tags, as an editor
// of tags would write it: the picture data stay as they are.
func Retag(jpeg []byte, t Tags, rng *rand.Rand) []byte {
	rest := jpeg[2:]
	if len(rest) > 4 && rest[1] == 0xe1 {
		rest = rest[2+binary.BigEndian.Uint16(rest[2:]):]
	}
	out := make([]byte, 0, len(rest)+1<<16)
	out = append(out, 0xff, 0xd8)
	if !t.empty() {
		out = appendSegment(out, 0xe1, []byte("Exif\x00\x00"), t.exif(rng))
	}
	return append(out, rest...)
}

// appendSegment panics when the payload does not fit, which is the caller's
// mistake.
func appendSegment(to []byte, marker byte, payload ...[]byte) []byte {
	n := 2
	for _, p := range payload {
		n += len(p)
	}
	if n > math.MaxUint16 {
		panic("phototest: a segment of more than 64 KiB")
	}
	to = append(to, 0xff, marker)
	to = binary.BigEndian.AppendUint16(to, uint16(n))
	return append(to, bytes.Join(payload, nil)...)
}

const (
	blockBytes = 10
	unitBytes  = 3 * blockBytes // of one unit of 8x8 pixels
)

// pixels of the picture, 4 to 3 when only its size is asked for.
func (p Picture) pixels() (width, height int) {
	if p.Width > 0 && p.Height > 0 {
		return p.Width, p.Height
	}
	size := p.Bytes
	if size == 0 {
		size = 3 << 20
	}
	units := max(float64(size)*0.997/unitBytes, 1) // some bytes are stuffed
	across := math.Max(math.Round(math.Sqrt(units*4/3)), 1)
	down := math.Max(math.Round(units/across), 1)
	return int(across) * 8, int(down) * 8
}

// jpegBody is all of the picture but SOI and its tags.
func jpegBody(rng *rand.Rand, p Picture) []byte {
	width, height := p.pixels()
	across, down := (width+7)/8, (height+7)/8
	out := make([]byte, 0, across*down*unitBytes*102/100+4096)
	out = appendSegment(out, 0xdb, quantization())
	out = appendSegment(out, 0xc0, frame(width, height))
	out = appendSegment(out, 0xc4, huffman())
	out = appendSegment(out, 0xdd, binary.BigEndian.AppendUint16(nil, uint16(across)))
	out = appendSegment(out, 0xda, []byte{3, 1, 0, 2, 0, 3, 0, 0, 63, 0})
	return append(appendScan(out, newNoise(rng), across, down), 0xff, 0xd9)
}

func quantization() []byte {
	return append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)
}

func frame(width, height int) []byte {
	b := []byte{8}
	b = binary.BigEndian.AppendUint16(b, uint16(height))
	b = binary.BigEndian.AppendUint16(b, uint16(width))
	return append(b, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
}

// huffman has one code for DC: 0, then 6 bits follow. And two for AC: 0, then
// 9 bits follow; and 100, the block ends. So a block is 7 + 7 * 10 + 3 bits.
func huffman() []byte {
	dc := append([]byte{0x00, 1}, make([]byte, 15)...)
	ac := append([]byte{0x10, 1, 0, 1}, make([]byte, 13)...)
	return append(append(append(dc, 6), ac...), 9, 0)
}

// The bits of a block that are not random: those in keep are, those in set are 1.
var keepBits, setBits = blockBits()

func blockBits() (keep, set [blockBytes]byte) {
	for i := range keep {
		keep[i] = 0xff
	}
	clear := func(bit int) { keep[bit/8] &^= 0x80 >> (bit % 8) }
	clear(0)
	for i := range 7 {
		clear(7 + 10*i)
	}
	for bit := 77; bit < 80; bit++ {
		clear(bit)
	}
	set[77/8] |= 0x80 >> (77 % 8)
	return keep, set
}

// appendScan adds the rows of blocks, restart markers between them.
func appendScan(out []byte, n *noise, across, down int) []byte {
	keep := words(bytes.Repeat(keepBits[:], 4))
	set := words(bytes.Repeat(setBits[:], 4))
	row := make([]byte, 0, across*unitBytes+40)
	for y := range down {
		row = row[:0]
		for len(row) < across*unitBytes {
			for i := range keep {
				row = binary.BigEndian.AppendUint64(row, n.word()&keep[i]|set[i])
			}
		}
		out = appendStuffed(out, row[:across*unitBytes])
		if y < down-1 {
			out = append(out, 0xff, 0xd0+byte(y%8))
		}
	}
	return out
}

func words(b []byte) (w [blockBytes / 2]uint64) {
	for i := range w {
		w[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return w
}

// appendStuffed adds a zero after each 0xff, so that it is not a marker.
func appendStuffed(out, data []byte) []byte {
	for {
		i := bytes.IndexByte(data, 0xff)
		if i < 0 {
			return append(out, data...)
		}
		out = append(append(out, data[:i+1]...), 0)
		data = data[i+1:]
	}
}
