package thumb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// Film gives a small JPEG of a frame near the beginning of a film. ffmpeg is a program: it is given the bytes through a pipe and
// nothing else, one at a time for each processor, for as long as the limits say.
func (m *Maker) Film(ctx context.Context, ffmpeg string, p Picture) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, m.limits.Time)
	defer cancel()
	film, err := playable(&at{p.Bytes}, p.Size)
	if err != nil {
		return nil, err
	}
	frame, err := m.frame(ctx, ffmpeg, film)
	if err != nil {
		return nil, err
	}
	return m.Small(ctx, Picture{Type: "image/jpeg", Size: int64(len(frame)), Bytes: bytes.NewReader(frame)})
}

// maxFrame bounds what ffmpeg may answer, in bytes.
const maxFrame = 8 << 20

var errTooMuch = errors.New("it answers with too much")

func (m *Maker) frame(ctx context.Context, ffmpeg string, film io.Reader) ([]byte, error) {
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	c := exec.CommandContext(ctx, ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", "-protocol_whitelist", "pipe", "-i", "pipe:0",
		"-an", "-sn", "-dn", "-frames:v", "1", "-vf", "scale=640:640:force_original_aspect_ratio=decrease", "-f", "image2pipe", "-c:v", "mjpeg", "pipe:1")
	out := &bounded{left: maxFrame}
	source := &untilBroken{r: film}
	c.Env, c.Stdin, c.Stdout = []string{}, source, out
	err := c.Run() // a broken pipe only says that ffmpeg had seen enough
	if source.failed != nil {
		return nil, broken(source.failed)
	}
	if out.Len() == 0 {
		return nil, broken(fmt.Errorf("no frame can be seen: %w", errors.Join(err, context.Cause(ctx))))
	}
	return out.Bytes(), nil
}

// bounded keeps so many bytes and fails beyond.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errTooMuch
	}
	return b.Buffer.Write(p)
}

// untilBroken remembers why reading ended, which tells a damaged repository from a film that ffmpeg does not know.
type untilBroken struct {
	r      io.Reader
	failed error
}

func (u *untilBroken) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && err != io.EOF {
		u.failed = err
	}
	return n, err
}

// maxMoov bounds the table of contents of a film, in bytes.
const maxMoov = 32 << 20

// playable gives a film from front to back so that it can be read from a pipe: an MP4 that has its table of contents (moov) at the end, as phones
// write it, gets it moved to the front, with the places it tells of moved along; ISO/IEC 14496-12.
func playable(r io.ReaderAt, size int64) (io.Reader, error) {
	whole := io.NewSectionReader(r, 0, size)
	moov, data := int64(-1), int64(-1)
	var length int64
	for place, n := int64(0), 0; place+8 <= size && n < 64; n++ {
		head := make([]byte, 16)
		if got, err := r.ReadAt(head, place); got < 8 {
			return nil, broken(err)
		}
		long := int64(binary.BigEndian.Uint32(head))
		switch long {
		case 0:
			long = size - place
		case 1:
			long = int64(binary.BigEndian.Uint64(head[8:]))
		}
		if long < 8 || long > size-place {
			break
		}
		switch string(head[4:8]) {
		case "moov":
			moov, length = place, long
		case "mdat":
			data = place
		}
		if moov >= 0 {
			break
		}
		place += long
	}
	if moov < 0 || data < 0 || length > maxMoov {
		return whole, nil // it is in order already, or of another form
	}
	table := make([]byte, length)
	if n, err := r.ReadAt(table, moov); n < len(table) {
		return nil, broken(err)
	}
	shift(table[8:], uint64(length), 0)
	return io.MultiReader(io.NewSectionReader(r, 0, data), bytes.NewReader(table), io.NewSectionReader(r, data, moov-data)), nil
}

// shift moves the places that a table of contents tells of.
func shift(boxes []byte, by uint64, depth int) {
	for len(boxes) >= 8 && depth < 8 {
		n := int(binary.BigEndian.Uint32(boxes))
		if n < 8 || n > len(boxes) {
			return
		}
		body := boxes[8:n]
		switch string(boxes[4:8]) {
		case "trak", "mdia", "minf", "stbl":
			shift(body, by, depth+1)
		case "stco":
			for i := 8; i+4 <= len(body); i += 4 {
				binary.BigEndian.PutUint32(body[i:], binary.BigEndian.Uint32(body[i:])+uint32(by))
			}
		case "co64":
			for i := 8; i+8 <= len(body); i += 8 {
				binary.BigEndian.PutUint64(body[i:], binary.BigEndian.Uint64(body[i:])+by)
			}
		}
		boxes = boxes[n:]
	}
}
