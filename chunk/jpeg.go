package chunk

import (
	"bytes"
	"encoding/binary"
)

// Markers of JPEG, ITU-T T.81, table B.1.
const (
	markerSOF0 = 0xc0 // the least that is not reserved
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
)

func isJPEG(data []byte) bool {
	return len(data) >= 3 && data[0] == 0xff && data[1] == markerSOI && data[2] == 0xff
}

// jpegHead runs from SOI to the first SOS.
type jpegHead struct {
	at int64 // the next marker
}

func (*jpegHead) kind() Kind { return Head }

func (*jpegHead) next([]byte) stage { return &jpegScans{} }

func (j *jpegHead) border(v view) (int64, verdict) {
	for {
		b := v.from(j.at)
		switch {
		case len(b) < 2:
			return 0, notYet
		case b[0] != 0xff:
			return 0, never
		case b[1] == 0xff: // fill
			j.at++
			continue
		case b[1] == markerSOS:
			return j.at, yes
		case !hasLength(b[1]):
			return 0, never
		case len(b) < 4:
			return 0, notYet
		}
		n := binary.BigEndian.Uint16(b[2:])
		if n < 2 {
			return 0, never
		}
		j.at += 2 + int64(n)
	}
}

// jpegScans runs from the first SOS through EOI. A progressive picture has
// many scans, with tables between them.
type jpegScans struct {
	at int64 // where to go on looking for a marker
}

func (*jpegScans) kind() Kind { return Body }

// next takes a picture or a video that is joined to this one; a trailer of
// another make is what is left.
func (*jpegScans) next(data []byte) stage {
	switch {
	case isJPEG(data):
		return &jpegHead{at: 2}
	case isFileType(data):
		return &boxes{}
	}
	return rest{Body}
}

func (j *jpegScans) border(v view) (int64, verdict) {
	for {
		b := v.from(j.at)
		n := entropy(b)
		j.at += int64(n)
		switch b = b[n:]; {
		case len(b) < 2:
			return 0, notYet
		case b[1] == markerEOI:
			return j.at + 2, yes
		case len(b) < 4:
			return 0, notYet
		}
		j.at += 2 + int64(binary.BigEndian.Uint16(b[2:]))
	}
}

// entropy gives the length of the coded data at the start of b, up to the
// first marker that is EOI or has a length, or up to a last 0xff of which that
// is not known yet.
func entropy(b []byte) int {
	at := 0
	for {
		i := bytes.IndexByte(b[at:], 0xff)
		if i < 0 {
			return len(b)
		}
		at += i
		switch {
		case at+1 == len(b):
			return at
		case b[at+1] == 0xff: // fill
			at++
		case b[at+1] == markerEOI || hasLength(b[at+1]):
			return at
		default:
			at += 2
		}
	}
}

// hasLength tells whether a segment with a length follows the marker. Stuffed
// zeros, restarts, reserved markers and a second SOI have none.
func hasLength(marker byte) bool {
	return marker >= markerSOF0 && (marker < markerRST0 || marker > markerEOI)
}
