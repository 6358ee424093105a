package chunk

import (
	"bytes"
	"encoding/binary"
	"math"
)

// pngSignature opens every PNG, https://www.w3.org/TR/png-3/#5PNG-file-signature.
var pngSignature = []byte("\x89PNG\r\n\x1a\n")

// pngFrame is what a chunk of PNG has around its data: length, type, CRC.
const pngFrame = 12

func isPNG(data []byte) bool { return bytes.HasPrefix(data, pngSignature) }

// pngChunk reads the length, with its frame, and the type of the chunk that
// data begins with.
func pngChunk(data []byte) (size int64, name string, ok bool) {
	n := binary.BigEndian.Uint32(data)
	return pngFrame + int64(n), string(data[4:8]), n <= math.MaxInt32
}

// pngHead runs from the signature to the first IDAT.
type pngHead struct {
	at int64 // the next chunk
}

func (*pngHead) kind() Kind { return Head }

func (*pngHead) next([]byte) stage { return &pngData{} }

func (p *pngHead) border(v view) (int64, verdict) {
	for {
		b := v.from(p.at)
		if len(b) < 8 {
			return 0, notYet
		}
		size, name, ok := pngChunk(b)
		switch {
		case !ok || name == "IEND":
			return 0, never
		case name == "IDAT":
			return p.at, yes
		}
		p.at += size
	}
}

// pngData is the run of IDAT chunks.
type pngData struct {
	at int64 // the next chunk
}

func (*pngData) kind() Kind { return Body }

// next is a Head: after the data come texts, EXIF and IEND, and what programs
// add about a picture they add here or before it. It stands apart even when it
// is IEND alone, the same 12 bytes for every PNG and so stored once, lest a
// text added later change the piece with the data.
func (*pngData) next([]byte) stage { return rest{Head} }

func (p *pngData) border(v view) (int64, verdict) {
	for {
		b := v.from(p.at)
		if len(b) < 8 {
			return 0, notYet
		}
		size, name, ok := pngChunk(b)
		if !ok || name != "IDAT" {
			return p.at, yes
		}
		p.at += size
	}
}
