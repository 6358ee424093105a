package gallery

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"shoebox/gallery/exif"
	"shoebox/gallery/heif"
	"shoebox/gallery/library"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
	"shoebox/snapshot/photo"
)

// pictureBody is what the page of one picture shows at once; the story comes after it.
type pictureBody struct {
	*library.Picture
	Name, Folder, Device string
	When                 time.Time
	Reason               string
	Previous, Next       string // addresses; "" at the ends
	Back                 string
	Address              string // of the query
	Kind                 string // how it is shown: "image", "large", "video", "none"
	Film                 bool
	Gone                 bool
	Position, Total      int
}

func (s *Server) picturePage(w http.ResponseWriter, r *http.Request) {
	p, ok := s.picture(w, r)
	if !ok {
		return
	}
	l, v, _, err := s.view(r.Context(), queryOf(r.URL.Query()))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	address := addressOf(queryOf(r.URL.Query()))
	b := pictureBody{Picture: p, Name: printable(p.Name()), Folder: printable(p.Folder()), Device: l.Devices[p.Device].Name, When: p.TakenAt(), Reason: reasons[p.Source],
		Address: address, Back: "/" + address, Kind: kindOf(p), Gone: l.Gone(p), Total: len(v.Items)}
	if at, ok := l.At(p.ID); ok {
		if i := slices.Index(v.Items, at); i >= 0 {
			b.Position = i + 1
			if i > 0 {
				b.Previous = "/picture/" + l.Pictures[v.Items[i-1]].ID.String() + address
			}
			if i+1 < len(v.Items) {
				b.Next = "/picture/" + l.Pictures[v.Items[i+1]].ID.String() + address
			}
		}
	}
	if h, err := s.head(r.Context(), p); err == nil {
		b.Film = h.Film > 0 && h.Film < p.Size
	}
	s.render(w, r, http.StatusOK, "picture", b.Name, b)
}

// printable replaces what is no text.
func printable(path string) string { return strings.ToValidUTF8(path, "�") }

// kindOf says how a browser shows a picture.
func kindOf(p *library.Picture) string {
	switch {
	case p.IsVideo() && byBrowser(p):
		return "video"
	case p.IsVideo() || p.Type == "image/svg+xml" || !p.IsPicture():
		return "none"
	case byBrowser(p):
		return "image"
	}
	return "large"
}

// reasons say how the day of a picture is known.
var reasons = map[photo.Source]string{photo.Unknown: "not known", photo.ExifOffset: "as the camera wrote it", photo.Exif: "as the camera wrote it", photo.Video: "as the camera wrote it",
	photo.Name: "from the name of the file", photo.ExifModified: "when the file was last edited", photo.ModTime: "when the file was last changed"}

// Fact is a line of what is known.
type Fact struct{ Name, Value string }

// story is what takes a moment to find out.
type story struct {
	*library.Picture
	Facts    []Fact
	Map      string // in words: where it was taken
	Hash     string
	Verified string
	Spans    []span
	Versions []version
	Address  string
	Failed   string
}

// span is a run of snapshots that hold the same version.
type span struct {
	First, Last string
	FirstName   string
	LastName    string
	Count       int
	This        bool
	Absent      bool
}

// version is another version of the same path.
type version struct {
	*library.Picture
	When  string
	Seen  string
	This  bool
	Shown bool
}

func (s *Server) storyPart(w http.ResponseWriter, r *http.Request) {
	p, ok := s.picture(w, r)
	if !ok {
		return
	}
	l, _, _ := s.shown()
	b := story{Picture: p, Hash: hex.EncodeToString(p.Hash[:]), Address: addressOf(queryOf(r.URL.Query())), Verified: s.verified(r.Context(), p)}
	facts, err := s.factsOf(r.Context(), p)
	if err != nil {
		b.Failed = adviceOn(err).Text + " " + adviceOn(err).Next
	}
	b.Facts = lines(facts, p)
	if facts.Located {
		b.Map = fmt.Sprintf("%.5f, %.5f", facts.Latitude, facts.Longitude)
	}
	if b.Spans, err = s.spans(r.Context(), l, p); err != nil {
		b.Failed = adviceOn(s.unreadable(r.Context(), err)).Text
	}
	for _, q := range l.Versions(p) {
		b.Versions = append(b.Versions, version{q, q.TakenAt().Format("2 January 2006, 15:04"), s.moment(time.Unix(q.Modified, 0)), q.ID == p.ID, kindOf(q) == "image" || kindOf(q) == "large"})
	}
	s.render(w, r, http.StatusOK, "story", p.Name(), b)
}

// lines puts facts into words.
func lines(f exif.Facts, p *library.Picture) (all []Fact) {
	add := func(name, value string) {
		if value != "" {
			all = append(all, Fact{name, value})
		}
	}
	camera := f.Camera
	if p.Camera != "" {
		camera = p.Camera
	}
	add("Camera", camera)
	add("Lens", f.Lens)
	settings := slices.DeleteFunc([]string{f.Exposure, f.Aperture, f.Focal}, func(t string) bool { return t == "" })
	if f.ISO != "" {
		settings = append(settings, "ISO "+f.ISO)
	}
	add("Settings", strings.Join(settings, " · "))
	if p.Width > 0 && p.Height > 0 {
		add("Pixels", fmt.Sprintf("%d × %d (%.1f megapixels)", p.Width, p.Height, float64(p.Width)*float64(p.Height)/1e6))
	}
	add("Size", amount.Bytes(p.Size))
	add("Type", p.Type)
	add("Description", f.Description)
	add("Software", f.Software)
	return all
}

// factsOf reads what the file tells: of a JPEG from the head alone.
func (s *Server) factsOf(ctx context.Context, p *library.Picture) (exif.Facts, error) {
	switch {
	case p.Type == "image/jpeg":
		h, err := s.head(ctx, p)
		return h.Facts, err
	case p.Type == "image/heic" || p.Type == "image/heif":
		repository, giveBack := s.borrow()
		defer giveBack()
		f, err := heif.Read(&places{repository.NewReader(ctx, p.Content)}, p.Size)
		if err != nil {
			return exif.Facts{}, nil // no facts
		}
		data, _ := f.Exif()
		return exif.ReadExif(data).Facts, nil
	case strings.HasPrefix(p.Type, "image/x-"):
		repository, giveBack := s.borrow()
		defer giveBack()
		facts, _ := exif.ReadRaw(&places{repository.NewReader(ctx, p.Content)})
		return facts, nil
	case p.Type == "image/png" && len(p.Content) > 0 && p.Content[0].Kind == headPart:
		repository, giveBack := s.borrow()
		defer giveBack()
		data, err := repository.Chunk(ctx, p.Content[0])
		if err != nil {
			return exif.Facts{}, s.unreadable(ctx, err)
		}
		return exif.ReadPNG(data).Facts, nil
	}
	return exif.Facts{}, nil
}

// places reads anywhere in a stream.
type places struct{ io.ReadSeeker }

func (x *places) ReadAt(b []byte, off int64) (int, error) {
	if _, err := x.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(x, b)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// maxHistory is of how many snapshots a picture's history is told, the newest.
const maxHistory = 1000

// spans tells in which snapshots the path was, as which version.
func (s *Server) spans(ctx context.Context, l *library.Library, p *library.Picture) (all []span, err error) {
	repository, giveBack := s.borrow()
	defer giveBack()
	of := l.Of(p.Device)
	of = of[max(len(of)-maxHistory, 0):]
	history, err := snapshot.History(ctx, repository, of, p.Path)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(of))
	for i, one := range of {
		at[one.Name] = i
	}
	for _, v := range history {
		all = append(all, span{First: s.moment(v.First.Start), Last: s.moment(v.Last.Start), FirstName: v.First.Name, LastName: v.Last.Name, Count: at[v.Last.Name] - at[v.First.Name] + 1,
			Absent: v.Absent, This: !v.Absent && v.Entry.Hash == p.Hash && v.Entry.ModTime.Unix() == p.Modified})
	}
	slices.Reverse(all)
	return all, nil
}

func verifiedName(p *library.Picture) string { return "verified/" + hex.EncodeToString(p.Hash[:]) }

// verified says when the bytes were last read whole and held against their hash on this machine, by this page or by a check; "" for never.
func (s *Server) verified(ctx context.Context, p *library.Picture) string {
	var last time.Time
	if data, ok := s.shelf.Get(verifiedName(p)); ok {
		if n, err := strconv.ParseInt(string(data), 10, 64); err == nil {
			last = time.Unix(n, 0)
		}
	}
	if e, err := s.entry(ctx, p); err == nil {
		repository, giveBack := s.borrow()
		defer giveBack()
		if at, err := repository.Verified(ctx, e.Content); err == nil && at.After(last) {
			last = at
		}
	}
	if last.IsZero() {
		return ""
	}
	return s.moment(last)
}

// verify reads a picture whole and holds it against the hash it had on the device.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	p, ok := s.picture(w, r)
	if !ok {
		return
	}
	if err := s.proveWhole(r.Context(), p); err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, http.StatusOK, map[string]string{"state": "whole", "text": "Every byte is as it was on the device: " + s.verified(r.Context(), p)})
}

func (s *Server) proveWhole(ctx context.Context, p *library.Picture) error {
	e, err := s.entry(ctx, p)
	if err != nil {
		return err
	}
	repository, giveBack := s.borrow()
	defer giveBack()
	if _, err := io.Copy(io.Discard, snapshot.Open(ctx, repository, e)); err != nil {
		return s.unreadable(ctx, err)
	}
	if err := s.shelf.Put(verifiedName(p), strconv.AppendInt(nil, s.o.Now().Unix(), 10)); err != nil {
		s.o.Log(err.Error())
	}
	return nil
}

// entry reads the whole entry of a picture from a snapshot that holds it.
func (s *Server) entry(ctx context.Context, p *library.Picture) (snapshot.Entry, error) {
	l, _, _ := s.shown()
	repository, giveBack := s.borrow()
	defer giveBack()
	e, err := snapshot.Lookup(ctx, repository, l.Holder(p), p.Path)
	if err != nil {
		return e, s.unreadable(ctx, err)
	}
	return e, nil
}
