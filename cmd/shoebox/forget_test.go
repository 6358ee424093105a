package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAYearOfThinning backs up every third night of a year and forgets every week, as a person would have it set up. A picture that was on the
// phone for one night in February is there at the end, and nothing else that should have gone.
func TestAYearOfThinning(t *testing.T) {
	home := newHome(t)
	now := time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)
	run := func(args ...string) string {
		t.Helper()
		var out, complained bytes.Buffer
		p := &program{in: strings.NewReader(""), out: &out, err: &complained, now: func() time.Time { return now }, zone: time.UTC}
		if code := p.run(t.Context(), args); code != exitDone {
			t.Fatalf("shoebox %s: exit code %d\n%s%s", strings.Join(args, " "), code, out.String(), complained.String())
		}
		return out.String()
	}
	photos := filepath.Join(home, "photos")
	short := filepath.Join(photos, "february.jpg")
	run("init", "--no-password")
	for night := range 365 {
		if night%7 == 0 {
			if err := (picture{seed: uint64(night), size: 5_000}).write(filepath.Join(photos, fmt.Sprintf("%03d.jpg", night)), now); err != nil {
				t.Fatal(err)
			}
		}
		switch night {
		case 40:
			if err := (picture{seed: 999, size: 5_000}).write(short, now); err != nil {
				t.Fatal(err)
			}
		case 41:
			if err := os.Remove(short); err != nil {
				t.Fatal(err)
			}
		}
		if night%3 == 1 {
			run("backup", "-q", photos)
		}
		if night%14 == 13 {
			run("forget", "-q", "-d", "7", "-w", "4", "-m", "6", "--prune")
		}
		now = now.AddDate(0, 0, 1)
	}
	all := strings.Split(strings.TrimSpace(run("snapshots")), "\n")[1:]
	if len(all) < 12 || len(all) > 20 {
		t.Errorf("%d snapshots are left:\n%s", len(all), strings.Join(all, "\n"))
	}
	if got := run("ls", "attic"); got != "february.jpg\n" {
		t.Errorf("the attic: %s", got)
	}
	if text := run("check", "--read-data"); !strings.Contains(text, "No damage") {
		t.Error(text)
	}
	run("restore", "attic", "--target", filepath.Join(home, "back"))
	var want bytes.Buffer
	if err := (picture{seed: 999, size: 5_000}).write(filepath.Join(home, "want.jpg"), now); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"want.jpg", "back/february.jpg"} {
		data, err := os.ReadFile(filepath.Join(home, name))
		if err != nil || want.Len() > 0 && !bytes.Equal(data, want.Bytes()) {
			t.Errorf("%s came back otherwise: %v", name, err)
		}
		want.Write(data)
	}
}
