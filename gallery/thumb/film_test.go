package thumb_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"shoebox/gallery/thumb"
	"shoebox/snapshot/photo/phototest"
)

// film has ffmpeg make one, red all over. Without more it writes an MP4 as phones do: with its table of contents at the end.
func film(t *testing.T, name string, more ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{"-loglevel", "error", "-f", "lavfi", "-i", "color=red:size=640x480:rate=10:duration=2", "-c:v", "mpeg4"}, more...)
	if out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("make a film with ffmpeg (make test installs it): %v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func frame(ctx context.Context, t *testing.T, data []byte) ([]byte, error) {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	return thumb.NewMaker(thumb.Limits{}).Film(ctx, ffmpeg, thumb.Picture{Type: "video/mp4", Size: int64(len(data)), Bytes: bytes.NewReader(data)})
}

func TestFilm(t *testing.T) {
	for name, data := range map[string][]byte{"table at the end": film(t, "a.mp4"), "table in front": film(t, "a.mp4", "-movflags", "+faststart"), "matroska": film(t, "a.mkv")} {
		made, err := frame(t.Context(), t, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m, err := jpeg.Decode(bytes.NewReader(made))
		if err != nil {
			t.Fatal(err)
		}
		if got := look(m); got != "427x320 r r r r" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestHostileFilm(t *testing.T) {
	whole := film(t, "a.mp4")
	for _, data := range [][]byte{nil, whole[:100], whole[:len(whole)-200], phototest.MP4(phototest.Rand(1), phototest.Video{Bytes: 50_000}), bytes.Repeat([]byte("\x00\x00\x00\x08moov"), 1000)} {
		if _, err := frame(t.Context(), t, data); err == nil {
			t.Errorf("a frame of %d bytes that are no film", len(data))
		}
	}
	for i := 0; i < len(whole); i += len(whole) / 6 {
		changed := bytes.Clone(whole)
		changed[i] ^= 0xff
		_, _ = frame(t.Context(), t, changed) // must come back
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the page was left"))
	if _, err := frame(ctx, t, whole); err == nil {
		t.Error("a frame for nobody")
	}
}
