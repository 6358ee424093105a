package exif

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"regexp"
	"strconv"
)

// Head is what the beginning of a file tells.
type Head struct {
	Facts   Facts
	Preview []byte // a small JPEG; nil when there is none
	Film    int64  // bytes of the film at the end of a motion photo; 0 when it is none
	Turned  uint8  // orientation as in EXIF, 1 to 8; 0 when not said
}

// maxPreview bounds an embedded preview, in bytes: a segment of JPEG holds no more, and DNG's large previews are not taken here.
const maxPreview = 1 << 20

// ReadJPEG reads the segments of a JPEG that precede its picture data; head may end anywhere behind them.
func ReadJPEG(head []byte) (h Head) {
	if len(head) < 4 || head[0] != 0xff || head[1] != 0xd8 {
		return h
	}
	for at := 2; at+4 <= len(head) && head[at] == 0xff; {
		marker, length := head[at+1], int(binary.BigEndian.Uint16(head[at+2:]))
		if marker == 0xda || length < 2 || at+2+length > len(head) {
			return h
		}
		if marker == 0xe1 {
			h.segment(head[at+4 : at+2+length])
		}
		at += 2 + length
	}
	return h
}

const xmpName = "http://ns.adobe.com/xap/1.0/\x00"

func (h *Head) segment(body []byte) {
	if data, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
		h.exif(data)
	}
	if data, ok := bytes.CutPrefix(body, []byte(xmpName)); ok && h.Film == 0 {
		h.Film = filmOf(data)
	}
}

func (h *Head) exif(data []byte) {
	t, err := readTIFF(bytes.NewReader(data))
	if err != nil {
		return
	}
	h.Facts, h.Turned = t.facts, t.turned
	if i := t.thumb; i.Length >= 4 && i.Length <= maxPreview && i.Offset <= int64(len(data))-i.Length {
		if jpeg := data[i.Offset : i.Offset+i.Length]; jpeg[0] == 0xff && jpeg[1] == 0xd8 {
			h.Preview = jpeg
		}
	}
}

// The film of a motion photo stands at the end of the file: XMP tells its length, as one of several items or by the older name.
var (
	filmItem   = regexp.MustCompile(`(?s)Semantic="MotionPhoto"[^>]{0,300}?Length="(\d{1,12})"|Length="(\d{1,12})"[^>]{0,300}?Semantic="MotionPhoto"`)
	filmAlone  = regexp.MustCompile(`(?s)MotionPhoto="1".*Item:Length="(\d{1,12})"`)
	filmOffset = regexp.MustCompile(`MicroVideoOffset(?:="|>)(\d{1,12})`)
)

func filmOf(xmp []byte) int64 {
	for _, pattern := range []*regexp.Regexp{filmItem, filmAlone, filmOffset} {
		if m := pattern.FindSubmatch(xmp); m != nil {
			for _, digits := range m[1:] {
				if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil && n > 0 {
					return n
				}
			}
		}
	}
	return 0
}

// ReadExif reads an EXIF structure that stands alone, as HEIC and PNG have it.
func ReadExif(data []byte) (h Head) {
	h.exif(bytes.TrimPrefix(data, []byte("Exif\x00\x00")))
	return h
}

// ReadPNG reads the chunk eXIf of a PNG, as far as it precedes the picture data.
func ReadPNG(head []byte) (h Head) {
	for at := 8; at+12 <= len(head); {
		length := binary.BigEndian.Uint32(head[at:])
		if length > math.MaxInt32 || at+12+int(length) > len(head) {
			return h
		}
		if string(head[at+4:at+8]) == "eXIf" {
			h.exif(head[at+8 : at+8+int(length)])
		}
		at += 12 + int(length)
	}
	return h
}

// ReadRaw reads a DNG or another raw file that is a TIFF: facts, and the previews in it.
func ReadRaw(r io.ReaderAt) (Facts, []Image) {
	t, err := readTIFF(r)
	if err != nil {
		return Facts{}, nil
	}
	return t.facts, t.images
}
