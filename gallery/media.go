package gallery

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"shoebox/gallery/exif"
	"shoebox/gallery/library"
	"shoebox/gallery/thumb"
	"shoebox/repo"
	"shoebox/snapshot"
)

// picture finds the picture an address names, or answers that there is none.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) (*library.Picture, bool) {
	l, _, _ := s.shown()
	if id, ok := library.ParseID(r.PathValue("id")); ok && l != nil {
		if p, ok := l.Get(id); ok {
			return p, true
		}
	}
	s.fail(w, r, errNoPicture)
	return nil, false
}

func smallName(p *library.Picture) string { return "small/" + hex.EncodeToString(p.Hash[:]) }

// small gives the thumbnail of a picture, made if need be.
func (s *Server) small(ctx context.Context, p *library.Picture) ([]byte, error) {
	if data, ok := s.shelf.Get(smallName(p)); ok {
		return data, nil
	}
	r, giveBack := s.borrow()
	defer giveBack()
	var data []byte
	var err error
	if p.IsVideo() && s.o.FFmpeg != "" {
		data, err = s.maker.Film(ctx, s.o.FFmpeg, thumbOf(ctx, r, p))
	} else {
		data, err = s.maker.Small(ctx, thumbOf(ctx, r, p))
	}
	if err != nil && !errors.Is(err, thumb.ErrUnknown) {
		err = s.explain(ctx, r, p, err)
	}
	if errors.Is(err, thumb.ErrBroken) || errors.Is(err, thumb.ErrUnknown) { // whole, and of a kind that is not known here
		if preview, failed := s.preview(ctx, p); failed == nil {
			data, err = s.maker.Small(ctx, thumb.Picture{Type: "image/jpeg", Size: int64(len(preview)), Orientation: p.Orientation, Bytes: bytes.NewReader(preview)})
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.shelf.Put(smallName(p), data); err != nil {
		s.o.Log(err.Error())
	}
	return data, nil
}

func thumbOf(ctx context.Context, r *repo.Repo, p *library.Picture) thumb.Picture {
	return thumb.Picture{Type: p.Type, Size: p.Size, Orientation: p.Orientation, Bytes: r.NewReader(ctx, p.Content)}
}

// explain tells a picture that cannot be decoded from one whose bytes cannot be read.
func (s *Server) explain(ctx context.Context, r *repo.Repo, p *library.Picture, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, part := range p.Content {
		if _, failed := r.Chunk(ctx, part); failed != nil {
			return s.unreadable(ctx, failed)
		}
	}
	return err
}

// unreadable tells damage from a snapshot that was forgotten and pruned meanwhile, and from a repository that is not there at all.
func (s *Server) unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r, giveBack := s.borrow()
	defer giveBack()
	if _, failed := snapshotsOf(ctx, r); failed != nil {
		s.look()
		return fmt.Errorf("%w: %w", errGone, failed)
	}
	l, _, _ := s.shown()
	if why := snapshot.WhyLost(ctx, r, l.Snapshots, err); errors.Is(why, snapshot.ErrForgotten) {
		s.look()
		return fmt.Errorf("%w: %w", errNoPicture, why)
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// headPart is the kind of the chunk that precedes the picture data; docs/format.md, section 3.
const headPart = 2

// hasHead tells whether a picture may have an embedded preview, without reading anything.
func hasHead(p *library.Picture) bool {
	return p.Type == "image/jpeg" && len(p.Content) > 0 && p.Content[0].Kind == headPart
}

// preview gives the small JPEG that the camera put into the picture. It reads the head chunk and no more.
func (s *Server) preview(ctx context.Context, p *library.Picture) ([]byte, error) {
	h, err := s.head(ctx, p)
	if err == nil && h.Preview == nil {
		err = thumb.ErrUnknown
	}
	return h.Preview, err
}

func (s *Server) head(ctx context.Context, p *library.Picture) (h exif.Head, err error) {
	if !hasHead(p) {
		return h, nil
	}
	r, giveBack := s.borrow()
	defer giveBack()
	data, err := r.Chunk(ctx, p.Content[0])
	if err != nil {
		return h, s.unreadable(ctx, err)
	}
	return exif.ReadJPEG(data), nil
}

// jpegOf serves a JPEG that is made of a picture.
func (s *Server) jpegOf(of func(context.Context, *library.Picture) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.picture(w, r)
		if !ok {
			return
		}
		data, err := of(r.Context(), p)
		s.jpeg(w, r, data, err)
	}
}

// large is a JPEG of what browsers do not show themselves.
func (s *Server) large(ctx context.Context, p *library.Picture) ([]byte, error) {
	repository, giveBack := s.borrow()
	defer giveBack()
	data, err := s.maker.Large(ctx, thumbOf(ctx, repository, p))
	if err != nil {
		err = s.explain(ctx, repository, p, err)
	}
	return data, err
}

func (s *Server) jpeg(w http.ResponseWriter, r *http.Request, data []byte, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // who went away needs no answer
}

// shownTypes are the types a browser may show inside a page of the gallery. What could hold a script is not among them.
var shownTypes = []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp", "video/mp4", "video/quicktime", "video/webm", "video/3gpp", "video/x-matroska"}

// byBrowser tells whether a browser shows a picture as it is.
func byBrowser(p *library.Picture) bool { return slices.Contains(shownTypes, p.Type) }

// serveOriginal gives the bytes as they were on the device: to be shown inside a page, or to be saved. Never as a document of their own: whatever it
// holds, it can run nothing.
func (s *Server) serveOriginal(w http.ResponseWriter, r *http.Request) {
	p, ok := s.picture(w, r)
	if !ok {
		return
	}
	kind := "application/octet-stream"
	disposition := "attachment"
	if byBrowser(p) {
		kind = p.Type
		if !r.URL.Query().Has("download") {
			disposition = "inline"
		}
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": plainName(p.Name())}))
	s.stream(w, r, kind, p, 0)
}

// stream serves the bytes from an offset on, with ranges. A range begins to flow when its first chunk is read.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, kind string, p *library.Picture, from int64) {
	repository, giveBack := s.borrow()
	defer giveBack()
	reader := &rest{r: repository.NewReader(r.Context(), p.Content), from: from}
	if r.Method == http.MethodGet && p.Size > from { // what is damaged is told before the first byte leaves
		if err := reader.probe(rangeStart(r)); err != nil {
			s.fail(w, r, s.unreadable(r.Context(), err))
			return
		}
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, reader)
}

// rangeStart is where a request wants to begin; 0 when it is not said.
func rangeStart(r *http.Request) int64 {
	text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	start, _, _ := strings.Cut(text, "-")
	n, err := strconv.ParseInt(start, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n
}

// rest is a stream without its beginning.
type rest struct {
	r    *repo.Reader
	from int64
}

func (x *rest) Read(p []byte) (int, error) { return x.r.Read(p) }

func (x *rest) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		offset += x.from
	}
	at, err := x.r.Seek(offset, whence)
	return at - x.from, err
}

// probe reads a byte where a request begins.
func (x *rest) probe(at int64) error {
	if at >= x.r.Size()-x.from {
		at = 0
	}
	if _, err := x.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := x.Read(make([]byte, 1))
	if _, back := x.Seek(0, io.SeekStart); err == nil {
		err = back
	}
	return err
}

// serveFilm plays the film of a motion photo.
func (s *Server) serveFilm(w http.ResponseWriter, r *http.Request) {
	p, ok := s.picture(w, r)
	if !ok {
		return
	}
	h, err := s.head(r.Context(), p)
	if err == nil && (h.Film <= 0 || h.Film >= p.Size) {
		err = errNoPicture
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Disposition", "inline")
	s.stream(w, r, "video/mp4", p, p.Size-h.Film)
}

// plainName is a name that every file system takes.
func plainName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || strings.ContainsRune(`/\:*?"<>|`, c) {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(name, "_"))
	if name = strings.TrimRight(name, ". "); name == "" {
		return "_"
	}
	return name
}
