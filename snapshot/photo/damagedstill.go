package photo

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// stepsMost bounds the parts walked of one file; a file of more is taken for sound.
const stepsMost = 1 << 17

// jpeg looks for the end marker, ITU-T T.81, B.1.1.3. Within the picture data a 0xff is always followed by a zero or by a restart marker, so
// the first 0xff 0xd9 behind the start of scan is the end, whatever follows it. The end of an embedded preview is not: it lies in a segment.
func (x *examination) jpeg() (Damage, error) {
	tail, err := x.at(max(0, x.size-2), 2)
	if err != nil || bytes.Equal(tail, endOfImage) {
		return Sound, err
	}
	scan, err := x.startOfScan()
	if err != nil || scan >= x.size {
		return CutOff, err
	}
	found, err := x.search(scan, endOfImage)
	if err != nil || found {
		return Sound, err
	}
	return NoEnd, nil
}

var endOfImage = []byte{0xff, 0xd9}

// startOfScan is where the first scan begins, or where the segments stop making sense; the size of the file or more when it ends before.
func (x *examination) startOfScan() (int64, error) {
	at := int64(0)
	for range stepsMost {
		h, err := x.at(at, 10)
		if err != nil {
			return 0, err
		}
		if len(h) < 4 {
			return x.size, nil
		}
		s, _ := jpegSection(h)
		if s.size == 0 { // SOS, or nothing known
			return at, nil
		}
		at += s.size
	}
	return at, nil
}

// windowBytes are read at a time, and searchMost in all: no picture is longer.
const windowBytes, searchMost = 64 << 10, 512 << 20

// search looks for two bytes from a place on, and takes them for found where it is not read so far.
func (x *examination) search(from int64, what []byte) (bool, error) {
	if x.size-from > searchMost {
		return true, nil
	}
	for from < x.size {
		b, err := x.at(from, windowBytes)
		if err != nil || bytes.Contains(b, what) {
			return err == nil, err
		}
		if from += int64(len(b)); from < x.size {
			from-- // the two may lie across
		}
	}
	return false, nil
}

// png walks the chunks up to IEND, https://www.w3.org/TR/png-3/#5Chunk-layout.
func (x *examination) png() (Damage, error) {
	at := int64(len(pngSignature))
	for range stepsMost {
		h, err := x.at(at, 8)
		switch {
		case err != nil:
			return Sound, err
		case len(h) == 0:
			return NoEnd, nil
		case len(h) < 8:
			return CutOff, nil
		}
		if !isChunkName(h[4:8]) { // data where a chunk should be
			return NoEnd, nil
		}
		if at += 12 + int64(be.Uint32(h)); at > x.size {
			return CutOff, nil
		}
		if string(h[4:8]) == "IEND" {
			return Sound, nil
		}
	}
	return Sound, nil
}

func isChunkName(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// webp holds the length that its header tells against the file's, RFC 9649. A byte of padding may be missing.
func (x *examination) webp(opening []byte) Damage {
	if n := int64(le.Uint32(opening[4:])); n < 1<<32-16 && n&^1+8 > x.size {
		return CutOff
	}
	return Sound
}

// gif walks the blocks up to the trailer, https://www.w3.org/Graphics/GIF/spec-gif89a.txt. Sloppy programs leave the trailer out: only
// a file that ends inside of a block is cut off.
func (x *examination) gif() (Damage, error) {
	tail, err := x.at(x.size-1, 1)
	if err != nil || tail[0] == gifTrailer {
		return Sound, err
	}
	b := bufio.NewReaderSize(io.NewSectionReader(x.file, 6, x.size-6), windowBytes)
	err = skipGIF(b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return CutOff, nil
	}
	return Sound, err
}

// The blocks of GIF.
const gifImage, gifExtension, gifTrailer = ',', '!', ';'

// skipGIF reads to the trailer, or to what is no block. An io.EOF says that the file ends inside of one.
func skipGIF(b *bufio.Reader) error {
	screen, err := take(b, 7)
	if err != nil {
		return err
	}
	if _, err := b.Discard(tableBytes(screen[4])); err != nil {
		return err
	}
	for range stepsMost {
		kind, err := b.ReadByte()
		switch {
		case err == io.EOF:
			return nil // between two blocks
		case err != nil:
			return err
		case kind == gifImage:
			err = skipImage(b)
		case kind == gifExtension:
			_, err = b.Discard(1)
		default:
			return nil
		}
		if err == nil {
			err = skipBlocks(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func skipImage(b *bufio.Reader) error {
	place, err := take(b, 9)
	if err != nil {
		return err
	}
	_, err = b.Discard(tableBytes(place[8]) + 1) // and the width of the codes
	return err
}

// skipBlocks goes over blocks of data up to the empty one.
func skipBlocks(b *bufio.Reader) error {
	for {
		n, err := b.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if _, err := b.Discard(int(n)); err != nil {
			return err
		}
	}
}

// tableBytes is the length of the table of colours that follows.
func tableBytes(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func take(b *bufio.Reader, n int) ([]byte, error) {
	taken := make([]byte, n)
	_, err := io.ReadFull(b, taken)
	return taken, err
}
