package gallery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"shoebox/gallery/exif"
	"shoebox/gallery/thumb"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// Phones are those that can be plugged in. Errors say what to do.
type Phones interface {
	// Plugged lists them.
	Plugged(ctx context.Context) ([]Phone, error)
	// NotSafe lists the files on a phone that its newest snapshot does not hold, and counts those that it does.
	NotSafe(ctx context.Context, r *repo.Repo, id string) (waiting []Waiting, safe int, err error)
	// Read opens a file that NotSafe listed. It may be closed early.
	Read(ctx context.Context, id string, f Waiting) (io.ReadCloser, error)
	// Backup takes a snapshot: of what is safe already, and of the chosen paths; nil for everything.
	Backup(ctx context.Context, r *repo.Repo, id string, chosen []string, p *snapshot.Progress) (snapshot.Snapshot, error)
}

// Phone is one that is plugged in.
type Phone struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Ready   bool   `json:"ready"`
	Trouble string `json:"trouble,omitempty"` // what to do before it can be read
}

// Waiting is a file on a phone that is not yet safe.
type Waiting struct {
	Path    string
	Size    int64
	ModTime time.Time
	Taken   time.Time
	Type    string // media type by its name
	Changed bool   // an older version of it is safe
}

func (f Waiting) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", f.Path, f.Size, f.ModTime.UnixNano()))
	return hex.EncodeToString(sum[:8])
}

// listings keeps what was found on each phone.
type listings struct {
	mu   sync.Mutex
	kept map[string]listing // by the phone's id
	read sync.Mutex         // one picture at a time is read off phones: the cable is slow
}

type listing struct {
	waiting map[string]Waiting
	safe    int
}

func (s *Server) phonePage(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "phone", "Phone", nil)
}

func (s *Server) servePhones(w http.ResponseWriter, r *http.Request) {
	all, err := s.o.Phones.Plugged(r.Context())
	if err != nil {
		s.phoneFail(w, err)
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"phones": all})
}

// phoneFail says what is wrong with a phone: its errors name the next step themselves.
func (s *Server) phoneFail(w http.ResponseWriter, err error) {
	s.answer(w, http.StatusServiceUnavailable, advice{State: "phone", Text: sentence(err)})
}

// serveWaiting lists what on a phone is not yet safe.
func (s *Server) serveWaiting(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("phone")
	repository, giveBack := s.borrow()
	defer giveBack()
	all, safe, err := s.o.Phones.NotSafe(r.Context(), repository, id)
	if err != nil {
		s.phoneFail(w, err)
		return
	}
	slices.SortFunc(all, func(a, b Waiting) int { return b.Taken.Compare(a.Taken) })
	l := listing{make(map[string]Waiting), safe}
	items := make([]map[string]any, 0, len(all))
	for _, f := range all {
		l.waiting[f.id()] = f
		items = append(items, map[string]any{"id": f.id(), "name": printable(f.Path), "size": amount.Bytes(f.Size), "bytes": f.Size, "day": f.Taken.Format("2 January 2006"),
			"video": isFilm(f.Type), "changed": f.Changed})
	}
	s.listed.mu.Lock()
	if s.listed.kept == nil || len(s.listed.kept) > 16 {
		s.listed.kept = make(map[string]listing)
	}
	s.listed.kept[id] = l
	s.listed.mu.Unlock()
	s.answer(w, http.StatusOK, map[string]any{"waiting": items, "safe": safe})
}

func isFilm(kind string) bool { return len(kind) > 6 && kind[:6] == "video/" }

func (s *Server) listing(phone string) (listing, bool) {
	s.listed.mu.Lock()
	defer s.listed.mu.Unlock()
	l, ok := s.listed.kept[phone]
	return l, ok
}

// enoughForPreview is how much of a picture is read off a phone to find the preview in it.
const enoughForPreview = 256 << 10

// largestWhole bounds a picture that is read whole off a phone for its thumbnail, in bytes.
const largestWhole = 24 << 20

// serveWaitingSmall gives a thumbnail of a file on a phone: the preview in its first bytes, else one made of all of it.
func (s *Server) serveWaitingSmall(w http.ResponseWriter, r *http.Request) {
	phone := r.URL.Query().Get("phone")
	l, _ := s.listing(phone)
	f, ok := l.waiting[r.PathValue("id")]
	if !ok || isFilm(f.Type) {
		s.fail(w, r, errNoPicture)
		return
	}
	name := "phone/" + f.id()
	if data, ok := s.shelf.Get(name); ok {
		s.jpeg(w, r, data, nil)
		return
	}
	data, err := s.waitingSmall(r.Context(), phone, f)
	if err == nil {
		if err := s.shelf.Put(name, data); err != nil {
			s.o.Log(err.Error())
		}
	}
	s.jpeg(w, r, data, err)
}

func (s *Server) waitingSmall(ctx context.Context, phone string, f Waiting) ([]byte, error) {
	s.listed.read.Lock()
	defer s.listed.read.Unlock()
	stream, err := s.o.Phones.Read(ctx, phone, f)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	head, err := io.ReadAll(io.LimitReader(stream, enoughForPreview))
	if err != nil {
		return nil, err
	}
	h := exif.ReadJPEG(head)
	if h.Preview != nil {
		return s.maker.Small(ctx, thumb.Picture{Type: "image/jpeg", Size: int64(len(h.Preview)), Orientation: h.Turned, Bytes: bytes.NewReader(h.Preview)})
	}
	if f.Size > largestWhole {
		return nil, thumb.ErrHuge
	}
	rest, err := io.ReadAll(io.LimitReader(stream, largestWhole))
	if err != nil {
		return nil, err
	}
	whole := append(head, rest...)
	return s.maker.Small(ctx, thumb.Picture{Type: f.Type, Size: int64(len(whole)), Orientation: h.Turned, Bytes: bytes.NewReader(whole)})
}

// jobs holds the backup that runs, or ran last: there is one at a time.
type jobs struct {
	mu  sync.Mutex
	now *job
}

type job struct {
	progress snapshot.Progress
	mu       sync.Mutex
	done     bool
	failed   error
	made     snapshot.Snapshot
}

var errBusy = errors.New("a backup is running already; wait until it is done")

// serveBackup starts a backup of what was selected. It goes on when the page is left.
func (s *Server) serveBackup(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Phone string
		IDs   []string
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.IDs) == 0 {
		s.fail(w, r, errAsked)
		return
	}
	l, _ := s.listing(asked.Phone)
	var paths []string
	for _, id := range asked.IDs {
		f, ok := l.waiting[id]
		if !ok {
			s.fail(w, r, fmt.Errorf("%w: the phone was looked at anew meanwhile", errAsked))
			return
		}
		paths = append(paths, f.Path)
	}
	j, err := s.jobs.begin()
	if err != nil {
		s.answer(w, http.StatusConflict, advice{State: "busy", Text: sentence(err)})
		return
	}
	s.running.Go(func() { s.backup(j, asked.Phone, paths) })
	s.answer(w, http.StatusAccepted, map[string]string{"state": "begun"})
}

func (j *jobs) begin() (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now != nil && !j.now.ended() {
		return nil, errBusy
	}
	j.now = new(job)
	return j.now, nil
}

func (j *job) ended() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done
}

func (s *Server) backup(j *job, phone string, paths []string) {
	r, giveBack := s.borrow()
	defer giveBack()
	made, err := s.o.Phones.Backup(s.ctx, r, phone, paths, &j.progress)
	j.mu.Lock()
	j.made, j.failed, j.done = made, err, true
	j.mu.Unlock()
	s.look() // the new snapshot appears at once
}

// serveJob tells how far the backup is.
func (s *Server) serveJob(w http.ResponseWriter, _ *http.Request) {
	s.jobs.mu.Lock()
	j := s.jobs.now
	s.jobs.mu.Unlock()
	if j == nil {
		s.answer(w, http.StatusOK, map[string]any{"state": "none"})
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	p := &j.progress
	state := map[string]any{"state": "running", "files": p.Files.Load(), "found": p.Found.Load(), "read": p.Read.Load(), "toRead": p.ToRead.Load(), "failed": p.Failed.Load(),
		"text": fmt.Sprintf("%s of %s", amount.Bytes(p.Read.Load()), amount.Bytes(max(p.ToRead.Load(), p.Read.Load())))}
	switch {
	case j.done && j.failed != nil:
		state["state"], state["text"] = "failed", sentence(j.failed)
	case j.done:
		state["state"], state["snapshot"] = "done", j.made.Name
		state["text"] = fmt.Sprintf("%s safe as of %s.", plural(int(j.made.Count.Files), "file"), j.made.Start.In(s.o.Zone).Format("15:04"))
		if j.made.Count.Failed > 0 {
			state["text"] = fmt.Sprintf("%s safe; %s could not be read.", plural(int(j.made.Count.Files), "file"), plural(int(j.made.Count.Failed), "file"))
		}
	}
	s.answer(w, http.StatusOK, state)
}
