// Package thumb makes small JPEGs of pictures: turned upright, within limits, whatever the bytes. It does not know where pictures are kept.
package thumb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"runtime"
	"strings"
	"time"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"shoebox/gallery/exif"
	"shoebox/gallery/heif"
)

// What can be wrong with a picture.
var (
	ErrUnknown = errors.New("this kind of file cannot be shown here")
	ErrHuge    = errors.New("the picture is too large to be shown here")
	ErrBroken  = errors.New("the picture cannot be decoded")
)

// Limits bound what one picture may cost. The zero value is 100 megapixels, 512 MiB of file and 20 s.
type Limits struct {
	Pixels int64
	Bytes  int64
	Time   time.Duration
}

func (l Limits) or() Limits {
	if l.Pixels == 0 {
		l.Pixels = 100_000_000
	}
	if l.Bytes == 0 {
		l.Bytes = 512 << 20
	}
	if l.Time == 0 {
		l.Time = 20 * time.Second
	}
	return l
}

// Picture is what a small one is made of.
type Picture struct {
	Type        string // media type
	Size        int64  // bytes
	Orientation uint8  // as in EXIF, 1 to 8; 0 is upright
	Bytes       io.ReadSeeker
}

// Maker makes small pictures, one at a time for each processor. It may be used by many goroutines at once.
type Maker struct {
	limits Limits
	slots  chan struct{}
	heic   chan struct{} // its decoder takes a gigabyte for a large picture: one at a time
}

// NewMaker makes one.
func NewMaker(l Limits) *Maker {
	return &Maker{limits: l.or(), slots: make(chan struct{}, runtime.NumCPU()), heic: make(chan struct{}, 1)}
}

// Small gives a JPEG whose shorter side has 320 pixels.
func (m *Maker) Small(ctx context.Context, p Picture) ([]byte, error) {
	return m.make(ctx, p, true, func(width, height int) (int, int) {
		return fit(width, height, min(320/float64(min(width, height)), 1280/float64(max(width, height))))
	})
}

// Large gives a JPEG of at most 2560 pixels a side, for what browsers do not show themselves.
func (m *Maker) Large(ctx context.Context, p Picture) ([]byte, error) {
	return m.make(ctx, p, false, func(width, height int) (int, int) {
		return fit(width, height, 2560/float64(max(width, height)))
	})
}

// fit never makes a picture larger.
func fit(width, height int, by float64) (int, int) {
	by = min(by, 1)
	return max(int(math.Round(float64(width)*by)), 1), max(int(math.Round(float64(height)*by)), 1)
}

func (m *Maker) make(ctx context.Context, p Picture, small bool, size func(int, int) (int, int)) ([]byte, error) {
	if p.Size > m.limits.Bytes {
		return nil, ErrHuge
	}
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, m.limits.Time)
	defer cancel()
	p.Bytes = &timed{ctx, p.Bytes}
	decoded, err := m.decode(p, small)
	if err != nil {
		return nil, err
	}
	w, h := size(decoded.Bounds().Dx(), decoded.Bounds().Dy())
	orientation := p.Orientation
	if isHEIC(p.Type) {
		orientation = 1 // its decoder turns
	}
	var out bytes.Buffer
	err = jpeg.Encode(&out, turn(scale(decoded, w, h), orientation), &jpeg.Options{Quality: 82})
	return out.Bytes(), err
}

// timed ends the reading when the time is over: decoders read as they go.
type timed struct {
	ctx context.Context
	io.ReadSeeker
}

func (t *timed) Read(p []byte) (int, error) {
	if t.ctx.Err() != nil {
		return 0, context.Cause(t.ctx)
	}
	return t.ReadSeeker.Read(p)
}

func isHEIC(kind string) bool { return kind == "image/heic" || kind == "image/heif" }

// decode gives the pixels. A decoder that panics met a hostile picture.
func (m *Maker) decode(p Picture, small bool) (decoded image.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			decoded, err = nil, fmt.Errorf("%w: the decoder gave up: %v", ErrBroken, r)
		}
	}()
	switch {
	case isHEIC(p.Type):
		return m.decodeHEIC(p, small)
	case strings.HasPrefix(p.Type, "image/x-") || p.Type == "image/dng" || p.Type == "image/tiff":
		return m.raw(p)
	}
	return m.plain(p.Type, p.Bytes)
}

// codec is how one type is decoded.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var codecs = map[string]codec{
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/gif":  {gif.DecodeConfig, gif.Decode},
	"image/webp": {webp.DecodeConfig, webp.Decode},
	"image/bmp":  {bmp.DecodeConfig, bmp.Decode},
}

// plain looks at the size first: a few bytes can promise a wall of pixels.
func (m *Maker) plain(kind string, r io.ReadSeeker) (image.Image, error) {
	c, ok := codecs[kind]
	if !ok {
		return nil, ErrUnknown
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	config, err := c.config(r)
	if err != nil {
		return nil, broken(err)
	}
	if err := m.bound(config); err != nil {
		return nil, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	decoded, err := c.decode(r)
	if err != nil {
		return nil, broken(err)
	}
	return decoded, nil
}

func (m *Maker) bound(c image.Config) error {
	if c.Width <= 0 || c.Height <= 0 {
		return ErrBroken
	}
	if int64(c.Width)*int64(c.Height) > m.limits.Pixels {
		return fmt.Errorf("%w: %d x %d pixels", ErrHuge, c.Width, c.Height)
	}
	return nil
}

// broken keeps the cause, which may be the repository's.
func broken(err error) error { return fmt.Errorf("%w: %w", ErrBroken, err) }

// raw decodes the largest preview in a raw file.
func (m *Maker) raw(p Picture) (image.Image, error) {
	_, images := exif.ReadRaw(&at{p.Bytes})
	var best exif.Image
	for _, i := range images {
		if i.Length > best.Length && i.Length <= maxPreview && i.Offset >= 0 && i.Offset <= p.Size-i.Length {
			best = i
		}
	}
	if best.Length == 0 {
		return nil, ErrUnknown
	}
	return m.plain("image/jpeg", io.NewSectionReader(&at{p.Bytes}, best.Offset, best.Length))
}

// maxPreview bounds the preview of a raw file, in bytes.
const maxPreview = 32 << 20

// at reads anywhere in a stream that seeks.
type at struct{ io.ReadSeeker }

func (a *at) ReadAt(p []byte, off int64) (int, error) {
	if _, err := a.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(a, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// decodeHEIC takes the thumbnail inside the file for a small picture: to decode all of it takes seconds.
func (m *Maker) decodeHEIC(p Picture, small bool) (image.Image, error) {
	if small {
		if f, err := heif.Read(&at{p.Bytes}, p.Size); err == nil {
			if alone, ok := f.Thumbnail(); ok {
				if decoded, err := m.heicOf(alone); err == nil {
					return decoded, nil
				}
			}
		}
	}
	if p.Size > maxHEIC {
		return nil, ErrHuge
	}
	if _, err := p.Bytes.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(p.Bytes, maxHEIC))
	if err != nil {
		return nil, broken(err)
	}
	return m.heicOf(data)
}

// maxHEIC bounds a HEIC file, which is decoded from memory.
const maxHEIC = 64 << 20

func (m *Maker) heicOf(data []byte) (image.Image, error) {
	m.heic <- struct{}{}
	defer func() { <-m.heic }()
	config, err := heicConfig(data)
	if err != nil {
		return nil, err
	}
	if err := m.bound(config); err != nil {
		return nil, err
	}
	return heicDecode(data)
}
