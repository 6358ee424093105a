package phototest

import "math/rand/v2"

// HEIC makes a file of the structure of ISO/IEC 23008-12 with one picture that
// is noise and EXIF, which lies before the picture or, as some programs have
// it, behind it. No decoder can show it.
func HEIC(rng *rand.Rand, p Picture, exifLast bool) []byte {
	if p.Bytes == 0 {
		p.Bytes = 2 << 20
	}
	if p.Width == 0 || p.Height == 0 {
		p.Width, p.Height = 4032, 3024
	}
	exif := join(u32(6), []byte("Exif\x00\x00"), p.Tags.exif(rng))
	data := newNoise(rng).append(nil, p.Bytes)
	ftyp := box("ftyp", []byte("heic"), u32(0), []byte("mif1heic"))
	length := len(p.meta(0, 0, 0, 0))
	start := len(ftyp) + length + 8
	if exifLast {
		return join(ftyp, p.meta(start, len(data), start+len(data), len(exif)), box("mdat", data, exif))
	}
	return join(ftyp, p.meta(start+len(exif), len(data), start, len(exif)), box("mdat", exif, data))
}

// Items of the file.
const (
	itemPicture = 1
	itemExif    = 2
)

func (p Picture) meta(dataAt, dataLen, exifAt, exifLen int) []byte {
	return full("meta", 0, 0,
		full("hdlr", 0, 0, u32(0), []byte("pict"), make([]byte, 13)),
		full("pitm", 0, 0, u16(itemPicture)),
		full("iinf", 0, 0, u16(2),
			full("infe", 2, 0, u16(itemPicture, 0), []byte("hvc1\x00")),
			full("infe", 2, 1, u16(itemExif, 0), []byte("Exif\x00"))),
		box("iprp",
			box("ipco", full("ispe", 0, 0, u32(uint32(p.Width), uint32(p.Height))), box("irot", p.turn())),
			full("ipma", 0, 0, u32(1), u16(itemPicture), []byte{2, 1, 0x82})),
		full("iloc", 1, 0, []byte{0x44, 0}, u16(2),
			u16(itemPicture, 0, 0, 1), u32(uint32(dataAt), uint32(dataLen)),
			u16(itemExif, 0, 0, 1), u32(uint32(exifAt), uint32(exifLen))))
}

// turn is the quarters of a turn, anticlockwise, that Orientation asks for.
func (p Picture) turn() []byte {
	switch p.Tags.Orientation {
	case 3:
		return []byte{2}
	case 6:
		return []byte{3}
	case 8:
		return []byte{1}
	}
	return []byte{0}
}
