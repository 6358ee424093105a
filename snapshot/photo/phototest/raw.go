package phototest

import "math/rand/v2"

// Tags of TIFF 6.0 and of DNG 1.7.
const (
	tagNewSubfile   = 0x00fe
	tagWidth        = 0x0100
	tagHeight       = 0x0101
	tagBits         = 0x0102
	tagPhotometric  = 0x0106
	tagStripAt      = 0x0111
	tagSamples      = 0x0115
	tagRowsPerStrip = 0x0116
	tagStripLength  = 0x0117
	tagSubIFDs      = 0x014a
	tagDNGVersion   = 0xc612
)

// DNG makes a raw picture: a TIFF whose first directory describes a preview
// and whose second one, below it, one strip of noise, a byte for a pixel.
func DNG(rng *rand.Rand, p Picture) []byte {
	width, height := p.Width, p.Height
	if width == 0 || height == 0 {
		width = 4000
		height = max(max(p.Bytes, 1<<20)/width, 1)
	}
	raw := &directory{}
	raw.long(tagNewSubfile, 0)
	raw.image(width, height, newNoise(rng).append(nil, width*height))
	main := p.Tags.directory(rng)
	main.long(tagNewSubfile, 1)
	main.image(16, 12, newNoise(rng).append(nil, 16*12))
	main.add(tagDNGVersion, typeByte, []byte{1, 4, 0, 0})
	main.pointer(tagSubIFDs, raw)
	return tiff(main)
}

func (d *directory) image(width, height int, strip []byte) {
	d.long(tagWidth, uint32(width))
	d.long(tagHeight, uint32(height))
	d.short(tagBits, 8)
	d.short(tagCompression, 1)
	d.short(tagPhotometric, 1)
	d.pointTo(tagStripAt, strip)
	d.short(tagSamples, 1)
	d.long(tagRowsPerStrip, uint32(height))
	d.long(tagStripLength, uint32(len(strip)))
}

// WebP makes a file of the structure of RFC 9649 with a picture that is noise
// and EXIF behind it. No decoder can show it.
func WebP(rng *rand.Rand, p Picture) []byte {
	const hasExif = 1 << 3
	extended := join([]byte{hasExif, 0, 0, 0}, u24(p.Width-1), u24(p.Height-1))
	data := newNoise(rng).append(nil, max(p.Bytes, 1<<10))
	body := join([]byte("WEBP"), riff("VP8X", extended), riff("VP8L", data), riff("EXIF", p.Tags.exif(rng)))
	return riff("RIFF", body)
}

func riff(name string, payload []byte) []byte {
	b := le.AppendUint32([]byte(name), uint32(len(payload)))
	b = append(b, payload...)
	return append(b, make([]byte, len(payload)%2)...)
}

func u24(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }
