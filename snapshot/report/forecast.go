package report

import (
	"time"

	"shoebox/snapshot"
)

// forecast tells how fast the repository grows, and until when there is room. The first backup of a device is no growth: it comes once. What was
// forgotten since is not counted, so that a repository that forgets seems to grow more slowly than it does.
func (r *Repository) forecast(all []snapshot.Snapshot, now time.Time) {
	if len(all) == 0 || now.Sub(all[0].Start) < historyLeast {
		return
	}
	r.Growth30, r.Growth90 = growth(all, now, 30), growth(all, now, 90)
	if perDay := max(r.Growth30, r.Growth90); perDay > 0 && r.Free > 0 {
		if days := r.Free / perDay; days <= forecastMost {
			r.FullInDays = int(max(days, 1))
		}
	}
}

const (
	historyLeast = 7 * day // before that nothing is foretold
	forecastMost = 3650    // days: beyond them it is not said
)

// growth is the bytes stored a day over the last days.
func growth(all []snapshot.Snapshot, now time.Time, days int) int64 {
	var stored int64
	from := now.Add(-time.Duration(days) * day)
	for _, s := range all {
		first := s.Parent == "" && !s.Attic // until one was not cut off, none is a parent
		if !first && s.Start.After(from) && !s.Start.After(now) {
			stored += s.Count.Stored
		}
	}
	span := min(now.Sub(all[0].Start), time.Duration(days)*day)
	return int64(float64(stored) / max(span.Hours()/24, 1))
}
