package snapshot

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy says which snapshots of a group are kept, in restic's terms (restic.readthedocs.io, "Removing snapshots according to a
// policy"). A snapshot is kept when any rule keeps it. The zero value has no rule, and keeps everything.
//
// The counts are of hours, days, ... that have a snapshot: of each, the newest is kept; -1 stands for all. While a count is not used up the
// oldest snapshot is kept too. Spans reach back from the newest snapshot, not from today: a phone that was not seen for long
// loses nothing. Hours and days are those of the place where the snapshot was taken.
type Policy struct {
	Last, Hourly, Daily, Weekly, Monthly, Yearly int

	Within                                                               Span // everything
	WithinHourly, WithinDaily, WithinWeekly, WithinMonthly, WithinYearly Span // the newest of each hour, day, ...

	Tags [][]string // snapshots that have all tags of one of these lists
}

// Reason is what became of one snapshot under a policy, and why.
type Reason struct {
	Keep bool
	Why  []string // in words: each rule that keeps it, or what it lacks
}

// Ahead is how far beyond now a snapshot may be dated before it counts as one from the future.
const Ahead = 24 * time.Hour

// Empty tells whether there is no rule.
func (p Policy) Empty() bool {
	return len(p.Tags) == 0 && !slices.ContainsFunc(p.rules(), func(r *rule) bool { return r.count != 0 || !r.within.IsZero() })
}

// Keep says of each snapshot of a group whether it is kept. Snapshots that are partial, or dated in the future, use up no count: they
// never displace others. What is dated in the future is kept; a partial snapshot is kept until the group has a newer complete
// one, or when a tag or a span keeps it. Attics and unconfirmed snapshots are kept: no policy is about them.
func (p Policy) Keep(snapshots []Snapshot, now time.Time) []Reason {
	reasons := make([]Reason, len(snapshots))
	k := keeper{Policy: p, snapshots: snapshots, now: now, rules: p.rules(), empty: p.Empty()}
	order := k.newestFirst()
	for nr, i := range order {
		r := &reasons[i]
		r.Why = k.why(snapshots[i], nr == len(order)-1)
		if r.Keep = len(r.Why) > 0; !r.Keep {
			r.Why = []string{"no rule keeps it"}
		}
	}
	for i, s := range snapshots {
		if why := k.apart(s); why != "" {
			reasons[i] = k.aside(s, why)
		}
	}
	return reasons
}

// rule keeps the newest snapshot of each stretch of time.
type rule struct {
	count   int  // stretches left; -1 for all
	within  Span // instead of a count
	name    string
	stretch func(time.Time) string // nil where every snapshot counts
	seen    map[string]bool
}

// rules are those of a policy, used up by whoever asks them.
func (p Policy) rules() []*rule {
	layout := func(l string) func(time.Time) string { return func(t time.Time) string { return t.Format(l) } }
	week := func(t time.Time) string {
		year, week := t.ISOWeek()
		return fmt.Sprintf("%04d-%02d", year, week)
	}
	hour, day, month, year := layout("2006-01-02 15"), layout(time.DateOnly), layout("2006-01"), layout("2006")
	var all []*rule
	for _, r := range []rule{{count: p.Last, name: "last"}, {count: p.Hourly, name: "hourly", stretch: hour}, {count: p.Daily, name: "daily", stretch: day},
		{count: p.Weekly, name: "weekly", stretch: week}, {count: p.Monthly, name: "monthly", stretch: month}, {count: p.Yearly, name: "yearly", stretch: year},
		{within: p.Within}, {within: p.WithinHourly, name: "hourly", stretch: hour}, {within: p.WithinDaily, name: "daily", stretch: day},
		{within: p.WithinWeekly, name: "weekly", stretch: week}, {within: p.WithinMonthly, name: "monthly", stretch: month}, {within: p.WithinYearly, name: "yearly", stretch: year}} {
		r.seen = make(map[string]bool)
		all = append(all, &r)
	}
	return all
}

// keep tells in words why the rule keeps a snapshot; "" when it does not. edge is where its span begins.
func (r *rule) keep(s Snapshot, oldest bool, newest time.Time) string {
	name := r.name
	switch {
	case r.within.IsZero() && r.count == 0:
		return ""
	case !r.within.IsZero() && !s.Start.After(r.within.Before(newest.In(s.Start.Location()))):
		return ""
	}
	stretch := s.Name // each is a stretch of its own
	if r.stretch != nil {
		stretch = r.stretch(s.Start)
	}
	if r.seen[stretch] {
		if !oldest {
			return ""
		}
		name = "oldest of " + name
	}
	r.seen[stretch] = true
	if r.count > 0 {
		r.count--
	}
	if r.within.IsZero() {
		return name
	}
	return strings.TrimSpace(name + " within " + r.within.String())
}

// keeper is a policy at work on one group.
type keeper struct {
	Policy
	snapshots []Snapshot
	now       time.Time
	rules     []*rule
	empty     bool
	newest    time.Time // the newest that may count; zero when there is none
}

// apart tells why a snapshot uses up no count.
func (k *keeper) apart(s Snapshot) string {
	switch {
	case s.Attic:
		return "attic: it goes only with --last-copies"
	case !s.Confirmed:
		return "not confirmed: a backup may be at work on it"
	case s.Start.After(k.now.Add(Ahead)):
		return "dated in the future"
	case s.Partial:
		return "partial"
	}
	return ""
}

// newestFirst orders those that count. Equal times are ordered by name, so that the answer does not depend on the order given.
func (k *keeper) newestFirst() (order []int) {
	for i, s := range k.snapshots {
		if k.apart(s) == "" {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := k.snapshots[a], k.snapshots[b]
		if c := y.Start.Compare(x.Start); c != 0 {
			return c
		}
		return strings.Compare(y.Name, x.Name)
	})
	if len(order) > 0 {
		k.newest = k.snapshots[order[0]].Start
	}
	return order
}

func (k *keeper) why(s Snapshot, oldest bool) (why []string) {
	if k.empty {
		return []string{"no rule was given"}
	}
	for _, r := range k.rules {
		if text := r.keep(s, oldest, k.newest); text != "" {
			why = append(why, text)
		}
	}
	return append(why, k.tagged(s)...)
}

func (k *keeper) tagged(s Snapshot) (why []string) {
	for _, tags := range k.Tags {
		if HasTags(s, tags) {
			why = append(why, "has tags "+strings.Join(tags, ", "))
		}
	}
	return why
}

// HasTags tells whether a snapshot has all of the tags. The empty tag alone stands for a snapshot without tags.
func HasTags(s Snapshot, tags []string) bool {
	if len(tags) == 1 && tags[0] == "" {
		return len(s.Tags) == 0
	}
	for _, tag := range tags {
		if !slices.Contains(s.Tags, tag) {
			return false
		}
	}
	return true
}

// aside answers for a snapshot that uses up no count.
func (k *keeper) aside(s Snapshot, why string) Reason {
	if why != "partial" {
		return Reason{true, []string{why}}
	}
	var kept []string
	if k.empty {
		kept = append(kept, "no rule was given")
	}
	if !k.newest.After(s.Start) {
		kept = append(kept, "partial, and no newer one is complete")
	}
	if k.Last == -1 {
		kept = append(kept, "last")
	}
	if !k.Within.IsZero() && s.Start.After(k.Within.Before(k.newest.In(s.Start.Location()))) {
		kept = append(kept, "within "+k.Within.String())
	}
	if kept = append(kept, k.tagged(s)...); len(kept) > 0 {
		return Reason{true, kept}
	}
	return Reason{false, []string{"partial, and a newer one is complete"}}
}
