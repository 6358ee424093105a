package gallery

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"shoebox/gallery/library"
	"shoebox/snapshot"
)

// nights keeps what changed from one snapshot to the next: snapshots never change.
type nights struct {
	mu   sync.Mutex
	kept map[string]*night
}

// night is what one backup found on one device.
type night struct {
	snapshot.Snapshot
	When     string
	Clock    string
	Safe     bool // everything on the device is safe
	First    bool // there is no snapshot before it
	New      []tile
	Changed  []tile
	Gone     []tile
	Counts   struct{ New, Changed, Gone int } // with what is not shown
	Troubled bool                             // the comparison met damaged pages
}

// tile is a picture in a list.
type tile struct {
	ID          string
	Name        string
	Show        bool // it is a picture
	Video       bool
	Orientation uint8
	Address     string
}

// maxTiles bounds what a night shows of each kind.
const maxTiles = 60

func (s *Server) nightPage(w http.ResponseWriter, r *http.Request) {
	l, _, _ := s.shown()
	var all []*night
	for _, i := range l.Newest() {
		all = append(all, s.night(r.Context(), l, l.Snapshots[i]))
	}
	all = append(all, s.brokenOff(r.Context(), l)...)
	slices.SortFunc(all, func(a, b *night) int { return b.Start.Compare(a.Start) })
	s.render(w, r, http.StatusOK, "night", "Last night", all)
}

// brokenOff gives partial snapshots that are newer than the newest complete one of their device.
func (s *Server) brokenOff(ctx context.Context, l *library.Library) (all []*night) {
	seen := make(map[string]bool)
	for _, one := range slices.Backward(l.Snapshots) {
		if one.Attic || seen[one.Device.ID] {
			continue
		}
		seen[one.Device.ID] = true
		if one.Partial {
			all = append(all, s.night(ctx, l, one))
		}
	}
	return all
}

// night finds out what a backup changed.
func (s *Server) night(ctx context.Context, l *library.Library, one snapshot.Snapshot) *night {
	s.nights.mu.Lock()
	n := s.nights.kept[one.Name]
	s.nights.mu.Unlock()
	if n != nil {
		return n
	}
	n = &night{Snapshot: one, When: s.moment(one.Start), Clock: s.clock(one.Start), Safe: !one.Partial && one.Count.Failed == 0}
	before, found := parentOf(l, one)
	if n.First = !found; found {
		s.compare(ctx, l, before, n)
	} else {
		n.Counts.New = int(one.Count.Files)
	}
	if ctx.Err() == nil && !n.Troubled {
		s.nights.mu.Lock()
		defer s.nights.mu.Unlock()
		if s.nights.kept == nil || len(s.nights.kept) > 64 {
			s.nights.kept = make(map[string]*night)
		}
		s.nights.kept[one.Name] = n
	}
	return n
}

// clock is the time of day, with the date unless it is of the last day.
func (s *Server) clock(t time.Time) string {
	if s.o.Now().Sub(t) < 24*time.Hour {
		return t.In(s.o.Zone).Format("15:04")
	}
	return s.moment(t)
}

// parentOf finds the snapshot that one followed.
func parentOf(l *library.Library, one snapshot.Snapshot) (snapshot.Snapshot, bool) {
	for _, other := range l.Snapshots {
		if one.Parent != "" && other.Name == one.Parent {
			return other, true
		}
	}
	return snapshot.Snapshot{}, false
}

func (s *Server) compare(ctx context.Context, l *library.Library, before snapshot.Snapshot, n *night) {
	r, giveBack := s.borrow()
	defer giveBack()
	put := func(to *[]tile, count *int, e *snapshot.Entry) {
		if *count++; len(*to) < maxTiles {
			*to = append(*to, tileOf(l, n.Device.ID, e))
		}
	}
	for c, err := range snapshot.Diff(ctx, r, before, n.Snapshot) {
		switch {
		case err != nil:
			n.Troubled = true
			if ctx.Err() != nil {
				return
			}
		case c.What == snapshot.New:
			put(&n.New, &n.Counts.New, &c.New)
		case c.What == snapshot.Changed:
			put(&n.Changed, &n.Counts.Changed, &c.New)
		case c.What == snapshot.Gone:
			put(&n.Gone, &n.Counts.Gone, &c.Old)
		}
	}
}

func tileOf(l *library.Library, device string, e *snapshot.Entry) tile {
	id := library.IDOf(device, e)
	t := tile{ID: id.String(), Name: printable(e.Path)}
	if p, ok := l.Get(id); ok {
		t.Show, t.Video, t.Orientation, t.Address = p.IsPicture(), p.IsVideo(), p.Orientation, "/picture/"+t.ID
	}
	return t
}
