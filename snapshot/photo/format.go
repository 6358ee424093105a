package photo

import (
	"bytes"
	"encoding/binary"
	"math"
)

var (
	be = binary.BigEndian
	le = binary.LittleEndian
)

// formatOf tells how to walk a file that begins with these bytes.
func formatOf(opening []byte) format {
	switch {
	case bytes.HasPrefix(opening, []byte("\xff\xd8\xff")):
		return jpegSection
	case bytes.HasPrefix(opening, []byte(pngSignature)):
		return pngSection
	case isTIFF(opening):
		return tiffSection
	case string(opening[:4]) == "RIFF" && string(opening[8:12]) == "WEBP":
		return webpSection
	}
	switch string(opening[4:8]) {
	case "ftyp", "moov", "mdat", "wide", "free", "skip", "pnot":
		return boxSection
	}
	return noSection
}

// noSection is the format of a file that is not known.
func noSection([]byte) (section, int) { return section{}, 0 }

const exifPrefix = "Exif\x00\x00"

// jpegSection is a segment of JPEG, ITU-T T.81, B.1.1.4. The walk ends at SOS.
func jpegSection(h []byte) (section, int) {
	if len(h) < 2 {
		return section{}, 2
	}
	switch marker := h[1]; {
	case h[0] != 0xff, marker == 0xda, marker == 0xd9:
		return section{}, 0
	case marker == 0xff: // fill
		return section{size: 1}, 0
	case marker == 0xd8:
		return section{size: 2}, 0
	}
	if len(h) < 4 {
		return section{}, 4
	}
	size := 2 + int64(be.Uint16(h[2:]))
	switch marker := h[1]; {
	case size < 4:
		return section{}, 0
	case marker == 0xe1 && size >= 10 && len(h) < 10:
		return section{}, 10
	case marker == 0xe1 && size >= 10 && string(h[4:10]) == exifPrefix:
		return section{size: size, what: keptExif, body: 10, keep: size - 10}, 0
	case isFrame(marker):
		return section{size: size, what: keptFrame, body: 4, keep: min(size-4, 5)}, 0
	}
	return section{size: size}, 0
}

// isFrame tells whether the marker is one of SOF0 to SOF15, among which lie
// DHT, JPG and DAC.
func isFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngSection is a chunk of PNG, https://www.w3.org/TR/png-3/#5Chunk-layout.
func pngSection(h []byte) (section, int) {
	if len(h) < 8 {
		return section{}, 8
	}
	if string(h[:8]) == pngSignature {
		return section{size: 8}, 0
	}
	n := int64(be.Uint32(h))
	s := section{size: 12 + n, body: 8}
	switch name := string(h[4:8]); {
	case n > math.MaxInt32 || name == "IEND":
		return section{}, 0
	case name == "IHDR":
		s.what, s.keep = keptFrame, min(n, 8)
	case name == "eXIf":
		s.what, s.keep = keptExif, n
	}
	return s, 0
}

// webpSection is a chunk of WebP, RFC 9649.
func webpSection(h []byte) (section, int) {
	if len(h) < 8 {
		return section{}, 8
	}
	n := int64(le.Uint32(h[4:]))
	s := section{size: 8 + n + n&1}
	switch string(h[:4]) {
	case "RIFF":
		s.size = 12
	case "VP8X", "VP8 ", "VP8L":
		s.what, s.keep = keptFrame, min(8+n, 18)
	case "EXIF":
		s.what, s.body, s.keep = keptExif, 8, n
	}
	return s, 0
}

func isTIFF(b []byte) bool {
	return bytes.HasPrefix(b, []byte("II*\x00")) || bytes.HasPrefix(b, []byte("MM\x00*"))
}

// tiffSection is the whole of a TIFF: its directories may lie anywhere, but
// phones write them first.
func tiffSection([]byte) (section, int) {
	return section{what: keptExif, keep: keptMost[keptExif]}, 0
}

// boxSection is a top-level box of ISO-BMFF, ISO/IEC 14496-12, 4.2.
func boxSection(h []byte) (section, int) {
	if len(h) < 8 {
		return section{}, 8
	}
	s := section{size: int64(be.Uint32(h)), body: 8}
	switch s.size {
	case 0: // to the end of the file
		s.size = math.MaxInt64 / 2
	case 1:
		if len(h) < 16 {
			return section{}, 16
		}
		s.size, s.body = int64(be.Uint64(h[8:])), 16
	}
	if s.size < s.body {
		return section{}, 0
	}
	s.keep = s.size - s.body
	switch string(h[4:8]) {
	case "ftyp":
		s.what = keptFileType
	case "meta":
		s.what = keptMeta
	case "moov":
		s.what = keptMovie
	default:
		s.keep = 0
	}
	return s, 0
}

// frameSize gives the pixels of what was kept as keptFrame.
func frameSize(opening, frame []byte) (width, height uint32) {
	switch {
	case opening[0] == 0xff && len(frame) >= 5:
		return uint32(be.Uint16(frame[3:])), uint32(be.Uint16(frame[1:]))
	case opening[0] == pngSignature[0] && len(frame) >= 8:
		return be.Uint32(frame), be.Uint32(frame[4:])
	case opening[0] == 'R' && len(frame) >= 18:
		return webpSize(string(frame[:4]), frame[8:])
	}
	return 0, 0
}

func webpSize(name string, b []byte) (width, height uint32) {
	switch name {
	case "VP8X":
		return 1 + (uint32(b[4]) | uint32(b[5])<<8 | uint32(b[6])<<16), 1 + (uint32(b[7]) | uint32(b[8])<<8 | uint32(b[9])<<16)
	case "VP8L":
		bits := le.Uint32(b[1:])
		return 1 + bits&0x3fff, 1 + bits>>14&0x3fff
	}
	return uint32(le.Uint16(b[6:])) & 0x3fff, uint32(le.Uint16(b[8:])) & 0x3fff
}
