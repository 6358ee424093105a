package phototest

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"math/rand/v2"
)

// PNG makes a screenshot of four greys, 1080x2400 pixels unless they are given
// or follow from Bytes. Its data are stored by deflate, not compressed.
func PNG(rng *rand.Rand, p Picture) []byte {
	width, height := p.Width, p.Height
	if width == 0 || height == 0 {
		width, height = 1080, 2400
		if p.Bytes > 0 {
			height = max(p.Bytes/(1+width/4), 1)
		}
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(width))
	head = binary.BigEndian.AppendUint32(head, uint32(height))
	head = append(head, 2, 0, 0, 0, 0)
	out := appendPNGChunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", head)
	if !p.Tags.empty() {
		out = appendPNGChunk(out, "eXIf", p.Tags.exif(rng))
	}
	data := zlibStored(rows(newNoise(rng), (width+3)/4, height))
	for len(data) > 0 {
		n := min(len(data), 64<<10)
		out = appendPNGChunk(out, "IDAT", data[:n])
		data = data[n:]
	}
	return appendPNGChunk(out, "IEND", nil)
}

// rows are random but for the first byte of each, which says that the row is
// not filtered.
func rows(n *noise, width, height int) []byte {
	data := n.append(make([]byte, 0, (width+1)*height), (width+1)*height)
	for at := 0; at < len(data); at += width + 1 {
		data[at] = 0
	}
	return data
}

func appendPNGChunk(to []byte, name string, data []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(data)))
	start := len(to)
	to = append(append(to, name...), data...)
	return binary.BigEndian.AppendUint32(to, crc32.ChecksumIEEE(to[start:]))
}

// zlibStored wraps data as RFC 1950 and RFC 1951, 3.2.4, say.
func zlibStored(data []byte) []byte {
	out := make([]byte, 0, len(data)+len(data)/65535*5+16)
	out = append(out, 0x78, 0x01)
	for rest, final := data, byte(0); final == 0; {
		n := min(len(rest), 65535)
		if n == len(rest) {
			final = 1
		}
		out = append(out, final)
		out = le.AppendUint16(out, uint16(n))
		out = le.AppendUint16(out, ^uint16(n))
		out = append(out, rest[:n]...)
		rest = rest[n:]
	}
	return binary.BigEndian.AppendUint32(out, adler32.Checksum(data))
}
