package gallery

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"shoebox/gallery/library"
	"shoebox/snapshot"
)

// month is one of a calendar: whole weeks, from Monday on.
type month struct {
	Name  string
	Weeks [][7]calendarDay
}

type calendarDay struct {
	Number    int    // of the month; 0 outside it
	Date      string // as AsOf has it
	Snapshots int
	New       int64
	Trouble   bool
	Label     string
}

// listedSnapshot is a line of the list beside the calendar.
type listedSnapshot struct {
	snapshot.Snapshot
	When    string
	Address string
	Words   string
}

func (s *Server) snapshotsPage(w http.ResponseWriter, r *http.Request) {
	l, _, _ := s.shown()
	body := struct {
		Months []month
		List   []listedSnapshot
		Total  int
	}{s.months(l), nil, len(l.Snapshots)}
	for _, one := range slices.Backward(l.Snapshots) {
		if len(body.List) == 400 {
			break
		}
		body.List = append(body.List, listedSnapshot{one, s.moment(one.Start), addressOf(library.Query{Snapshot: one.Name}), countsOf(one)})
	}
	s.render(w, r, http.StatusOK, "snapshots", "Snapshots", body)
}

// countsOf says what a snapshot found.
func countsOf(one snapshot.Snapshot) string {
	text := plural(int(one.Count.Files), "file")
	for _, n := range []struct {
		count int64
		what  string
	}{{one.Count.New, "new"}, {one.Count.Changed, "changed"}, {one.Count.Gone, "gone"}, {one.Count.Failed, "not readable"}} {
		if n.count > 0 {
			text += ", " + number(int(n.count)) + " " + n.what
		}
	}
	return text
}

// months lays out those that have snapshots, newest first.
func (s *Server) months(l *library.Library) (all []month) {
	days := make(map[string]*calendarDay)
	var order []time.Time
	for _, one := range l.Snapshots {
		if one.Attic {
			continue
		}
		at := one.Start.In(s.o.Zone)
		date := at.Format(time.DateOnly)
		if days[date] == nil {
			days[date] = new(calendarDay)
		}
		d := days[date]
		d.Snapshots, d.New, d.Trouble = d.Snapshots+1, d.New+one.Count.New, d.Trouble || one.Partial || one.Count.Failed > 0
		first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		if !slices.Contains(order, first) {
			order = append(order, first)
		}
	}
	slices.SortFunc(order, func(a, b time.Time) int { return b.Compare(a) })
	for _, first := range order[:min(len(order), 36)] {
		all = append(all, lay(first, days))
	}
	return all
}

func lay(first time.Time, days map[string]*calendarDay) month {
	m := month{Name: first.Format("January 2006")}
	column := (int(first.Weekday()) + 6) % 7
	var week [7]calendarDay
	for day := first; day.Month() == first.Month(); day = day.AddDate(0, 0, 1) {
		date := day.Format(time.DateOnly)
		d := calendarDay{}
		if known := days[date]; known != nil {
			d = *known
			d.Label = day.Format("2 January 2006") + ": " + plural(d.Snapshots, "snapshot") + ", " + plural(int(d.New), "new file")
		}
		d.Number, d.Date = day.Day(), date
		week[column] = d
		if column++; column == 7 {
			m.Weeks, week, column = append(m.Weeks, week), [7]calendarDay{}, 0
		}
	}
	if column > 0 {
		m.Weeks = append(m.Weeks, week)
	}
	return m
}

// album is a folder that holds pictures.
type album struct {
	library.Folder
	Name, Where string
	Address     string
	Small       bool
	Orientation uint8
}

func (s *Server) albumsPage(w http.ResponseWriter, r *http.Request) {
	l, _, _ := s.shown()
	var all []album
	for _, f := range l.Folders() {
		q := library.Query{Device: l.Devices[f.Device].ID, Folder: f.Path}
		name := printable(f.Path[strings.LastIndexByte(f.Path, '/')+1:])
		if name == "" {
			name = l.Devices[f.Device].Name
		}
		a := album{Folder: f, Name: name, Where: l.Devices[f.Device].Name + " · " + printable(f.Path), Address: addressOf(q)}
		all = append(all, a)
	}
	s.render(w, r, http.StatusOK, "albums", "Albums", all)
}

// searchPage offers what there is to search by. What is typed leads to the timeline.
func (s *Server) searchPage(w http.ResponseWriter, r *http.Request) {
	l, _, _ := s.shown()
	body := struct {
		Cameras, Types []library.Facet
		Years          []int
	}{Cameras: l.Cameras(), Types: l.Types()}
	for i := range l.Pictures {
		if y := l.Pictures[i].TakenAt().Year(); len(body.Years) == 0 || body.Years[len(body.Years)-1] != y {
			body.Years = append(body.Years, y)
		}
	}
	for i := range body.Cameras { // a word of the search has no spaces in it
		body.Cameras[i].Value = strings.TrimSpace(body.Cameras[i].Value)
	}
	s.render(w, r, http.StatusOK, "search", "Search", body)
}
