package photo

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bep/imagemeta"
)

// cameraMost bounds Info.Camera, in bytes.
const cameraMost = 128

// readExif reads a TIFF structure as EXIF (CIPA DC-008) uses it. What is
// known already, of the picture itself, is not overwritten.
func (f *findings) readExif(tiff []byte) {
	if len(tiff) < 8 {
		return
	}
	t := decodeExif(tiff)
	f.Camera = camera(t.text("Make"), t.text("Model"))
	if o := t.number("Orientation"); f.Orientation == 0 && o <= 8 {
		f.Orientation = uint8(o)
	}
	if f.Width == 0 {
		f.Width, f.Height = t.width, t.height
	}
	if t.raw && f.Type == "image/tiff" {
		f.Type = "image/x-adobe-dng"
	}
	for _, kind := range []string{"Original", "Digitized"} {
		f.taken = append(f.taken, t.when(tiff, kind))
	}
	if taken, ok := exifDate(t.text("ModifyDate")); ok {
		f.modified = when{taken, false, ExifModified}
	}
}

// exifTags are the tags that were asked for.
type exifTags struct {
	values        map[string]any
	width, height uint32 // of the largest picture inside
	nextWidth     uint32 // seen before its height
	cropped       bool   // width and height are what the maker means to be shown
	raw           bool   // it is a DNG
}

func (t *exifTags) text(name string) string {
	s, _ := t.values[name].(string)
	return s
}

func (t *exifTags) number(name string) uint64 { return number(t.values[name]) }

// number of a value of a tag, 0 when it is none.
func number(v any) uint64 {
	switch n := v.(type) {
	case uint8:
		return uint64(n)
	case uint16:
		return uint64(n)
	case uint32:
		return uint64(n)
	case int:
		return uint64(max(n, 0))
	}
	return 0
}

// wanted are the tags to be read, by the directory they are in, as imagemeta
// names both. Some programs write make and model where they do not belong.
var wanted = map[string]map[string]bool{
	"IFD0": {"Make": true, "Model": true, "Orientation": true, "ModifyDate": true, "DNGVersion": true,
		"ImageWidth": true, "ImageHeight": true, "DefaultCropSize": true},
	"IFD0/ExifIFDP": {"DateTimeOriginal": true, "OffsetTimeOriginal": true, "SubSecTimeOriginal": true,
		"CreateDate": true, "OffsetTimeDigitized": true, "SubSecTimeDigitized": true,
		"ExifImageWidth": true, "ExifImageHeight": true, "Make": true, "Model": true},
	"IFD0/SubIFD": {"ImageWidth": true, "ImageHeight": true, "DefaultCropSize": true},
}

// directoryOf gives the key for wanted: all directories of pictures are alike.
func directoryOf(namespace string) string {
	if strings.HasPrefix(namespace, "IFD0/SubIFD") && strings.Count(namespace, "/") == 1 {
		return "IFD0/SubIFD"
	}
	return namespace
}

// decodeExif takes what is to be had: an error means that the structure is
// damaged from there on.
func decodeExif(tiff []byte) *exifTags {
	t := &exifTags{values: map[string]any{}}
	imagemeta.Decode(imagemeta.Options{
		R:            &patient{Reader: bytes.NewReader(tiff), left: patience},
		ImageFormat:  imagemeta.TIFF,
		Sources:      imagemeta.EXIF,
		LimitNumTags: 2000,
		LimitTagSize: 1024,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return wanted[directoryOf(tag.Namespace)][tag.Tag]
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			t.take(tag)
			return nil
		},
	})
	return t
}

func (t *exifTags) take(tag imagemeta.TagInfo) {
	if _, known := t.values[tag.Tag]; !known {
		t.values[tag.Tag] = tag.Value
	}
	switch tag.Tag {
	case "DNGVersion":
		t.raw = true
	case "ImageWidth", "ExifImageWidth":
		t.nextWidth = uint32(number(tag.Value))
	case "ImageHeight", "ExifImageHeight":
		t.grow(t.nextWidth, uint32(number(tag.Value)))
		t.nextWidth = 0
	case "DefaultCropSize":
		text, _ := tag.Value.(string)
		var w, h uint32
		if n, _ := fmt.Sscan(text, &w, &h); n == 2 {
			t.width, t.height, t.cropped = w, h, true
		}
	}
}

// grow takes a size that is larger than what is known.
func (t *exifTags) grow(w, h uint32) {
	if !t.cropped && uint64(w)*uint64(h) > uint64(t.width)*uint64(t.height) {
		t.width, t.height = w, h
	}
}

// patience is how many reads and seeks a structure may take. A real one takes
// some hundreds; a hostile one could take many millions.
const patience = 20_000

var errPatience = errors.New("EXIF leads in circles")

// patient is a reader that fails after so many calls.
type patient struct {
	*bytes.Reader
	left int
}

func (p *patient) Read(b []byte) (int, error) {
	if p.left--; p.left < 0 {
		return 0, errPatience
	}
	return p.Reader.Read(b)
}

func (p *patient) Seek(offset int64, whence int) (int64, error) {
	if p.left--; p.left < 0 {
		return 0, errPatience
	}
	return p.Reader.Seek(offset, whence)
}

// when reads one of the two times of capture, which differ for scans alone.
func (t *exifTags) when(tiff []byte, kind string) when {
	name, tagSubSec := "DateTimeOriginal", uint16(0x9291)
	if kind == "Digitized" {
		name, tagSubSec = "CreateDate", 0x9292
	}
	taken, ok := exifDate(t.text(name))
	if !ok {
		return when{}
	}
	if n := t.number("SubSecTime" + kind); n > 0 {
		taken = taken.Add(fraction(digitsOf(tiff, tagSubSec, n)))
	}
	zone, ok := exifZone(t.text("OffsetTime" + kind))
	if !ok {
		return when{taken, false, Exif}
	}
	_, offset := taken.In(zone).Zone()
	return when{taken.Add(-time.Duration(offset) * time.Second).In(zone), true, ExifOffset}
}

// exifDate reads "2006:01:02 15:04:05"; the separators may be others.
func exifDate(s string) (time.Time, bool) {
	if len(s) < 19 {
		return time.Time{}, false
	}
	var n [6]int
	for i, at := range [6]int{0, 5, 8, 11, 14, 17} {
		end := at + 2
		if i == 0 {
			end = 4
		}
		v, err := strconv.ParseUint(s[at:end], 10, 16)
		if err != nil {
			return time.Time{}, false
		}
		n[i] = int(v)
	}
	return date(n[0], n[1], n[2], n[3], n[4], n[5], time.UTC)
}

// exifZone reads "+02:00".
func exifZone(s string) (*time.Location, bool) {
	for _, layout := range []string{"-07:00", "Z07:00"} {
		t, err := time.Parse(layout, s)
		if _, offset := t.Zone(); err == nil && offset >= -14*3600 && offset <= 14*3600 {
			return time.FixedZone("", offset), true
		}
	}
	return nil, false
}

// digitsOf finds the digits that a tag of text holds. imagemeta reads them as
// a number n, which loses the zeros in front: "045" is not "45".
func digitsOf(tiff []byte, tag uint16, n uint64) string {
	plain := strconv.FormatUint(n, 10)
	order := be.AppendUint16
	number := be.Uint32
	if tiff[0] == 'I' {
		order, number = le.AppendUint16, le.Uint32
	}
	const asciiType = 2
	i := bytes.Index(tiff, order(order(nil, tag), asciiType))
	if i < 0 || i+12 > len(tiff) {
		return plain
	}
	count, value := number(tiff[i+4:]), tiff[i+8:i+12]
	if at := number(value); count > 4 && int64(at) < int64(len(tiff)) {
		value = tiff[at:]
	}
	digits := strings.TrimSpace(strings.Trim(string(value[:min(int(min(count, 16)), len(value))]), "\x00"))
	if v, err := strconv.ParseUint(digits, 10, 64); err != nil || v != n {
		return plain
	}
	return digits
}

// fraction of a second that the digits after the point tell.
func fraction(digits string) time.Duration {
	ns, err := strconv.Atoi((digits + "000000000")[:9])
	if err != nil {
		return 0
	}
	return time.Duration(ns)
}

// camera joins make and model, which often begins with the make.
func camera(maker, model string) string {
	name := model
	if !strings.HasPrefix(strings.ToLower(model), strings.ToLower(maker)) {
		name = maker + " " + model
	}
	name = strings.TrimSpace(strings.ToValidUTF8(name, ""))
	if len(name) <= cameraMost {
		return name
	}
	end := cameraMost
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}
