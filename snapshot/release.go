package snapshot

import (
	"context"
	"errors"
	"fmt"

	"shoebox/repo"
	"shoebox/repo/crypt"
)

// releaseKind is the kind of the records that let the last copies in a forgotten snapshot go. They have its name. A forget puts them last,
// when it has looked again and all that is not to go is safe elsewhere: until then a prune keeps what only that snapshot holds.
const releaseKind = "releases"

// takeFullSurvey lists releases before all else: who sees one sees what was carried away before it was put.
func takeFullSurvey(ctx context.Context, r *repo.Repo) (*survey, error) {
	letGo := make(map[string]bool)
	for rec, err := range r.Records(ctx, releaseKind) {
		if errors.Is(err, crypt.ErrDamaged) {
			continue // it lets nothing go
		}
		if err != nil {
			return nil, fmt.Errorf("read what may go: %w", err)
		}
		letGo[rec.Name] = true
	}
	v, err := takeSurvey(ctx, r)
	if err == nil {
		v.letGo = letGo
	}
	return v, err
}

// release lets the last copies in what was forgotten go, and those of the same content in what was forgotten before.
func (f *forgetting) release(ctx context.Context) error {
	if !f.options.LastCopies {
		return nil
	}
	names := append(f.also, f.ruins...)
	for _, s := range f.leaving {
		names = append(names, s.Name)
	}
	for _, name := range names {
		if err := f.repo.PutRecord(ctx, releaseKind, name, nil); err != nil {
			return fmt.Errorf("the snapshots are forgotten, but prune keeps the last copies in them: %w", err)
		}
	}
	return nil
}
