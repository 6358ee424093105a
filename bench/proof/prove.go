package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"shoebox/repo"
	"shoebox/snapshot"
)

// Prove is the oracle. It opens the repository as the next command would, and says what is wrong:
//
//   - every snapshot whose success was reported is listed and gives back every byte;
//   - what else is listed is one of the rolls that may be: the jobs that were cut short know theirs;
//   - check finds no damage;
//   - a fresh backup succeeds and gives back what it took, and check finds nothing after it either.
//
// For a store in which something was damaged see Judge.
func (w *World) Prove(mayBe ...Roll) error {
	r, err := w.Open(w.Store)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer r.Close()
	if err := w.proveListed(r, mayBe); err != nil {
		return err
	}
	if err := whole(r); err != nil {
		return err
	}
	if err := w.proveFresh(r); err != nil {
		return fmt.Errorf("a fresh backup: %w", err)
	}
	return whole(r)
}

// proveFresh backs up a phone that was never seen.
func (w *World) proveFresh(r *repo.Repo) error {
	o, fresh := w.Options(r), freshRoll()
	o.Device.ID = snapshot.DeviceID(r, "fresh")
	s, err := snapshot.Backup(context.Background(), r, fresh, o)
	if err != nil {
		return err
	}
	w.Truth[s.Name] = fresh
	return Gives(r, s, fresh)
}

// whole lets check read every byte.
func whole(r *repo.Repo) error {
	report, err := snapshot.Check(context.Background(), r, snapshot.CheckOptions{Read: repo.Budget{All: true}})
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if len(report.Damage) > 0 {
		return fmt.Errorf("check: %v", report.Damage)
	}
	return nil
}

func (w *World) proveListed(r *repo.Repo, mayBe []Roll) error {
	listed, damaged, err := snapshot.List(context.Background(), r)
	if err != nil || len(damaged) > 0 {
		return fmt.Errorf("list: %v, %w", damaged, err)
	}
	found := 0
	for _, s := range listed {
		if want, ok := w.Truth[s.Name]; ok {
			found++
			if err := Gives(r, s, want); err != nil {
				return fmt.Errorf("a reported snapshot: %w", err)
			}
			continue
		}
		allowed := mayBe
		if going, ok := w.Going[s.Name]; ok {
			allowed = []Roll{going}
		}
		if !slices.ContainsFunc(allowed, func(m Roll) bool { return Gives(r, s, m) == nil }) {
			return fmt.Errorf("snapshot %s is listed and nobody took it", s.Name)
		}
	}
	if found != len(w.Truth) {
		return fmt.Errorf("%d of %d reported snapshots are listed", found, len(w.Truth))
	}
	return nil
}

// Gives reads a snapshot whole and compares.
func Gives(r *repo.Repo, s snapshot.Snapshot, want Roll) error {
	given, broken, err := given(r, s, want)
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return fmt.Errorf("snapshot %s: %w", s.Name, errors.Join(broken...))
	}
	if given != len(want) {
		return fmt.Errorf("snapshot %s: %d of %d files", s.Name, given, len(want))
	}
	return nil
}

// errWrong is wrapped when a snapshot gives what it never took: the worst there is.
var errWrong = errors.New("came back wrong and without an error")

// given reads a snapshot: how many files come back as they were, and why others do not. err is for what must never be.
func given(r *repo.Repo, s snapshot.Snapshot, want Roll) (whole int, broken []error, err error) {
	ctx := context.Background()
	for e, err := range snapshot.Entries(ctx, r, s) {
		if err != nil {
			broken = append(broken, fmt.Errorf("a page: %w", err))
			continue
		}
		data, ok := want[e.Path]
		if !ok {
			return whole, broken, fmt.Errorf("snapshot %s: %q, which is not in it, %w", s.Name, e.Path, errWrong)
		}
		got, err := io.ReadAll(snapshot.Open(ctx, r, e))
		switch {
		case err != nil:
			broken = append(broken, fmt.Errorf("%q: %w", e.Path, err))
		case !bytes.Equal(got, data):
			return whole, broken, fmt.Errorf("snapshot %s: %q %w", s.Name, e.Path, errWrong)
		default:
			whole++
		}
	}
	return whole, broken, nil
}
