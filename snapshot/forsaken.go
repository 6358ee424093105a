package snapshot

import (
	"context"
	"fmt"
	"slices"

	"shoebox/device"
)

// findForsaken looks at snapshots that were forgotten before and still stand. What only they hold was left by a forget that died before it
// looked again, and is carried too; unless it goes now: then it may go from them too.
func (f *forgetting) findForsaken(ctx context.Context, leaving, staying []share) error {
	var old []Snapshot
	for _, s := range slices.Backward(f.survey.forgotten) {
		if s.Confirmed && !f.survey.letGo[s.Name] {
			old = append(old, s)
		}
	}
	going := make(map[content]bool)
	for _, x := range f.report.Going {
		going[contentOf(x.Entry)] = true
	}
	if len(going) > 0 {
		for _, s := range old {
			holds, err := f.holdsAny(ctx, s, going)
			if err != nil {
				return err
			}
			if holds {
				f.also = append(f.also, s.Name)
			}
		}
	}
	var known []share
	if !f.options.LastCopies {
		known = leaving // what is carried anyhow
	}
	s, err := lastCopies(ctx, f.repo, wholes(old), slices.Concat(known, staying))
	if err != nil {
		return err
	}
	for _, x := range s.found {
		if going[contentOf(x.Entry)] {
			continue
		}
		if err := f.readable(ctx, x); err != nil && !isLost(err) {
			return err
		} else if err != nil {
			f.options.Log(fmt.Sprintf("%s of snapshot %s, which was forgotten before, cannot be carried into the attic: %v", device.Printable(x.Path), x.Snapshot.Name[:8], err))
			continue
		}
		f.report.Carried = append(f.report.Carried, x)
	}
	return ctx.Err()
}

// readable reads a file of a snapshot that was forgotten before: nothing protects it from a prune.
func (f *forgetting) readable(ctx context.Context, x LastCopy) error {
	for _, part := range x.Content {
		if _, err := f.repo.Chunk(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// holdsAny tells whether a snapshot holds one of some contents.
func (f *forgetting) holdsAny(ctx context.Context, s Snapshot, some map[content]bool) (bool, error) {
	for e, err := range newPageReader(f.repo, false).walk(ctx, s.root, nil) {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err != nil && !isLost(err) {
			return false, err
		}
		if err == nil && some[contentOf(*e.Entry)] {
			return true, nil
		}
	}
	return false, nil
}
