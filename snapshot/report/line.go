package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"shoebox/device"
	"shoebox/snapshot/amount"
	"shoebox/snapshot/photo"
)

// line is one thing told of a device, in words: what Text and HTML have in common.
type line struct {
	What, Value string
	Wrong       bool // not as it should be
	Names       []string
}

func (r *Report) timeText(t time.Time) string {
	zone := r.zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// lines are all that is told of a device.
func (r *Report) lines(d *Device, names bool) []line {
	kept := d.Names
	if !names || kept == nil {
		kept = new(Names)
	}
	all := []line{
		{"last backup", r.lastText(d), d.NotSeen > 0 || d.Partial, nil},
		{"kept", keptText(d), false, nil},
		{"new", r.sinceText(d, d.New), false, texts(kept.New)},
		{"changed", d.Changed.text(), false, texts(kept.Changed)},
		{"gone", d.Gone.text(), false, texts(kept.Gone)},
		{"not readable", countText(d.Unreadable), d.Unreadable > 0, texts(kept.Unreadable)},
		{"damaged", damagedText(d), d.Damaged > 0, texts(kept.Damaged)},
	}
	for _, some := range []struct {
		is bool
		line
	}{
		{d.Silent > 0, line{"changed silently", countText(d.Silent), true, texts(kept.Silent)}},
		{d.Lost > 0 || d.Incomplete, line{"lost", lostText(d), true, texts(kept.Lost)}},
		{d.Brake != nil, line{"brake", "on: " + d.Brake.text(), true, nil}},
		{d.Attic.Files > 0, line{"attic", d.Attic.text(), false, nil}},
		{kept.Folder != "", line{"folder", device.Printable(kept.Folder), false, nil}},
	} {
		if some.is {
			all = append(all, some.line)
		}
	}
	return all
}

func texts(all []Named) (lines []string) {
	for _, n := range all {
		text := n.Reason
		if n.Path != "" {
			text = device.Printable(n.Path)
			if n.Reason != "" {
				text += ": " + device.Printable(n.Reason)
			}
		}
		lines = append(lines, text)
	}
	return lines
}

func (r *Report) lastText(d *Device) string {
	text := r.timeText(d.Last) + ", " + agoText(time.Duration(d.Age)*time.Second)
	if d.Partial {
		text += ", cut off"
	}
	return text
}

func keptText(d *Device) string {
	text := amount.Plural(d.Pictures, "picture")
	if other := d.Files - d.Pictures; other > 0 {
		text += " and " + amount.Plural(other, "other file")
	}
	return fmt.Sprintf("%s, %s, in %s", text, amount.Bytes(d.Bytes), amount.Plural(int64(d.Snapshots), "snapshot"))
}

// sinceText says with what it was compared, where anything was.
func (r *Report) sinceText(d *Device, t Tally) string {
	if d.Since.IsZero() {
		return t.text()
	}
	return t.text() + " since " + r.timeText(d.Since)
}

func countText(n int64) string {
	if n == 0 {
		return "none"
	}
	return amount.Number(n)
}

func damagedText(d *Device) string {
	text := countText(d.Damaged)
	if d.Damaged > 0 {
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(d.Kinds)) {
			kinds = append(kinds, amount.Number(d.Kinds[kind])+" "+photo.Damage(kind).Text())
		}
		text += " (" + strings.Join(kinds, ", ") + ")"
	}
	if d.Unexamined > 0 {
		text += fmt.Sprintf("; looked at %s of %s that came", amount.Number(d.Examined), amount.Number(d.Examined+d.Unexamined))
	}
	return text
}

func lostText(d *Device) string {
	text := countText(d.Lost)
	if d.Incomplete {
		text += "; so what is new, changed and gone is not told rightly"
	}
	return text
}

// repositoryLines are what is told of the repository.
func (r *Report) repositoryLines() []line {
	p := &r.Repository
	all := []line{{"kept", fmt.Sprintf("%s, %s in %s, %s", amount.Plural(p.Pictures, "picture"), amount.Bytes(p.Bytes), amount.Plural(p.Files, "file"), amount.Plural(int64(p.Snapshots), "snapshot")), false, nil}}
	if p.Used > 0 {
		all = append(all, line{"takes", amount.Bytes(p.Used), false, nil})
	}
	if p.Free > 0 {
		all = append(all, line{"free", amount.Bytes(p.Free) + p.fullText(), p.FullInDays > 0 && p.FullInDays <= fullSoon, nil})
	}
	if p.Growth30 > 0 || p.Growth90 > 0 {
		all = append(all, line{"grows by", amount.Bytes(p.Growth30) + " a day in the last 30 days, " + amount.Bytes(p.Growth90) + " in the last 90", false, nil})
	}
	switch {
	case p.NeverVerified:
		all = append(all, line{"verified", "some bytes were never read again; `shoebox check --read-data` does", false, nil})
	case !p.Verified.IsZero():
		all = append(all, line{"verified", "every byte was read again since " + r.timeText(p.Verified), false, nil})
	}
	if p.Damaged > 0 {
		all = append(all, line{"damaged", amount.Plural(int64(p.Damaged), "snapshot"), true, nil})
	}
	return all
}

func (r *Repository) fullText() string {
	if r.FullInDays == 0 {
		return ""
	}
	return ", full in about " + amount.Plural(int64(r.FullInDays), "day")
}
