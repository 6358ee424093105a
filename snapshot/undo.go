package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"shoebox/repo"
	"shoebox/repo/crypt"
)

// ErrPruned is wrapped when a forgotten snapshot cannot be had back, as a prune took it away.
var ErrPruned = errors.New("was forgotten and a prune has taken it away since: it cannot be had back")

// Undo brings forgotten snapshots back under new names, as long as no prune took them away; without names, those of the last forget. It
// writes what they say into the repository again like a backup, so that a prune at the same time leaves them what they need.
// Those that are back already are passed over.
func Undo(ctx context.Context, r *repo.Repo, names []string, o ForgetOptions) ([]Snapshot, error) {
	v, err := takeSurvey(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if names = v.lastForget(); len(names) == 0 {
			return nil, errors.New("nothing was forgotten")
		}
	}
	wanted, err := v.forgottenBy(names)
	if err != nil {
		return nil, err
	}
	bodies, err := readBodies(ctx, r, wanted)
	if err != nil {
		return nil, err
	}
	var back []Snapshot
	for _, s := range wanted {
		if v.isBack(s) {
			continue
		}
		name, err := recommit(ctx, r, s, bodies[s.Name], o)
		if err != nil {
			return back, whyNotBack(ctx, r, s, err)
		}
		s.Name = name
		back = append(back, s)
	}
	return back, nil
}

// whyNotBack tells a snapshot that a prune takes away at this moment from one that is damaged.
func whyNotBack(ctx context.Context, r *repo.Repo, s Snapshot, err error) error {
	if !isLost(err) {
		return err
	}
	v, again := takeSurvey(ctx, r)
	if again == nil && !slices.ContainsFunc(v.forgotten, func(f Snapshot) bool { return f.Name == s.Name }) {
		return fmt.Errorf("snapshot %.8s %w", s.Name, ErrPruned)
	}
	return fmt.Errorf("%w; `shoebox heal` may mend it", err)
}

// lastForget names what the last forget took away. Attics whose place a new one took are no loss.
func (v *survey) lastForget() (names []string) {
	attics := make(map[string]bool)
	for _, s := range v.forgotten {
		attics[s.Name] = s.Attic
	}
	var last time.Time
	for name, t := range v.tombs {
		if attics[name] && !t.LastCopies || t.When.Before(last) {
			continue
		}
		if t.When.After(last) {
			last, names = t.When, nil
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// forgottenBy gives the forgotten snapshots of these names, oldest first.
func (v *survey) forgottenBy(names []string) (all []Snapshot, err error) {
	for _, s := range v.forgotten {
		if slices.Contains(names, s.Name) {
			all = append(all, s)
		}
	}
	for _, name := range names {
		switch {
		case slices.ContainsFunc(all, func(s Snapshot) bool { return s.Name == name }):
		case slices.Contains(v.ruins, name):
			return nil, fmt.Errorf("snapshot %.8s was forgotten and is %w; `shoebox heal` may mend it", name, crypt.ErrDamaged)
		case v.isForgotten(name):
			return nil, fmt.Errorf("snapshot %.8s %w", name, ErrPruned)
		default:
			return nil, fmt.Errorf("no snapshot %.8q was forgotten", name)
		}
	}
	return all, nil
}

// isBack tells whether a snapshot that says the same is there.
func (v *survey) isBack(s Snapshot) bool {
	return slices.ContainsFunc(v.confirmed(), func(l Snapshot) bool {
		return l.root == s.root && l.Start.Equal(s.Start) && l.End.Equal(s.End) && l.Device == s.Device && l.Writer == s.Writer && l.Attic == s.Attic
	})
}

// readBodies reads the records of snapshots once more, for their bytes.
func readBodies(ctx context.Context, r *repo.Repo, of []Snapshot) (map[string][]byte, error) {
	bodies := make(map[string][]byte)
	for rec, err := range r.Records(ctx, Kind) {
		switch {
		case !slices.ContainsFunc(of, func(s Snapshot) bool { return s.Name == rec.Name }):
			if err != nil && !errors.Is(err, crypt.ErrDamaged) {
				return nil, err
			}
		case err != nil:
			return nil, err
		default:
			bodies[rec.Name] = rec.Body
		}
	}
	for _, s := range of {
		if bodies[s.Name] == nil {
			return nil, fmt.Errorf("snapshot %.8s %w", s.Name, ErrPruned)
		}
	}
	return bodies, nil
}

// recommit writes a record again under a new name, and gives that.
func recommit(ctx context.Context, r *repo.Repo, s Snapshot, body []byte, o ForgetOptions) (name string, err error) {
	batch, err := r.Begin(ctx, o.Batch)
	if err != nil {
		return "", fmt.Errorf("begin to bring snapshot %s back: %w", s.Name[:8], err)
	}
	defer batch.Abort()
	needs := needsOf(r, s.root)
	if err := sure(ctx, batch, needs); err != nil {
		return "", fmt.Errorf("snapshot %s cannot be had back whole: %w", s.Name[:8], err)
	}
	if name, err = batch.Commit(ctx, Kind, body, needs); err != nil {
		return "", fmt.Errorf("bring snapshot %s back: %w", s.Name[:8], err)
	}
	return name, nil
}

// sure makes sure that everything a snapshot relies on lies where this batch, since it began, saw that it stays. What was looked up before
// the session was open may have been pruned since. Beside a pruner Commit looks by itself, and copies what is about to go.
func sure(ctx context.Context, batch *repo.Batch, needs repo.Needs) error {
	if !batch.Quiet() {
		return nil
	}
	for part, err := range needs(ctx) {
		ok := false
		if err == nil {
			ok, err = batch.Has(ctx, repo.Content{part})
		}
		if err == nil && !ok {
			err = fmt.Errorf("chunk %v %w", part.ID, repo.ErrMissing)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
