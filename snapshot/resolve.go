package snapshot

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Resolve finds the snapshot a person means: "latest", "latest~2" (two before it), a date such as "2026-11-20" or
// "yesterday" or "today" (the last one begun that day, in loc), "attic" where one device has one, or the unique beginning of its
// name. An attic is found by its name and as "attic" alone. snapshots must be as List gives them, oldest first.
func Resolve(snapshots []Snapshot, text string, now time.Time, loc *time.Location) (Snapshot, error) {
	if len(snapshots) == 0 {
		return Snapshot{}, fmt.Errorf("there are no snapshots yet; `shoebox backup` makes one")
	}
	if text == "attic" {
		return onlyAttic(snapshots)
	}
	if back, ok := strings.CutPrefix(text, "latest"); ok {
		return latest(nights(snapshots), back, text)
	}
	if day, ok := parseDay(text, now, loc); ok {
		return lastOfDay(nights(snapshots), day, loc)
	}
	return byName(snapshots, text)
}

// nights are the snapshots without attics.
func nights(snapshots []Snapshot) (all []Snapshot) {
	for _, s := range snapshots {
		if !s.Attic {
			all = append(all, s)
		}
	}
	return all
}

// onlyAttic gives the newest attic of the only device that has one.
func onlyAttic(snapshots []Snapshot) (found Snapshot, err error) {
	for _, s := range snapshots {
		if !s.Attic {
			continue
		}
		if found.Name != "" && found.Device.ID != s.Device.ID {
			return Snapshot{}, fmt.Errorf("several devices have an attic; say which by its ID, which `shoebox snapshots` lists")
		}
		found = s
	}
	if found.Name == "" {
		return found, fmt.Errorf("there is no attic: nothing was forgotten that only a forgotten snapshot held")
	}
	return found, nil
}

func latest(snapshots []Snapshot, back, text string) (Snapshot, error) {
	n := 0
	if back != "" {
		var err error
		if n, err = strconv.Atoi(strings.TrimPrefix(back, "~")); err != nil || n < 0 || back[0] != '~' {
			return Snapshot{}, fmt.Errorf("%q is no name of a snapshot: it is `latest`, or `latest~2` for two before it", text)
		}
	}
	switch {
	case len(snapshots) == 0:
		return Snapshot{}, fmt.Errorf("there is no snapshot left but the attic; `shoebox backup` makes one")
	case n >= len(snapshots):
		return Snapshot{}, fmt.Errorf("%q goes back further than there are snapshots; the oldest is latest~%d", text, len(snapshots)-1)
	}
	return snapshots[len(snapshots)-1-n], nil
}

// parseDay understands today, yesterday and YYYY-MM-DD.
func parseDay(text string, now time.Time, loc *time.Location) (time.Time, bool) {
	switch text {
	case "today":
		return now.In(loc), true
	case "yesterday":
		return now.In(loc).AddDate(0, 0, -1), true
	}
	day, err := time.ParseInLocation(time.DateOnly, text, loc)
	return day, err == nil
}

func lastOfDay(snapshots []Snapshot, day time.Time, loc *time.Location) (Snapshot, error) {
	want := day.Format(time.DateOnly)
	for i := len(snapshots) - 1; i >= 0; i-- {
		if snapshots[i].Start.In(loc).Format(time.DateOnly) == want {
			return snapshots[i], nil
		}
	}
	return Snapshot{}, fmt.Errorf("there is no snapshot of %s; `shoebox snapshots` lists them", want)
}

func byName(snapshots []Snapshot, text string) (found Snapshot, err error) {
	n := 0
	for _, s := range snapshots {
		if text != "" && strings.HasPrefix(s.Name, strings.ToLower(text)) {
			found, n = s, n+1
		}
	}
	switch n {
	case 1:
		return found, nil
	case 0:
		return found, fmt.Errorf("there is no snapshot %q; `shoebox snapshots` lists them", text)
	}
	return found, fmt.Errorf("%q could be %d snapshots; give more of its name", text, n)
}
