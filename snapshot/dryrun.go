package snapshot

import (
	"context"
	"errors"
	"fmt"

	"shoebox/device"
	"shoebox/repo"
)

// dryRun lists and compares like a backup, and stores nothing.
func dryRun(ctx context.Context, r *repo.Repo, src Source, p past, o BackupOptions) (Snapshot, error) {
	s := Snapshot{Device: o.Device, Host: o.Host, Roots: o.Roots, Start: o.Now(), Parent: p.parent.Name}
	m := newMerge(ctx, r, p.parent.root)
	defer m.close()
	tell := func(what What, f device.File, err error) { o.Each(Notice{what, f, err}) }
	gone := func(old *Entry) {
		s.Count.Gone++
		tell(Gone, old.File, nil)
	}
	for f, err := range list(ctx, src) {
		var problem *device.Problem
		if errors.As(err, &problem) {
			s.Failed = append(s.Failed, Failure{problem.Path, problem.Err.Error()})
			tell(Failed, device.File{Path: problem.Path}, problem.Err)
			continue
		}
		if err != nil {
			return s, fmt.Errorf("%w: %w", ErrLost, err)
		}
		for old := m.before(f.Path); old.Entry != nil; old = m.before(f.Path) {
			gone(old.Entry)
		}
		tell(s.Count.meet(f, m.here(f.Path).Entry, o.Force), f, nil)
	}
	for old := m.next(); old.Entry != nil; old = m.next() {
		gone(old.Entry)
	}
	s.Count.Failed, s.End = int64(len(s.Failed)), o.Now()
	return s, ctx.Err()
}

func (c *Count) meet(f device.File, old *Entry, force bool) What {
	c.Files++
	c.Bytes += f.Size
	switch {
	case old == nil:
		c.New++
		c.Read += f.Size
		return New
	case force || !sameBytes(old.File, f):
		c.Changed++
		c.Read += f.Size
		return Changed
	}
	c.Unchanged++
	return Unchanged
}
