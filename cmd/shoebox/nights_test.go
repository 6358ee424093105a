package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNightsByDate takes snapshots on three nights and asks for them as people speak of them. The clock and the zone are ours, and
// the zone matters: two of the backups run on one day in UTC, and on two days where the person lives.
func TestNightsByDate(t *testing.T) {
	home := newHome(t)
	var now time.Time
	run := func(code int, args ...string) string {
		t.Helper()
		var out, complained bytes.Buffer
		p := &program{in: strings.NewReader(""), out: &out, err: &complained, now: func() time.Time { return now }, zone: time.FixedZone("", 2*3600)}
		if got := p.run(t.Context(), args); got != code {
			t.Fatalf("shoebox %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), complained.String())
		}
		return out.String() + complained.String()
	}
	photos := filepath.Join(home, "photos")
	nights := []time.Time{
		time.Date(2026, 11, 18, 23, 30, 0, 0, time.UTC), // the 19th, where the person lives
		time.Date(2026, 11, 19, 21, 59, 0, 0, time.UTC), // the 19th
		time.Date(2026, 11, 19, 22, 1, 0, 0, time.UTC),  // the 20th
	}
	for i, night := range nights {
		now = night
		if err := (picture{seed: uint64(i), size: 30_000}).write(filepath.Join(photos, fmt.Sprintf("%d.jpg", i)), night); err != nil {
			t.Fatal(err)
		}
		run(exitDone, "backup", photos)
	}
	list := strings.Split(strings.TrimSpace(run(exitDone, "snapshots")), "\n")
	for i, want := range []string{"ID", "2026-11-19 01:30:00", "2026-11-19 23:59:00", "2026-11-20 00:01:00"} {
		if len(list) != 4 || !strings.Contains(list[i], want) {
			t.Fatalf("snapshots:\n%s", strings.Join(list, "\n"))
		}
	}
	now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{
		"today": "0.jpg 1.jpg 2.jpg", "2026-11-20": "0.jpg 1.jpg 2.jpg", "latest": "0.jpg 1.jpg 2.jpg",
		"yesterday": "0.jpg 1.jpg", "2026-11-19": "0.jpg 1.jpg", "latest~1": "0.jpg 1.jpg", "latest~2": "0.jpg",
	} {
		if got := strings.Join(strings.Fields(run(exitDone, "ls", name)), " "); got != want {
			t.Errorf("ls %s: %s, want %s", name, got, want)
		}
	}
	if text := run(exitFailed, "ls", "2026-11-18"); !strings.Contains(text, "no snapshot of 2026-11-18") {
		t.Errorf("a night without a backup: %s", text)
	}
	now = now.AddDate(0, 0, 1)
	run(exitFailed, "ls", "today")
}
