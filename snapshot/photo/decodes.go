package photo

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// Limits bound what Decodes takes on. The zero value is filled with what is said of each.
type Limits struct {
	Pixels int64 // 0 for 100 million; those of a progressive JPEG and of a PNG of 16 bits count thrice, as their memory does
	Bytes  int64 // of the file; 0 for 256 MiB
}

func (l Limits) filled() Limits {
	if l.Pixels == 0 {
		l.Pixels = 100_000_000
	}
	if l.Bytes == 0 {
		l.Bytes = 256 << 20
	}
	return l
}

var (
	// ErrUndecodable is wrapped when a picture is damaged so that it does not decode.
	ErrUndecodable = errors.New("cannot be decoded")
	// ErrNotTried is wrapped when nothing can be said: it is no JPEG or PNG, of a kind this program cannot decode, or beyond the limits.
	ErrNotTried = errors.New("was not decoded")
)

// Decodes decodes a JPEG or a PNG whole and throws the pixels away. Its size is looked at first: a picture beyond the limits costs nothing.
// An error wraps ErrUndecodable, or ErrNotTried, or is one of r. It takes about 4 bytes of memory for each pixel counted.
func Decodes(r io.Reader, l Limits) error {
	l = l.filled()
	from := &source{from: io.LimitedReader{R: r, N: l.Bytes + 1}}
	var head bytes.Buffer
	opening := make([]byte, len(pngSignature))
	if _, err := io.ReadFull(from, opening); err != nil {
		return from.verdict(err, l)
	}
	head.Write(opening)
	format, known := formatToDecode(opening)
	if !known {
		return fmt.Errorf("it is neither JPEG nor PNG, and %w", ErrNotTried)
	}
	config, err := format.config(io.MultiReader(bytes.NewReader(opening), io.TeeReader(from, &head)))
	if err != nil {
		return from.verdict(err, l)
	}
	if n := int64(config.Width) * int64(config.Height) * format.weight(head.Bytes()); n > l.Pixels {
		return fmt.Errorf("it has %dx%d pixels, too many, and %w", config.Width, config.Height, ErrNotTried)
	}
	_, err = format.decode(io.MultiReader(&head, from))
	return from.verdict(err, l)
}

// decoder is a format of the standard library.
type decoder struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	weight func(head []byte) int64 // how much memory a pixel takes, beside that of a plain picture
}

func formatToDecode(opening []byte) (decoder, bool) {
	switch {
	case bytes.HasPrefix(opening, []byte("\xff\xd8\xff")):
		return decoder{jpeg.DecodeConfig, jpeg.Decode, jpegWeight}, true
	case string(opening) == pngSignature:
		return decoder{png.DecodeConfig, png.Decode, pngWeight}, true
	}
	return decoder{}, false
}

// jpegWeight is 3 for a progressive picture, all of whose coefficients are kept until its end.
func jpegWeight(head []byte) int64 {
	for at := int64(0); at+4 <= int64(len(head)); {
		if head[at+1] == 0xc2 {
			return 3
		}
		s, _ := jpegSection(head[at:min(at+10, int64(len(head)))])
		if s.size == 0 {
			break
		}
		at += s.size
	}
	return 1
}

// pngWeight is 3 for 16 bits of each colour.
func pngWeight(head []byte) int64 {
	if len(head) > 24 && head[24] == 16 {
		return 3
	}
	return 1
}

// source remembers how reading ended, to tell a bad picture from a bad place to read it from.
type source struct {
	from io.LimitedReader
	err  error // of the reader, but for its end
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func (s *source) verdict(err error, l Limits) error {
	var jpegNews jpeg.UnsupportedError
	var pngNews png.UnsupportedError
	switch {
	case err == nil:
		return nil
	case s.err != nil:
		return s.err
	case s.from.N <= 0:
		return fmt.Errorf("it is longer than %d bytes, and %w", l.Bytes, ErrNotTried)
	case errors.As(err, &jpegNews), errors.As(err, &pngNews):
		return fmt.Errorf("%w: %v", ErrNotTried, err)
	}
	return fmt.Errorf("%w: %v", ErrUndecodable, err)
}
