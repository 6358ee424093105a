package snapshot

import (
	"context"
	"errors"
	"slices"

	"shoebox/repo/guard"
)

// lookAgain lists the tombstones again. When another computer forgot snapshots meanwhile, each may have counted on what the other
// let go: what was left in none is carried now. Both put their tombstones before they look, so at least one sees the other's.
func (f *forgetting) lookAgain(ctx context.Context) error {
	known := f.survey.tombs
	for {
		v, err := takeSurvey(ctx, f.repo)
		if err != nil {
			return errors.Join(errLook, err)
		}
		if !f.others(known, v.tombs) {
			return nil
		}
		known = v.tombs
		if err := f.carryLate(ctx, v); err != nil {
			return errors.Join(errLook, err)
		}
	}
}

var errLook = errors.New("the snapshots are forgotten, but it could not be made sure that nobody forgot others at the same time; run `shoebox forget` again")

// others tells whether there are tombstones that are neither known nor ours.
func (f *forgetting) others(known, now map[string]Tombstone) bool {
	for name := range now {
		if _, old := known[name]; !old && !f.buried[name] {
			return true
		}
	}
	return false
}

// carryLate writes attics of what no snapshot holds any more. They stand beside the ones there are: the next forget makes one of them.
func (f *forgetting) carryLate(ctx context.Context, v *survey) error {
	leaving, staying := f.sides(v)
	s, err := lastCopies(ctx, f.repo, slices.Concat(leaving, wholes(f.replaced)), staying)
	if err != nil {
		return err
	}
	going := make(map[content]bool)
	for _, x := range f.report.Going {
		going[contentOf(x.Entry)] = true
	}
	late := slices.DeleteFunc(s.found, func(x LastCopy) bool { return going[contentOf(x.Entry)] })
	if len(late) == 0 || !guard.On(guard.Attic) {
		return nil
	}
	f.writer = v.nextWriter(f.writer.ID)
	f.report.Carried = append(f.report.Carried, late...)
	for _, a := range f.works(late) {
		s, err := f.writeAttic(ctx, a)
		if err != nil {
			return err
		}
		f.report.Attics = append(f.report.Attics, s)
	}
	return nil
}
