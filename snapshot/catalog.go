package snapshot

import (
	"context"
	"iter"
	"sort"
	"time"

	"shoebox/repo"
)

// Picture is one version of a file, with the snapshots that hold it.
type Picture struct {
	Entry
	First, Last int // in the catalog's Snapshots: the oldest and the newest that hold it
	In          int // how many do
}

// Catalog is all files of some snapshots: each version of each path once.
type Catalog struct {
	Snapshots []Snapshot // oldest first
	Pictures  []Picture  // in order of path, then of First
	Damaged   []error    // pages that could not be read
}

// ReadCatalog reads all entries of the snapshots, which must be as List gives them. Pages that snapshots share are read once, and told of as
// damaged once.
func ReadCatalog(ctx context.Context, r *repo.Repo, snapshots []Snapshot) (*Catalog, error) {
	return ReadCatalogOf(ctx, r, snapshots, nil)
}

// ReadCatalogOf is ReadCatalog for who looks for what one of the patterns matches: that is in it, and other things may be left out. No patterns match
// everything. Pages without what is sought are read, and not looked at further.
func ReadCatalogOf(ctx context.Context, r *repo.Repo, snapshots []Snapshot, patterns []Pattern) (*Catalog, error) {
	leaves, failed, err := gather(ctx, r, snapshots, patterns)
	if err != nil {
		return nil, err
	}
	c := &Catalog{Snapshots: snapshots, Damaged: failed}
	v := newVersions(leaves)
	for i := range leaves {
		v.addPage(i)
	}
	c.Pictures = v.pictures()
	return c, nil
}

// Day is the pictures taken on one day.
type Day struct {
	Date     time.Time // midnight, written in UTC
	Pictures []Picture // by the time they were taken
}

// Days groups the pictures that pass by the day they were taken, oldest first. Instants without a zone of their own are
// dated in loc.
func (c *Catalog) Days(loc *time.Location, pass func(Picture) bool) []Day {
	byDay := make(map[time.Time][]Picture)
	for _, p := range c.Pictures {
		if pass == nil || pass(p) {
			day := p.TakenDay(loc)
			byDay[day] = append(byDay[day], p)
		}
	}
	days := make([]Day, 0, len(byDay))
	for date, pictures := range byDay {
		sort.SliceStable(pictures, func(i, j int) bool { return pictures[i].TakenWall(loc).Before(pictures[j].TakenWall(loc)) })
		days = append(days, Day{date, pictures})
	}
	sort.Slice(days, func(i, j int) bool { return days[i].Date.Before(days[j].Date) })
	return days
}

// Find gives the pictures that pass, with the snapshots that hold them, in order of path.
func (c *Catalog) Find(pass func(Picture) bool) []Picture {
	var found []Picture
	for _, p := range c.Pictures {
		if pass(p) {
			found = append(found, p)
		}
	}
	return found
}

// Version is a path as it was in some snapshots that follow one another.
type Version struct {
	Entry       Entry // zero when Absent
	Absent      bool  // the path was in none of them
	First, Last Snapshot
}

// History tells what became of one path, oldest first. Snapshots must be of one device, or of devices that may be mixed.
func History(ctx context.Context, r *repo.Repo, snapshots []Snapshot, path string) ([]Version, error) {
	reader := newPageReader(r, true)
	var all []Version
	for _, s := range snapshots {
		e, err := reader.lookup(ctx, s.root, path)
		absent := isNoSuchPath(err)
		if err != nil && !absent {
			return nil, err
		}
		if n := len(all); n > 0 && all[n-1].Absent == absent && sameVersion(&all[n-1].Entry, &e) {
			all[n-1].Last = s
			continue
		}
		all = append(all, Version{e, absent, s, s})
	}
	if len(all) > 0 && all[0].Absent {
		all = all[1:] // before its time
	}
	return all, nil
}

func sameVersion(a, b *Entry) bool {
	return a.Hash == b.Hash && a.Target == b.Target && a.ModTime.Equal(b.ModTime)
}

// Change is a path in which two snapshots differ.
type Change struct {
	What     What // New, Gone or Changed
	Old, New Entry
	Content  bool // of a changed one: its bytes differ, not only time or mode
}

// Diff yields what differs between two snapshots, in order of path.
func Diff(ctx context.Context, r *repo.Repo, from, to Snapshot) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if from.root == to.root {
			return
		}
		reader := newPageReader(r, false)
		old, stop := iter.Pull2(reader.walk(ctx, from.root, nil))
		defer stop()
		d := differ{pull: old}
		if !d.advance(yield) {
			return
		}
		for e, err := range reader.walk(ctx, to.root, nil) {
			if err != nil {
				if !yield(Change{}, err) {
					return
				}
				continue
			}
			if !d.meet(*e.Entry, yield) {
				return
			}
		}
		for d.has {
			if !yield(Change{What: Gone, Old: *d.old}, nil) || !d.advance(yield) {
				return
			}
		}
	}
}
