package phototest

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// Types of a TIFF value, TIFF 6.0, section 2.
const (
	typeByte      = 1
	typeASCII     = 2
	typeShort     = 3
	typeLong      = 4
	typeUndefined = 7
)

var typeSize = map[uint16]int{typeByte: 1, typeASCII: 1, typeShort: 2, typeLong: 4, typeUndefined: 1}

// le is the byte order of the TIFF made here, as most phones write it.
var le = binary.LittleEndian

// field of an image file directory: data, or what it points to, which is a
// directory or plain bytes.
type field struct {
	tag, kind uint16
	data      []byte
	dir       *directory
	bytes     []byte
}

type directory struct {
	fields []field
	next   *directory
}

func (d *directory) add(tag, kind uint16, data []byte) {
	d.fields = append(d.fields, field{tag: tag, kind: kind, data: data})
}

func (d *directory) text(tag uint16, s string) {
	if s != "" {
		d.add(tag, typeASCII, append([]byte(s), 0))
	}
}

func (d *directory) short(tag, v uint16) { d.add(tag, typeShort, le.AppendUint16(nil, v)) }

func (d *directory) long(tag uint16, v uint32) { d.add(tag, typeLong, le.AppendUint32(nil, v)) }

func (d *directory) pointer(tag uint16, to *directory) {
	d.fields = append(d.fields, field{tag: tag, kind: typeLong, data: make([]byte, 4), dir: to})
}

func (d *directory) pointTo(tag uint16, b []byte) {
	d.fields = append(d.fields, field{tag: tag, kind: typeLong, data: make([]byte, 4), bytes: b})
}

// late is what goes behind all directories, for those who read only the
// first bytes: pictures. Its place is written at an offset once it is known.
type late struct {
	at    int
	bytes []byte
}

// appendTo writes the directory at the end of tiff, and after it what it
// points to and the next directory.
func (d *directory) appendTo(tiff []byte, pictures *[]late) []byte {
	slices.SortStableFunc(d.fields, func(a, b field) int { return cmp.Compare(a.tag, b.tag) })
	entry := len(tiff) + 2
	tiff = le.AppendUint16(tiff, uint16(len(d.fields)))
	tiff = append(tiff, make([]byte, 12*len(d.fields)+4)...)
	for _, f := range d.fields {
		le.PutUint16(tiff[entry:], f.tag)
		le.PutUint16(tiff[entry+2:], f.kind)
		le.PutUint32(tiff[entry+4:], uint32(len(f.data)/typeSize[f.kind]))
		switch {
		case f.dir != nil:
			le.PutUint32(tiff[entry+8:], uint32(len(tiff)))
			tiff = f.dir.appendTo(tiff, pictures)
		case f.bytes != nil:
			*pictures = append(*pictures, late{entry + 8, f.bytes})
		case len(f.data) <= 4:
			copy(tiff[entry+8:], f.data)
		default:
			le.PutUint32(tiff[entry+8:], uint32(len(tiff)))
			tiff = append(tiff, f.data...)
			tiff = append(tiff, make([]byte, len(f.data)%2)...)
		}
		entry += 12
	}
	if d.next != nil {
		le.PutUint32(tiff[entry:], uint32(len(tiff)))
		tiff = d.next.appendTo(tiff, pictures)
	}
	return tiff
}

func tiff(d *directory) []byte {
	var pictures []late
	tiff := d.appendTo([]byte("II*\x00\x08\x00\x00\x00"), &pictures)
	for _, p := range pictures {
		le.PutUint32(tiff[p.at:], uint32(len(tiff)))
		tiff = append(tiff, p.bytes...)
	}
	return tiff
}

// Tags of TIFF and EXIF (CIPA DC-008).
const (
	tagCompression      = 0x0103
	tagDescription      = 0x010e
	tagMake             = 0x010f
	tagModel            = 0x0110
	tagOrientation      = 0x0112
	tagDateTime         = 0x0132
	tagPreviewAt        = 0x0201
	tagPreviewLength    = 0x0202
	tagExif             = 0x8769
	tagDateTimeOriginal = 0x9003
	tagOffsetOriginal   = 0x9011
	tagMakerNote        = 0x927c
	tagSubSecOriginal   = 0x9291
)

const (
	exifTime      = "2006:01:02 15:04:05"
	previewIsJPEG = 6 // as tagCompression says it
)

// exif makes the TIFF structure that all picture formats carry EXIF in.
func (t Tags) exif(rng *rand.Rand) []byte { return tiff(t.directory(rng)) }

func (t Tags) directory(rng *rand.Rand) *directory {
	inner := &directory{}
	main := &directory{}
	main.text(tagDescription, t.Description)
	main.text(tagMake, t.Make)
	main.text(tagModel, t.Model)
	if t.Orientation != 0 {
		main.short(tagOrientation, t.Orientation)
	}
	if !t.Taken.IsZero() {
		taken := t.Taken.Format(exifTime)
		main.text(tagDateTime, taken)
		inner.text(tagDateTimeOriginal, taken)
	}
	inner.text(tagOffsetOriginal, t.Offset)
	inner.text(tagSubSecOriginal, t.SubSec)
	if t.MakerNote > 0 {
		inner.add(tagMakerNote, typeUndefined, newNoise(rng).append(nil, t.MakerNote))
	}
	main.pointer(tagExif, inner)
	if t.Preview != nil {
		main.next = t.preview()
	}
	return main
}

// preview is the second directory, in which EXIF keeps a small picture.
func (t Tags) preview() *directory {
	d := &directory{}
	d.short(tagCompression, previewIsJPEG)
	d.pointTo(tagPreviewAt, t.Preview)
	d.long(tagPreviewLength, uint32(len(t.Preview)))
	return d
}
