package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"shoebox/repo"
	"shoebox/repo/crypt"
)

// ErrForgotten is wrapped where a snapshot that was being read is forgotten by now, and what only it needed is deleted.
var ErrForgotten = errors.New("forgotten and pruned while it was being read")

// WhyLost gives an error of reading some snapshots as it is, unless it tells that something is lost and one of them was forgotten by somebody else, and let
// go of by a prune, since it was listed: then nothing is damaged, and the error wraps ErrForgotten instead.
func WhyLost(ctx context.Context, r *repo.Repo, read []Snapshot, err error) error {
	if err == nil || !isLost(err) {
		return err
	}
	var names []string
	for _, s := range read {
		names = append(names, s.Name)
	}
	left, failed := firstLeft(ctx, r, names)
	if failed != nil || left == "" {
		return err
	}
	return fmt.Errorf("snapshot %s was %w; `shoebox snapshots` lists those there are", left[:8], ErrForgotten)
}

// haveLeft tells whether one of some snapshots is forgotten and its record deleted, which only a prune does.
func haveLeft(ctx context.Context, r *repo.Repo, names []string) (bool, error) {
	left, err := firstLeft(ctx, r, names)
	return left != "", err
}

// firstLeft gives the first of some snapshots that has left, if any.
func firstLeft(ctx context.Context, r *repo.Repo, names []string) (string, error) {
	there := make(map[string]bool)
	for rec, err := range r.Records(ctx, Kind) {
		if err != nil && !errors.Is(err, crypt.ErrDamaged) {
			return "", err
		}
		there[rec.Name] = true
	}
	v := new(survey)
	if err := v.readTombstones(ctx, r); err != nil {
		return "", err
	}
	i := slices.IndexFunc(names, func(name string) bool { return !there[name] && v.isForgotten(name) })
	if i < 0 {
		return "", nil
	}
	return names[i], nil
}
