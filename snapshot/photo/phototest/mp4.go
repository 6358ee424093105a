package phototest

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Video is a video to be made.
type Video struct {
	Bytes         int       // of the file, about; 0 is 10 MB
	Taken         time.Time // an instant; zero is not known
	Width, Height int       // pixels before turning; 0 is 1920x1080
	Rotation      int       // degrees clockwise: 0, 90, 180, 270
	MoovFirst     bool      // as made ready for streaming; phones write it last
}

// MP4 makes a video of one track whose samples are noise. With the same seed
// the mdat is the same wherever the moov lies.
func MP4(rng *rand.Rand, v Video) []byte {
	v = v.withDefaults()
	ftyp := box("ftyp", []byte("isom"), u32(0x200), []byte("isomiso2mp41"))
	samples := newNoise(rng).append(nil, v.Bytes)
	mdat := box("mdat", samples)
	if !v.MoovFirst {
		moov := v.moov(len(samples), len(ftyp)+8)
		return join(ftyp, mdat, moov)
	}
	length := len(v.moov(len(samples), 0))
	moov := v.moov(len(samples), len(ftyp)+length+8)
	return join(ftyp, moov, mdat)
}

func (v Video) withDefaults() Video {
	if v.Bytes == 0 {
		v.Bytes = 10 << 20
	}
	if v.Width == 0 || v.Height == 0 {
		v.Width, v.Height = 1920, 1080
	}
	return v
}

func join(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

const (
	timescale   = 600
	sampleBytes = 16 << 10 // of a frame, but for the last
	frameTicks  = 20       // 30 frames a second
)

// moov describes n bytes of samples that begin at an offset in the file.
func (v Video) moov(n, offset int) []byte {
	var sizes, offsets []uint32
	for at := 0; at < n; at += sampleBytes {
		sizes = append(sizes, uint32(min(sampleBytes, n-at)))
		offsets = append(offsets, uint32(offset+at))
	}
	frames := uint32(len(sizes))
	duration := frames * frameTicks
	stamp := since1904(v.Taken)
	mvhd := full("mvhd", 0, 0, u32(stamp, stamp, timescale, duration, 1<<16), u16(0x100, 0), u32(0, 0),
		matrix(0, 0, 0), make([]byte, 24), u32(2))
	tkhd := full("tkhd", 0, 3, u32(stamp, stamp, 1, 0, duration, 0, 0), u16(0, 0, 0, 0),
		matrix(v.Rotation, v.Width, v.Height), u32(uint32(v.Width)<<16, uint32(v.Height)<<16))
	mdhd := full("mdhd", 0, 0, u32(stamp, stamp, timescale, duration), u16(0x55c4, 0))
	hdlr := full("hdlr", 0, 0, u32(0), []byte("vide"), make([]byte, 12), []byte("VideoHandle\x00"))
	stbl := box("stbl",
		full("stsd", 0, 0, u32(1), v.sampleEntry()),
		full("stts", 0, 0, u32(1, frames, frameTicks)),
		full("stsc", 0, 0, u32(1, 1, 1, 1)),
		full("stsz", 0, 0, u32(0, frames), u32(sizes...)),
		full("stco", 0, 0, u32(frames), u32(offsets...)))
	dinf := box("dinf", full("dref", 0, 0, u32(1), full("url ", 0, 1)))
	minf := box("minf", full("vmhd", 0, 1, u16(0, 0, 0, 0)), dinf, stbl)
	return box("moov", mvhd, box("trak", tkhd, box("mdia", mdhd, hdlr, minf)))
}

func (v Video) sampleEntry() []byte {
	return box("avc1", make([]byte, 6), u16(1), make([]byte, 16), u16(uint16(v.Width), uint16(v.Height)),
		u32(72<<16, 72<<16, 0), u16(1), make([]byte, 32), u16(24, 0xffff))
}

// matrix turns a picture clockwise and moves it back to where it is seen.
func matrix(rotation, width, height int) []byte {
	const one, minus, w = 1 << 16, 0xffff0000, 1 << 30
	x, y := uint32(width)<<16, uint32(height)<<16
	switch rotation {
	case 0:
		return u32(one, 0, 0, 0, one, 0, 0, 0, w)
	case 90:
		return u32(0, one, 0, minus, 0, 0, y, 0, w)
	case 180:
		return u32(minus, 0, 0, 0, minus, 0, x, y, w)
	case 270:
		return u32(0, minus, 0, one, 0, 0, 0, x, w)
	}
	panic(fmt.Sprintf("phototest: a rotation of %d degrees", rotation))
}

// MotionPhoto makes a picture, as JPEG with the same seed would, with a short
// video behind it and XMP that says so,
// https://developer.android.com/media/platform/motion-photo-format.
func MotionPhoto(rng *rand.Rand, p Picture, v Video) []byte {
	still := JPEG(rng, p)
	if v.Bytes == 0 {
		v.Bytes = 2 << 20
	}
	video := MP4(rng, v)
	xmp := appendSegment(nil, 0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00"), motionXMP(len(video)))
	at := 2
	if !p.Tags.empty() {
		at += 2 + int(be.Uint16(still[4:]))
	}
	return join(still[:at], xmp, still[at:], video)
}

func motionXMP(length int) []byte {
	return fmt.Appendf(nil, `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">`+
		`<rdf:Description rdf:about="" xmlns:Camera="http://ns.google.com/photos/1.0/camera/" Camera:MotionPhoto="1" Camera:MotionPhotoVersion="1" `+
		`Camera:MotionPhotoPresentationTimestampUs="500000" xmlns:Item="http://ns.google.com/photos/1.0/container/item/" Item:Length="%d"/>`+
		`</rdf:RDF></x:xmpmeta>`, length)
}
