// Package exif reads what a picture file tells beside its pixels: how it was taken, the small preview a camera put into it, where the film of a
// motion photo begins. It takes a few kilobytes from anywhere in a file and bounded time whatever they are, and does not know repositories.
//
// Sources: TIFF 6.0; CIPA DC-008 (EXIF 2.32); Adobe DNG 1.6; the motion photo format of developer.android.com.
package exif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Facts are what a person may want to know of how a picture was taken. What is empty is not known.
type Facts struct {
	Camera, Lens, Software, Description string
	Exposure                            string // such as 1/125 s
	Aperture                            string // such as f/1.8
	ISO                                 string
	Focal                               string // such as 6.9 mm
	Latitude, Longitude                 float64
	Located                             bool
}

// Image is a JPEG inside the file, by its place.
type Image struct{ Offset, Length int64 }

// Directory bounds of a hostile file.
const (
	maxDirectories = 32
	maxFields      = 1024
	maxText        = 256
)

// Tags of TIFF, EXIF and DNG.
const (
	tagCompression  = 0x103
	tagDescription  = 0x10e
	tagMake         = 0x10f
	tagModel        = 0x110
	tagOrientation  = 0x112
	tagStrips       = 0x111
	tagStripLengths = 0x117
	tagSoftware     = 0x131
	tagSubIFDs      = 0x14a
	tagJPEG         = 0x201
	tagJPEGLength   = 0x202
	tagExposure     = 0x829a
	tagAperture     = 0x829d
	tagExif         = 0x8769
	tagGPS          = 0x8825
	tagISO          = 0x8827
	tagFocal        = 0x920a
	tagLens         = 0xa434
)

// tiff is a TIFF structure being read.
type tiff struct {
	r      io.ReaderAt
	order  binary.ByteOrder
	seen   map[uint32]bool
	facts  Facts
	images []Image
	thumb  Image // of the second directory
	turned uint8
}

var errTIFF = errors.New("not a TIFF structure")

// readTIFF walks a TIFF structure that begins at 0 of r.
func readTIFF(r io.ReaderAt) (*tiff, error) {
	head := make([]byte, 8)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, errTIFF
	}
	t := &tiff{r: r, seen: make(map[uint32]bool)}
	switch string(head[:2]) {
	case "II":
		t.order = binary.LittleEndian
	case "MM":
		t.order = binary.BigEndian
	default:
		return nil, errTIFF
	}
	if t.order.Uint16(head[2:]) != 42 {
		return nil, errTIFF
	}
	at := t.order.Uint32(head[4:])
	for n := 0; at != 0 && n < 4; n++ {
		next, err := t.directory(at, n == 1)
		if err != nil {
			break // what was read until then is good
		}
		at = next
	}
	return t, nil
}

// directory reads one directory and those below it.
func (t *tiff) directory(at uint32, second bool) (next uint32, err error) {
	if t.seen[at] || len(t.seen) >= maxDirectories {
		return 0, errTIFF
	}
	t.seen[at] = true
	count := make([]byte, 2)
	if _, err := t.r.ReadAt(count, int64(at)); err != nil {
		return 0, errTIFF
	}
	n := int(t.order.Uint16(count))
	if n > maxFields {
		return 0, errTIFF
	}
	body := make([]byte, 12*n+4)
	if _, err := t.r.ReadAt(body, int64(at)+2); err != nil {
		return 0, errTIFF
	}
	d := directory{tiff: t}
	for i := range n {
		d.field(body[12*i:])
	}
	d.finish(second)
	return t.order.Uint32(body[12*n:]), nil
}

// directory gathers fields that belong together.
type directory struct {
	*tiff
	make, model          string
	compression          uint32
	strip, stripLength   uint32
	strips               uint32
	jpeg, jpegLength     uint32
	latitude, longitude  [3]float64
	northing, easting    string
	hasNorth, hasEasting bool
}

// field reads one of them. Tags of GPS are small numbers and mean nothing elsewhere.
func (d *directory) field(b []byte) {
	tag, kind, count := d.order.Uint16(b), d.order.Uint16(b[2:]), d.order.Uint32(b[4:])
	switch tag {
	case tagMake:
		d.make = d.text(kind, count, b[8:])
	case tagModel:
		d.model = d.text(kind, count, b[8:])
	case tagLens:
		d.facts.Lens = d.text(kind, count, b[8:])
	case tagSoftware:
		d.facts.Software = d.text(kind, count, b[8:])
	case tagDescription:
		d.facts.Description = d.text(kind, count, b[8:])
	case tagOrientation:
		if v := d.number(kind, b[8:]); v <= 8 && d.turned == 0 {
			d.turned = uint8(v)
		}
	case tagCompression:
		d.compression = d.number(kind, b[8:])
	case tagStrips:
		d.strip, d.strips = d.number(kind, b[8:]), count
	case tagStripLengths:
		d.stripLength = d.number(kind, b[8:])
	case tagJPEG:
		d.jpeg = d.number(kind, b[8:])
	case tagJPEGLength:
		d.jpegLength = d.number(kind, b[8:])
	case tagISO:
		if iso := d.number(kind, b[8:]); iso > 0 {
			d.facts.ISO = fmt.Sprint(iso)
		}
	case tagExposure, tagAperture, tagFocal:
		d.rational(tag, b[8:])
	case tagExif, tagGPS, tagSubIFDs:
		d.below(tag, kind, count, b[8:])
	case 1, 2, 3, 4:
		d.gps(tag, kind, count, b[8:])
	}
}

// below reads the directories that a field points to.
func (d *directory) below(tag, kind uint16, count uint32, value []byte) {
	if tag != tagSubIFDs || count <= 1 {
		_, _ = d.directory(d.number(kind, value), false) // a broken one says nothing
		return
	}
	at := make([]byte, 4*min(count, 8))
	if _, err := d.r.ReadAt(at, int64(d.order.Uint32(value))); err != nil {
		return
	}
	for i := 0; i < len(at); i += 4 {
		_, _ = d.directory(d.order.Uint32(at[i:]), false)
	}
}

func (d *directory) gps(tag, kind uint16, count uint32, value []byte) {
	switch {
	case tag == 1 && kind == 2:
		d.northing = d.text(kind, count, value)
	case tag == 3 && kind == 2:
		d.easting = d.text(kind, count, value)
	case tag == 2 && kind == 5 && count == 3:
		d.latitude, d.hasNorth = d.degrees(value)
	case tag == 4 && kind == 5 && count == 3:
		d.longitude, d.hasEasting = d.degrees(value)
	}
}

// finish makes facts of what belongs together.
func (d *directory) finish(second bool) {
	if camera := strings.TrimSpace(d.make + " " + d.model); camera != "" {
		if strings.HasPrefix(d.model, d.make) {
			camera = d.model
		}
		d.facts.Camera = camera
	}
	if d.jpeg > 0 && d.jpegLength > 0 {
		image := Image{int64(d.jpeg), int64(d.jpegLength)}
		d.images = append(d.images, image)
		if second {
			d.thumb = image
		}
	}
	if (d.compression == 6 || d.compression == 7) && d.strips == 1 && d.stripLength > 0 {
		d.images = append(d.images, Image{int64(d.strip), int64(d.stripLength)})
	}
	if d.hasNorth && d.hasEasting {
		d.facts.Latitude = sum(d.latitude, d.northing == "S")
		d.facts.Longitude = sum(d.longitude, d.easting == "W")
		d.facts.Located = math.Abs(d.facts.Latitude) <= 90 && math.Abs(d.facts.Longitude) <= 180 && (d.facts.Latitude != 0 || d.facts.Longitude != 0)
	}
}

func sum(v [3]float64, negative bool) float64 {
	all := v[0] + v[1]/60 + v[2]/3600
	if negative {
		return -all
	}
	return all
}

// number reads a short or a long.
func (d *directory) number(kind uint16, value []byte) uint32 {
	switch kind {
	case 3:
		return uint32(d.order.Uint16(value))
	case 4, 13:
		return d.order.Uint32(value)
	}
	return 0
}

// text reads ASCII, which many programs fill with UTF-8.
func (d *directory) text(kind uint16, count uint32, value []byte) string {
	if kind != 2 || count == 0 {
		return ""
	}
	b := value[:4]
	if count > 4 {
		b = make([]byte, min(count, maxText))
		if n, err := d.r.ReadAt(b, int64(d.order.Uint32(value))); err != nil && n < len(b) {
			return ""
		}
	}
	b, _, _ = bytes.Cut(b[:min(int(count), len(b))], []byte{0})
	return strings.TrimSpace(strings.Map(printing, strings.ToValidUTF8(string(b), "")))
}

func printing(c rune) rune {
	if c < ' ' || c == 0x7f {
		return -1
	}
	return c
}

// degrees reads three rationals.
func (d *directory) degrees(value []byte) (v [3]float64, ok bool) {
	b := make([]byte, 24)
	if _, err := d.r.ReadAt(b, int64(d.order.Uint32(value))); err != nil {
		return v, false
	}
	for i := range v {
		below := d.order.Uint32(b[8*i+4:])
		if below == 0 {
			return v, false
		}
		v[i] = float64(d.order.Uint32(b[8*i:])) / float64(below)
	}
	return v, true
}

func (d *directory) rational(tag uint16, value []byte) {
	b := make([]byte, 8)
	if _, err := d.r.ReadAt(b, int64(d.order.Uint32(value))); err != nil {
		return
	}
	above, below := d.order.Uint32(b), d.order.Uint32(b[4:])
	if above == 0 || below == 0 {
		return
	}
	v := float64(above) / float64(below)
	switch tag {
	case tagAperture:
		d.facts.Aperture = fmt.Sprintf("f/%.3g", v)
	case tagFocal:
		d.facts.Focal = fmt.Sprintf("%.3g mm", v)
	case tagExposure:
		d.facts.Exposure = fmt.Sprintf("%.3g s", v)
		if v < 0.4 {
			d.facts.Exposure = fmt.Sprintf("1/%.0f s", 1/v)
		}
	}
}
