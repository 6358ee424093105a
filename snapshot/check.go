package snapshot

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sync/atomic"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/vault"
	"shoebox/repo/wire"
)

// CheckOptions say how deep to look.
type CheckOptions struct {
	Read     repo.Budget   // how much of the packs to read; none by default
	Progress *atomic.Int64 // bytes of packs read so far
	Snapshot *atomic.Int64 // snapshots looked at so far
}

// Report says what a check found.
type Report struct {
	Snapshots, Unconfirmed int
	Packs, Segments        int
	PackBytes              int64
	Scrubbed               repo.Scrubbed
	Damage                 []repo.Damage // objects, or "SNAPSHOT:PATH" for what cannot be given back
}

// Check holds the repository against its promises: every segment and record opens, and every chunk a snapshot needs lies
// whole in a pack that is there. With a budget it reads packs too.
func Check(ctx context.Context, r *repo.Repo, o CheckOptions) (*Report, error) {
	audit, err := r.Audit(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{Packs: audit.Packs, Segments: audit.Segments, PackBytes: audit.PackBytes}
	if !o.Read.None() {
		if report.Scrubbed, err = audit.Scrub(ctx, o.Read, o.Progress); err != nil {
			return nil, err
		}
	}
	report.Damage = audit.Damage
	if o.Read.All {
		if err := report.spares(ctx, r); err != nil {
			return nil, err
		}
	}
	all, err := takeSurvey(ctx, r)
	if err != nil {
		return nil, err
	}
	gone, err := all.vanished(ctx, r)
	if err != nil {
		return nil, err
	}
	report.Damage = slices.Concat(report.Damage, all.damaged, all.illegible, gone)
	return report, report.walk(ctx, r, audit, all.live, o)
}

// spares looks at what heals: second copies, and sidecars. What it says of originals others say too.
func (c *Report) spares(ctx context.Context, r *repo.Repo) error {
	found, err := r.Verify(ctx, vault.Options{Spared: true})
	if err != nil {
		return err
	}
	for _, d := range found.Damage {
		if !named(c.Damage, d.Name) {
			c.Damage = append(c.Damage, repo.Damage{Name: d.Name, Err: d.Err})
		}
	}
	return nil
}

// walk looks at every entry of every snapshot; what snapshots share is looked at once, as long as all is well.
func (c *Report) walk(ctx context.Context, r *repo.Repo, audit *repo.Audit, all []Snapshot, o CheckOptions) error {
	reader := newPageReader(r, false)
	reader.chunk = audit.Chunk            // what this computer keeps of a page says nothing of the store
	seen := make(map[chunk.ID]wire.Bytes) // pages, by what the page above called their first path
	for _, s := range all {
		skip := func(page childForm) bool {
			first, ok := seen[page.Part.ID]
			seen[page.Part.ID] = page.First
			return ok && first == page.First
		}
		hurt := false
		for e, err := range reader.walk(ctx, s.root, skip) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err == nil {
				err = holdsAll(ctx, audit, e.Content)
			}
			if err != nil {
				hurt = true
				c.lost(s, e.Path, err)
			}
		}
		c.count(s)
		if hurt {
			clear(seen) // the next snapshot shares the damage and must be told of it
		}
		if o.Snapshot != nil {
			o.Snapshot.Add(1)
		}
	}
	return nil
}

func holdsAll(ctx context.Context, audit *repo.Audit, c repo.Content) error {
	for _, p := range c {
		if err := audit.Holds(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// count counts a snapshot. What an unconfirmed one lacks is no damage: nobody was told that it is safe.
func (c *Report) count(s Snapshot) {
	c.Snapshots++
	if !s.Confirmed {
		c.Unconfirmed++
	}
}

func (c *Report) lost(s Snapshot, path string, err error) {
	if !s.Confirmed {
		return
	}
	name := s.Name[:8]
	if path != "" {
		name += ":" + device.Printable(path)
	}
	c.Damage = append(c.Damage, repo.Damage{Name: name, Err: err})
}

// vanished names snapshots whose successor of the same computer is there and that are not, though nobody forgot them: only what is
// confirmed is ever called a predecessor. Those that are damaged are named already, themselves or their tombstones.
func (v *survey) vanished(ctx context.Context, r *repo.Repo) ([]repo.Damage, error) {
	gone := v.unexplained()
	if len(gone) == 0 {
		return nil, nil
	}
	// Between our listings one may have been confirmed, with a successor, or forgotten and pruned: who is still missed in a second survey
	// is missing.
	again, err := takeSurvey(ctx, r)
	if err != nil {
		return nil, err
	}
	still := again.unexplained()
	return slices.DeleteFunc(gone, func(d repo.Damage) bool { return !named(still, d.Name) }), nil
}

// unexplained names predecessors that are neither there nor forgotten.
func (v *survey) unexplained() (gone []repo.Damage) {
	known := make(map[string]bool)
	for name := range v.tombs {
		known[name] = true
	}
	for _, d := range slices.Concat(v.damaged, v.illegible) {
		known[path.Base(d.Name)] = true
	}
	for _, s := range v.live {
		known[s.Name] = known[s.Name] || s.Confirmed
	}
	for _, s := range slices.Concat(v.live, v.forgotten) {
		if p := s.Writer.Prev; p != "" && !known[p] {
			known[p] = true // said once
			gone = append(gone, repo.Damage{Name: Kind + "/" + p, Err: fmt.Errorf("snapshot number %d of this computer has vanished; number %d says it was there", s.Writer.Seq-1, s.Writer.Seq)})
		}
	}
	return gone
}
