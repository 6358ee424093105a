package library

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"shoebox/repo"
	"shoebox/snapshot"
)

// Query says which pictures are shown. The zero value is all there are, each path in its newest version, the same bytes once.
type Query struct {
	Text     string // words, all of which must fit; see word
	Snapshot string // by its name: what it holds
	AsOf     string // a day such as 2026-11-03: what all devices held at its end
	Device   string // by its ID
	Folder   string // path of a folder of the device, and all below
	Attic    bool   // last copies alone
}

// Day is a day and how many pictures of a view were taken on it.
type Day struct {
	Day   int32 // since 1970
	Count int
}

// View is the pictures that fit a query, in the order of Pictures: newest first.
type View struct {
	Items []int32
	Days  []Day
}

// View finds what fits. It reads pages of snapshots only where pictures came, went, and came again.
func (l *Library) View(ctx context.Context, r *repo.Repo, q Query, loc *time.Location) (*View, error) {
	chosen, all, err := l.chosen(q, loc)
	if err != nil {
		return nil, err
	}
	holds, err := l.holds(ctx, r, chosen, all)
	if err != nil {
		return nil, err
	}
	words := parse(q.Text)
	other := strings.Contains(q.Text, "type:other")
	v := new(View)
	seen := make(map[[32]byte]bool)
	for i := range l.Pictures {
		p := &l.Pictures[i]
		if all && (p.Old || p.Twin && q.Device == "") || p.IsPicture() == other || !holds(int32(i)) || !l.inFolder(p, q) || !words.match(p) {
			continue
		}
		if !all && q.Device == "" {
			if seen[p.Hash] {
				continue
			}
			seen[p.Hash] = true
		}
		v.add(int32(i), p.Day())
	}
	return v, nil
}

func (v *View) add(i, day int32) {
	v.Items = append(v.Items, i)
	if n := len(v.Days); n > 0 && v.Days[n-1].Day == day {
		v.Days[n-1].Count++
		return
	}
	v.Days = append(v.Days, Day{day, 1})
}

func (l *Library) inFolder(p *Picture, q Query) bool {
	if q.Device != "" && l.Devices[p.Device].ID != q.Device {
		return false
	}
	return q.Folder == "" || strings.HasPrefix(p.Path, q.Folder) && len(p.Path) > len(q.Folder) && p.Path[len(q.Folder)] == '/'
}

// chosen are the snapshots that a query is about; all is true when it is about none in particular.
func (l *Library) chosen(q Query, loc *time.Location) (chosen []int32, all bool, err error) {
	switch {
	case q.Attic:
		for i, s := range l.Snapshots {
			if s.Attic {
				chosen = append(chosen, int32(i))
			}
		}
	case q.Snapshot != "":
		for i, s := range l.Snapshots {
			if s.Name == q.Snapshot {
				return []int32{int32(i)}, false, nil
			}
		}
		return nil, false, fmt.Errorf("there is no snapshot %.40s any more; pick another one", q.Snapshot)
	case q.AsOf != "":
		day, err := time.ParseInLocation(time.DateOnly, q.AsOf, loc)
		if err != nil {
			return nil, false, fmt.Errorf("%.40q is no day; it is written like 2026-11-03", q.AsOf)
		}
		return l.asOf(day.AddDate(0, 0, 1)), false, nil
	default:
		return nil, true, nil
	}
	return chosen, false, nil
}

// asOf gives of each device the last snapshot begun before a moment: a complete one, if there is any.
func (l *Library) asOf(end time.Time) (chosen []int32) {
	last := make([]int32, len(l.Devices))
	for i := range last {
		last[i] = -1
	}
	for i, s := range l.Snapshots {
		d := l.device[i]
		if s.Attic || !s.Start.Before(end) || s.Partial && last[d] >= 0 {
			continue
		}
		last[d] = int32(i)
	}
	for _, i := range last {
		if i >= 0 {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// holds gives a function that tells whether any of the snapshots holds a picture.
func (l *Library) holds(ctx context.Context, r *repo.Repo, chosen []int32, all bool) (func(int32) bool, error) {
	if all {
		return func(int32) bool { return true }, nil
	}
	sure := make([]bool, len(l.Pictures))
	for _, s := range chosen {
		doubt := false
		for i := range l.Pictures {
			p := &l.Pictures[i]
			if p.Device != l.device[s] || s < p.First || s > p.Last {
				continue
			}
			if p.In == l.ordinal[p.Last]-l.ordinal[p.First]+1 || s == p.First || s == p.Last {
				sure[i] = true
			} else {
				doubt = true
			}
		}
		if doubt {
			if err := l.walk(ctx, r, s, sure); err != nil {
				return nil, err
			}
		}
	}
	return func(i int32) bool { return sure[i] }, nil
}

// walk reads a snapshot's own list. Pages that cannot be read are left out: what they hold is not shown.
func (l *Library) walk(ctx context.Context, r *repo.Repo, s int32, sure []bool) error {
	for e, err := range snapshot.Entries(ctx, r, l.Snapshots[s]) {
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			continue
		}
		if i, ok := l.byID[IDOf(l.Snapshots[s].Device.ID, &e)]; ok {
			sure[i] = true
		}
	}
	return nil
}

// words are what a person typed; all must fit.
type words []word

// word fits a picture in one of several ways: by a part of its path or camera, by a date, by its type.
type word struct {
	text  string // in lower case
	field string // "type", "camera", "name", "folder", or "" for any
	from  int32  // days since 1970; from < to for a date
	to    int32
	month time.Month // of any year
}

func parse(text string) (all words) {
	for _, w := range strings.Fields(strings.ToLower(text)) {
		field, value, found := strings.Cut(w, ":")
		if found && slices.Contains([]string{"type", "camera", "name", "folder", "date"}, field) {
			x := dated(value)
			x.text, x.field = value, field
			all = append(all, x)
			continue
		}
		x := dated(w)
		x.text = w
		all = append(all, x)
	}
	return all
}

// dated reads a day, a month, a year, or the name of a month.
func dated(w string) (x word) {
	for _, layout := range []struct {
		text                string
		years, months, days int
	}{{"2006-01-02", 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if t, err := time.Parse(layout.text, w); err == nil {
			x.from, x.to = daysOf(t), daysOf(t.AddDate(layout.years, layout.months, layout.days))
			return x
		}
	}
	for m := time.January; m <= time.December; m++ {
		if name := strings.ToLower(m.String()); w == name || len(w) == 3 && strings.HasPrefix(name, w) {
			x.month = m
		}
	}
	return x
}

func daysOf(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }

func (all words) match(p *Picture) bool {
	for i := range all {
		if !all[i].match(p) {
			return false
		}
	}
	return true
}

func (w *word) match(p *Picture) bool {
	switch w.field {
	case "type":
		return typeFits(w.text, p)
	case "camera":
		return contains(p.Camera, w.text)
	case "name":
		return contains(p.Name(), w.text)
	case "folder":
		return contains(p.Folder(), w.text)
	case "date":
		return w.onDate(p)
	}
	return w.onDate(p) || contains(p.Path, w.text) || contains(p.Camera, w.text) || w.text == kind(p)
}

func (w *word) onDate(p *Picture) bool {
	if w.month != 0 {
		return p.TakenAt().Month() == w.month
	}
	day := p.Day()
	return w.from < w.to && w.from <= day && day < w.to
}

// kind is the word for what a picture is.
func kind(p *Picture) string {
	if p.IsVideo() {
		return "video"
	}
	return "photo"
}

func typeFits(text string, p *Picture) bool {
	switch text {
	case "video", "videos":
		return p.IsVideo()
	case "photo", "photos", "picture", "image":
		return p.IsPicture() && !p.IsVideo()
	case "other":
		return !p.IsPicture()
	case "screenshot", "screenshots":
		return contains(p.Path, "screenshot")
	}
	return contains(p.Type, text) || contains(p.Name(), "."+text)
}

// contains looks for small letters in text of any letters. It makes nothing: a search looks at every picture.
func contains(text, small string) bool {
	if small == "" {
		return true
	}
	if small[0] >= utf8.RuneSelf {
		return strings.Contains(strings.ToLower(text), small)
	}
	for i := 0; i+len(small) <= len(text); i++ {
		if lower(text[i]) == small[0] && (text[i:i+len(small)] == small || strings.EqualFold(text[i:i+len(small)], small)) {
			return true
		}
	}
	return false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Facet is a value that some pictures have, and how many.
type Facet struct {
	Value string
	Count int
}

// Cameras lists the cameras, the one with the most pictures first.
func (l *Library) Cameras() []Facet {
	return l.facets(func(p *Picture) string { return p.Camera })
}

// Types lists the media types.
func (l *Library) Types() []Facet {
	return l.facets(func(p *Picture) string { return p.Type })
}

func (l *Library) facets(of func(*Picture) string) (all []Facet) {
	counts := make(map[string]int)
	for i := range l.Pictures {
		if p := &l.Pictures[i]; !p.Old && p.IsPicture() {
			counts[of(p)]++
		}
	}
	for value, n := range counts {
		if value != "" {
			all = append(all, Facet{value, n})
		}
	}
	slices.SortFunc(all, func(a, b Facet) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Value, b.Value)
	})
	return all
}

// Folder is a folder of a device that holds pictures itself.
type Folder struct {
	Device int16
	Path   string
	Count  int
	Cover  ID // its newest picture
	Newest int64
}

// Folders lists them, the one with the newest picture first.
func (l *Library) Folders() (all []Folder) {
	type place struct {
		device int16
		path   string
	}
	at := make(map[place]int)
	for i := range l.Pictures {
		p := &l.Pictures[i]
		if p.Old || !p.IsPicture() {
			continue
		}
		where := place{p.Device, p.Folder()}
		n, ok := at[where]
		if !ok {
			n, at[where] = len(all), len(all)
			all = append(all, Folder{Device: p.Device, Path: where.path, Cover: p.ID, Newest: p.Taken})
		}
		all[n].Count++
	}
	return all
}

// Key is the query as text, to keep its view under.
func (q Query) Key() string {
	return strings.Join([]string{q.Text, q.Snapshot, q.AsOf, q.Device, q.Folder, strconv.FormatBool(q.Attic)}, "\x00")
}
