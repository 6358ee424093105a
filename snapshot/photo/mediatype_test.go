package photo

import (
	"testing"
	"time"
)

func TestTypeByBytesThenByName(t *testing.T) {
	ftyp := func(brands string) string { return "\x00\x00\x00\x20ftyp" + brands + "            " }
	for _, c := range []struct{ data, name, want string }{
		{"\xff\xd8\xff\xe0 a picture", "a.png", "image/jpeg"},
		{"GIF89a and some more", "a", "image/gif"},
		{"RIFF....WEBPVP8 ", "a.jpg", "image/webp"},
		{"RIFF....AVI LIST", "a", "video/x-msvideo"},
		{"RIFF....????", "a.wav", "audio/wav"},
		{"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00", "a.TIF", "image/tiff"},
		{"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00", "a.NEF", "image/x-nikon-nef"},
		{"MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00", "a.jpg", "image/tiff"},
		{"\x1a\x45\xdf\xa3 matroska", "a.mkv", "video/x-matroska"},
		{"\x1a\x45\xdf\xa3 matroska", "a.webm", "video/webm"},
		{ftyp("heic\x00\x00\x00\x00mif1"), "a.jpg", "image/heic"},
		{ftyp("mif1\x00\x00\x00\x00mif1heic"), "a", "image/heic"},
		{ftyp("mif1\x00\x00\x00\x00mif1avif"), "a", "image/avif"},
		{ftyp("mif1\x00\x00\x00\x00mif1miaf"), "a", "image/heif"},
		{ftyp("avif\x00\x00\x00\x00mif1"), "a", "image/avif"},
		{ftyp("qt  \x00\x00\x00\x00qt  "), "a.mp4", "video/quicktime"},
		{ftyp("3gp4\x00\x00\x00\x00isom"), "a.mp4", "video/3gpp"},
		{ftyp("isom\x00\x00\x00\x00mp42"), "a", "video/mp4"},
		{"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "a", "video/quicktime"},
		{"no picture at all", "a.HEIC", "image/heic"},
		{"no picture at all", "a.b/heic", ""},
		{"short", "a.Jpg", "image/jpeg"},
	} {
		var s Sniffer
		s.Write([]byte(c.data))
		if got := s.Info(c.name, time.Time{}).Type; got != c.want {
			t.Errorf("%.20q named %s: %q, not %q", c.data, c.name, got, c.want)
		}
	}
}

func TestTurnOfMatrix(t *testing.T) {
	const one = 1 << 16
	for want, m := range [9][4]int32{
		0: {one, one, 0, one}, 1: {one, 0, 0, one}, 2: {-one, 0, 0, one}, 3: {-one, 0, 0, -one}, 4: {one, 0, 0, -one},
		5: {0, one, one, 0}, 6: {0, one, -one, 0}, 7: {0, -one, -one, 0}, 8: {0, -one, one, 0},
	} {
		if got := turnOf(m); got != uint8(want) {
			t.Errorf("%v: %d, not %d", m, got, want)
		}
	}
}

// The numbers are stored on disk.
func TestSourcesKeepTheirNumbers(t *testing.T) {
	for want, source := range []Source{Unknown, ExifOffset, Exif, Video, Name, ExifModified, ModTime} {
		if int(source) != want || source.String() == "" {
			t.Errorf("%v is %d, not %d", source, source, want)
		}
	}
}
