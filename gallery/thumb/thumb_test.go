package thumb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
	"time"

	"shoebox/gallery/thumb"
	"shoebox/snapshot/photo/phototest"
)

// corners has red, green, blue and white in its corners.
func corners(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, [2][2]color.RGBA{{{255, 0, 0, 255}, {0, 255, 0, 255}}, {{0, 0, 255, 255}, {255, 255, 255, 255}}}[y*2/h][x*2/w])
		}
	}
	return m
}

func encode(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func small(t testing.TB, kind string, data []byte, orientation uint8) (image.Image, error) {
	t.Helper()
	made, err := thumb.NewMaker(thumb.Limits{}).Small(t.Context(), thumb.Picture{Type: kind, Size: int64(len(data)), Orientation: orientation, Bytes: bytes.NewReader(data)})
	if err != nil {
		return nil, err
	}
	m, err := jpeg.Decode(bytes.NewReader(made))
	if err != nil {
		t.Fatalf("what was made is no JPEG: %v", err)
	}
	return m, nil
}

// name is the colour near a corner.
func name(m image.Image, right, below bool) string {
	b := m.Bounds()
	x, y := b.Dx()/8, b.Dy()/8
	if right {
		x = b.Dx() - 1 - x
	}
	if below {
		y = b.Dy() - 1 - y
	}
	r, g, bl, _ := m.At(x, y).RGBA()
	text := ""
	for i, v := range []uint32{r, g, bl} {
		if v > 0x9000 {
			text += "rgb"[i : i+1]
		}
	}
	return text
}

func look(m image.Image) string {
	return fmt.Sprintf("%dx%d %s %s %s %s", m.Bounds().Dx(), m.Bounds().Dy(), name(m, false, false), name(m, true, false), name(m, false, true), name(m, true, true))
}

// The eight orientations of CIPA DC-008, 4.6.4.
func TestUpright(t *testing.T) {
	data := encode(t, corners(800, 400))
	for orientation, want := range []string{"640x320 r g b rgb", "640x320 r g b rgb", "640x320 g r rgb b", "640x320 rgb b g r", "640x320 b rgb r g",
		"320x640 r b g rgb", "320x640 b r rgb g", "320x640 rgb g b r", "320x640 g rgb r b"} {
		m, err := small(t, "image/jpeg", data, uint8(orientation))
		if err != nil {
			t.Fatal(err)
		}
		if got := look(m); got != want {
			t.Errorf("orientation %d: %s, want %s", orientation, got, want)
		}
	}
}

func TestKinds(t *testing.T) {
	var p bytes.Buffer
	if err := png.Encode(&p, corners(480, 480)); err != nil {
		t.Fatal(err)
	}
	for kind, data := range map[string][]byte{"image/png": p.Bytes(), "image/jpeg": encode(t, corners(1280, 1280)), "image/x-adobe-dng": dng(encode(t, corners(640, 640)))} {
		m, err := small(t, kind, data, 1)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		} else if got := look(m); got != "320x320 r g b rgb" {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if m, err := small(t, "image/jpeg", encode(t, corners(40, 20)), 1); err != nil || m.Bounds().Dx() != 40 {
		t.Errorf("a small one: %v", err)
	}
	if _, err := small(t, "video/mp4", []byte("x"), 1); !errors.Is(err, thumb.ErrUnknown) {
		t.Errorf("a film: %v", err)
	}
}

// dng is a TIFF with a JPEG as its second directory.
func dng(preview []byte) []byte {
	le := binary.LittleEndian
	b := []byte{'I', 'I', 42, 0, 8, 0, 0, 0, 3, 0}
	for _, f := range [][4]uint32{{0x103, 3, 1, 7}, {0x111, 4, 1, 50}, {0x117, 4, 1, uint32(len(preview))}} {
		b = le.AppendUint16(le.AppendUint16(b, uint16(f[0])), uint16(f[1]))
		b = le.AppendUint32(le.AppendUint32(b, f[2]), f[3])
	}
	return append(append(b, 0, 0, 0, 0), preview...)
}

// Promises of walls of pixels, pictures cut off anywhere, bytes changed anywhere: an error or a picture, soon, and never a crash.
func TestHostile(t *testing.T) {
	var p bytes.Buffer
	if err := png.Encode(&p, corners(64, 64)); err != nil {
		t.Fatal(err)
	}
	wall := bytes.Clone(p.Bytes())
	binary.BigEndian.PutUint32(wall[16:], 40_000)
	binary.BigEndian.PutUint32(wall[20:], 40_000)
	if _, err := small(t, "image/png", wall, 1); err == nil || errors.Is(err, thumb.ErrUnknown) {
		t.Errorf("a wall: %v", err)
	}
	film := encode(t, corners(64, 64))
	maker := thumb.NewMaker(thumb.Limits{Pixels: 1000})
	if _, err := maker.Small(t.Context(), thumb.Picture{Type: "image/jpeg", Size: int64(len(film)), Bytes: bytes.NewReader(film)}); !errors.Is(err, thumb.ErrHuge) {
		t.Errorf("beyond the limit: %v", err)
	}
	for kind, data := range map[string][]byte{"image/png": p.Bytes(), "image/jpeg": film, "image/x-adobe-dng": dng(film), "image/gif": []byte("GIF89a"), "image/webp": phototest.WebP(phototest.Rand(1), phototest.Picture{Bytes: 500})} {
		for i := 0; i < len(data); i += max(len(data)/40, 1) {
			_, _ = small(t, kind, data[:i], 6) // must come back
			changed := bytes.Clone(data)
			changed[i] ^= 0xff
			_, _ = small(t, kind, changed, 6)
		}
	}
}

// A picture whose bytes come slowly does not hold a processor for longer than the limit.
func TestTimeLimit(t *testing.T) {
	data := encode(t, corners(800, 800))
	start := time.Now()
	_, err := thumb.NewMaker(thumb.Limits{Time: 20 * time.Millisecond}).Small(t.Context(), thumb.Picture{Type: "image/jpeg", Size: int64(len(data)), Bytes: slow{bytes.NewReader(data)}})
	if err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

type slow struct{ *bytes.Reader }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return s.Reader.Read(p[:min(len(p), 100)])
}

func BenchmarkSmall(b *testing.B) {
	data := encode(b, corners(4032, 3024))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := small(b, "image/jpeg", data, 6); err != nil {
			b.Fatal(err)
		}
	}
}
