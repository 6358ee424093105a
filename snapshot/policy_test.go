package snapshot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shoebox/snapshot"
)

// nightly are snapshots of three years before now: each night at first, and then ever fewer, with some that are special.
func nightly(now time.Time) (all []snapshot.Snapshot) {
	add := func(t time.Time, change func(*snapshot.Snapshot)) {
		s := snapshot.Snapshot{Name: fmt.Sprintf("%032x", len(all)+1), Confirmed: true, Start: t}
		if change != nil {
			change(&s)
		}
		all = append(all, s)
	}
	for _, days := range []int{1200, 1000, 800, 700, 500, 400, 365, 200, 150, 100, 62, 61, 45, 31, 21, 14, 9, 8, 7, 6, 5, 4, 3, 2, 1} {
		add(now.AddDate(0, 0, -days), nil)
	}
	add(now.AddDate(0, 0, -150).Add(time.Hour), func(s *snapshot.Snapshot) { s.Tags = []string{"holiday", "beach"} })
	add(now.AddDate(0, 0, -3).Add(3*time.Hour), nil)
	add(now.AddDate(0, 0, -3).Add(3*time.Hour+20*time.Minute), nil)
	add(now.AddDate(0, 0, -2).Add(time.Hour), func(s *snapshot.Snapshot) { s.Partial = true })
	add(now.AddDate(0, 0, -2).Add(2*time.Hour), func(s *snapshot.Snapshot) { s.Partial, s.Tags = true, []string{"holiday"} })
	add(now.Add(-2*time.Hour), func(s *snapshot.Snapshot) { s.Start = s.Start.In(time.FixedZone("", 5*3600)) }) // the next day, where it was taken
	add(now.Add(-time.Hour), func(s *snapshot.Snapshot) { s.Partial = true })
	add(now.Add(23*time.Hour), nil)
	add(now.AddDate(30, 0, 0), nil)
	add(now.AddDate(0, 0, -10), func(s *snapshot.Snapshot) { s.Attic = true })
	add(now.AddDate(0, 0, -5).Add(time.Minute), func(s *snapshot.Snapshot) { s.Confirmed = false })
	slices.SortStableFunc(all, func(a, b snapshot.Snapshot) int { return a.Start.Compare(b.Start) })
	return all
}

// What each policy keeps, and why, in tables a person can read.
func TestGoldenReasons(t *testing.T) {
	now := time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)
	for name, p := range map[string]snapshot.Policy{
		"nothing said":       {},
		"last 3":             {Last: 3},
		"all":                {Last: -1},
		"hourly 4":           {Hourly: 4},
		"daily 7":            {Daily: 7},
		"weekly 4":           {Weekly: 4},
		"monthly 50":         {Monthly: 50},
		"yearly 2":           {Yearly: 2},
		"grandfather":        {Daily: 7, Weekly: 5, Monthly: 12, Yearly: -1},
		"within 30 days":     {Within: snapshot.Span{Days: 30}},
		"within, thinned":    {WithinHourly: snapshot.Span{Hours: 60}, WithinDaily: snapshot.Span{Days: 7}, WithinMonthly: snapshot.Span{Years: 1}},
		"tags":               {Tags: [][]string{{"holiday", "beach"}}},
		"tags of two kinds":  {Tags: [][]string{{"holiday"}, {"beach"}}, Last: 1},
		"those without tags": {Tags: [][]string{{""}}},
	} {
		t.Run(name, func(t *testing.T) {
			all := nightly(now)
			var table strings.Builder
			for i, r := range p.Keep(all, now) {
				do := "forget"
				if r.Keep {
					do = "keep"
				}
				mark := ""
				if all[i].Partial {
					mark = "partial "
				}
				fmt.Fprintf(&table, "%s %-18s %-6s %s\n", all[i].Start.Format("2006-01-02 15:04 -0700"), mark+strings.Join(all[i].Tags, ","), do, strings.Join(r.Why, "; "))
			}
			golden(t, "testdata/reasons/"+strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")+".txt", table.String())
		})
	}
}

var drawnNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func drawSnapshots(t *rapid.T) (all []snapshot.Snapshot) {
	for i := range rapid.IntRange(0, 25).Draw(t, "snapshots") {
		zone := time.FixedZone("", 3600*rapid.IntRange(-11, 12).Draw(t, "zone"))
		s := snapshot.Snapshot{Name: fmt.Sprintf("%032x", i), Confirmed: true, Start: drawnNow.Add(-time.Duration(rapid.IntRange(0, 24*400).Draw(t, "hours")) * time.Hour).In(zone)}
		s.Partial = rapid.IntRange(0, 7).Draw(t, "partial") == 0
		s.Tags = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b"}), 0, 2, rapid.ID[string]).Draw(t, "tags")
		all = append(all, s)
	}
	return all
}

func drawPolicy(t *rapid.T) (p snapshot.Policy) {
	for _, n := range []*int{&p.Last, &p.Hourly, &p.Daily, &p.Weekly, &p.Monthly, &p.Yearly} {
		if rapid.Bool().Draw(t, "has") {
			*n = rapid.IntRange(-1, 6).Draw(t, "count")
		}
	}
	for _, s := range []*snapshot.Span{&p.Within, &p.WithinHourly, &p.WithinDaily, &p.WithinWeekly, &p.WithinMonthly, &p.WithinYearly} {
		if rapid.IntRange(0, 5).Draw(t, "spans") == 0 {
			*s = snapshot.Span{Months: rapid.IntRange(0, 9).Draw(t, "months"), Days: rapid.IntRange(0, 40).Draw(t, "days"), Hours: rapid.IntRange(0, 40).Draw(t, "span hours")}
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "tagged") == 0 {
		p.Tags = [][]string{{"a"}}
	}
	return p
}

// kept names what a policy keeps.
func kept(p snapshot.Policy, all []snapshot.Snapshot) map[string]bool {
	names := make(map[string]bool)
	for i, r := range p.Keep(all, drawnNow) {
		if len(r.Why) == 0 {
			names["without a reason"] = true
		}
		if r.Keep {
			names[all[i].Name] = true
		}
	}
	return names
}

func wantWithin(t *rapid.T, what string, fewer, more map[string]bool) {
	t.Helper()
	for name := range fewer {
		if !more[name] {
			t.Errorf("%s: %s is not kept any more", what, name)
		}
	}
}

func TestPolicyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, p := drawSnapshots(t), drawPolicy(t)
		before := kept(p, all)
		if p.Empty() && len(before) != len(all) {
			t.Errorf("no rule, and %d of %d are kept", len(before), len(all))
		}
		if before["without a reason"] {
			t.Error("no reason was given")
		}
		more := p
		to := rapid.SampledFrom([]*int{&more.Last, &more.Hourly, &more.Daily, &more.Weekly, &more.Monthly, &more.Yearly}).Draw(t, "rule")
		if *to++; *to == 0 || p.Empty() {
			*to = -1
		}
		if !p.Empty() {
			wantWithin(t, "to keep more", before, kept(more, all))
		}
		shuffled := rapid.Permutation(all).Draw(t, "order")
		wantWithin(t, "in another order", before, kept(p, shuffled))
		aside := snapshot.Snapshot{Name: "aside", Confirmed: true, Start: drawnNow.Add(-time.Duration(rapid.IntRange(0, 24*400).Draw(t, "partial hours")) * time.Hour), Partial: true}
		wantWithin(t, "with one more partial snapshot", before, kept(p, append(slices.Clone(all), aside)))
		aside.Partial, aside.Start = rapid.Bool().Draw(t, "partial too"), drawnNow.Add(snapshot.Ahead+time.Duration(rapid.IntRange(1, 24*400).Draw(t, "ahead"))*time.Hour)
		with := kept(p, append(slices.Clone(all), aside))
		wantWithin(t, "with one from the future", before, with)
		if !with["aside"] {
			t.Error("a snapshot from the future is not kept")
		}
		left := slices.DeleteFunc(slices.Clone(all), func(s snapshot.Snapshot) bool { return !before[s.Name] })
		wantWithin(t, "asked again", before, kept(p, left))
	})
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]snapshot.Span{"1y5m7d2h": {Years: 1, Months: 5, Days: 7, Hours: 2}, "30d": {Days: 30}, "2h1y": {Years: 1, Hours: 2}} {
		if got, err := snapshot.ParseSpan(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := snapshot.ParseSpan(want.String()); err != nil || again != want {
			t.Errorf("%s: %+v, %v", want, again, err)
		}
	}
	for _, text := range []string{"", "1", "d", "1w", "1d2d", "-1d", "99999999999999999999d", "1d ", "1000001d"} {
		if got, err := snapshot.ParseSpan(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestGroups(t *testing.T) {
	one := snapshot.Snapshot{Name: "1", Device: snapshot.Device{ID: "a", Name: "old name"}, Roots: []string{"x", "y"}, Host: "h", Tags: []string{"t"}}
	two, three, four := one, one, one
	two.Device.Name, two.Roots, two.Tags = "new name", []string{"y", "x"}, nil
	three.Host, three.Roots = "other", nil
	four.Attic = true
	all := []snapshot.Snapshot{one, two, three, four}
	for by, want := range map[string]int{"": 1, "device": 1, "device,paths": 2, "paths": 2, "host": 2, "tags": 2, "device,paths,host,tags": 3} {
		g, err := snapshot.ParseGroupBy(by)
		if err != nil {
			t.Fatal(err)
		}
		groups := g.Group(all)
		if len(groups) != want {
			t.Errorf("by %q: %d groups, want %d", by, len(groups), want)
		}
		if by == "device" && groups[0].Device.Name != "old name" && groups[0].Device.Name != "new name" {
			t.Errorf("%+v", groups[0].Device)
		}
		if n := 0; true {
			for _, g := range groups {
				n += len(g.Snapshots)
			}
			if n != 3 {
				t.Errorf("by %q: %d snapshots in groups", by, n)
			}
		}
	}
	if _, err := snapshot.ParseGroupBy("day"); err == nil {
		t.Error("grouped by day")
	}
}
