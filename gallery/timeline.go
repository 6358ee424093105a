package gallery

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"shoebox/gallery/library"
)

// views keeps what was found last, as a page asks for it piece by piece.
type views struct {
	mu   sync.Mutex
	kept []keptView // newest last
}

type keptView struct {
	key        string
	generation int64
	view       *library.View
}

const maxViews = 8

func (v *views) get(key string, generation int64) *library.View {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, k := range v.kept {
		if k.key == key && k.generation == generation {
			return k.view
		}
	}
	return nil
}

func (v *views) put(k keptView) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept = slices.DeleteFunc(v.kept, func(old keptView) bool { return old.key == k.key })
	if v.kept = append(v.kept, k); len(v.kept) > maxViews {
		v.kept = slices.Delete(v.kept, 0, 1)
	}
}

// queryOf reads which pictures a page is about. Its names are those of the addresses.
func queryOf(v url.Values) library.Query {
	return library.Query{Text: v.Get("q"), Snapshot: v.Get("snapshot"), AsOf: v.Get("asof"), Device: v.Get("device"), Folder: strings.Trim(v.Get("folder"), "/"), Attic: v.Has("attic")}
}

// addressOf is the query as part of an address; "" for the zero value.
func addressOf(q library.Query) string {
	v := url.Values{}
	for name, value := range map[string]string{"q": q.Text, "snapshot": q.Snapshot, "asof": q.AsOf, "device": q.Device, "folder": q.Folder} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Attic {
		v.Set("attic", "1")
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// view finds the pictures of a query.
func (s *Server) view(ctx context.Context, q library.Query) (*library.Library, *library.View, int64, error) {
	l, generation, trouble := s.shown()
	if l == nil {
		if trouble != nil {
			return nil, nil, 0, errGone
		}
		return nil, nil, 0, errReading
	}
	if v := s.views.get(q.Key(), generation); v != nil {
		return l, v, generation, nil
	}
	r, giveBack := s.borrow()
	defer giveBack()
	v, err := l.View(ctx, r, q, s.o.Zone)
	if err != nil {
		return nil, nil, 0, err
	}
	s.views.put(keptView{q.Key(), generation, v})
	return l, v, generation, nil
}

// serveDays tells how many pictures there are of each day: all that a page needs to know how tall it is.
func (s *Server) serveDays(w http.ResponseWriter, r *http.Request) {
	_, v, generation, err := s.view(r.Context(), queryOf(r.URL.Query()))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	days := make([][2]int32, len(v.Days))
	for i, d := range v.Days {
		days[i] = [2]int32{d.Day, int32(d.Count)}
	}
	s.answer(w, http.StatusOK, map[string]any{"generation": generation, "total": len(v.Items), "days": days})
}

// Flags of an item.
const (
	isVideo  = 1
	hasSmall = 2  // its thumbnail is made
	mayBe    = 4  // it may have an embedded preview
	isGone   = 8  // no longer on the device
	unshown  = 16 // nothing here shows it
)

// maxItems is how many are told of at once.
const maxItems = 500

// serveItems tells of some pictures of a view: id, flags, orientation, name.
func (s *Server) serveItems(w http.ResponseWriter, r *http.Request) {
	l, v, generation, err := s.view(r.Context(), queryOf(r.URL.Query()))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 {
		s.fail(w, r, errAsked)
		return
	}
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 1 || n > maxItems {
		s.fail(w, r, errAsked)
		return
	}
	from = min(from, len(v.Items))
	items := make([][4]any, 0, n)
	for _, at := range v.Items[from:min(from+n, len(v.Items))] {
		p := &l.Pictures[at]
		items = append(items, [4]any{p.ID.String(), s.flags(l, p), p.Orientation, strings.ToValidUTF8(p.Name(), "�")})
	}
	s.answer(w, http.StatusOK, map[string]any{"generation": generation, "items": items})
}

func (s *Server) flags(l *library.Library, p *library.Picture) (f int) {
	if p.IsVideo() {
		f |= isVideo
	}
	if s.shelf.Has(smallName(p)) {
		f |= hasSmall
	}
	if hasHead(p) {
		f |= mayBe
	}
	if l.Gone(p) {
		f |= isGone
	}
	if p.IsVideo() && f&hasSmall == 0 && s.o.FFmpeg == "" {
		f |= unshown
	}
	return f
}

// serveWhere tells where in a view a picture stands; -1 for nowhere.
func (s *Server) serveWhere(w http.ResponseWriter, r *http.Request) {
	l, v, _, err := s.view(r.Context(), queryOf(r.URL.Query()))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	index := -1
	if id, ok := library.ParseID(r.URL.Query().Get("id")); ok {
		if at, ok := l.At(id); ok {
			index = slices.Index(v.Items, at)
		}
	}
	s.answer(w, http.StatusOK, map[string]int{"index": index})
}

// serveState tells pages whether there is something new, and whether something is wrong.
func (s *Server) serveState(w http.ResponseWriter, r *http.Request) {
	l, generation, trouble := s.shown()
	state := map[string]any{"generation": generation, "ready": l != nil}
	if trouble != nil {
		state["trouble"] = adviceOn(errGone)
	}
	if l != nil {
		state["snapshots"], state["damaged"] = len(l.Snapshots), l.Damaged
	}
	s.answer(w, http.StatusOK, state)
}

// about says in words what a view shows.
func (s *Server) about(l *library.Library, q library.Query) string {
	switch {
	case q.Attic:
		return "Attic"
	case q.Snapshot != "":
		for _, one := range l.Snapshots {
			if one.Name == q.Snapshot {
				return one.Device.Name + " as of " + s.moment(one.Start)
			}
		}
	case q.AsOf != "":
		if day, err := time.Parse(time.DateOnly, q.AsOf); err == nil {
			return "The library as of " + day.Format("Monday, 2 January 2006")
		}
	case q.Folder != "" || q.Device != "":
		name := ""
		for _, d := range l.Devices {
			if d.ID == q.Device {
				name = d.Name
			}
		}
		return strings.TrimPrefix(name+" / "+strings.ReplaceAll(strings.ToValidUTF8(q.Folder, "�"), "/", " / "), " / ")
	case q.Text != "":
		return "Search: " + q.Text
	}
	return ""
}

// moment is a time as a person reads it, in the zone of this machine.
func (s *Server) moment(t time.Time) string { return t.In(s.o.Zone).Format("2 January 2006, 15:04") }
