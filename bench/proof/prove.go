package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/zeebo/blake3"

	"shoebox/repo"
	"shoebox/snapshot"
)

// Prove is the oracle. It opens the repository as the next command would, and says what is wrong:
//
//   - every snapshot whose success was reported is listed and gives back every byte;
//   - what else is listed is one of the rolls that may be: the jobs that were cut short know theirs;
//   - what was forgotten is in some other snapshot, unless it was to go for good;
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
	got, err := Read(r, s)
	if err != nil {
		return err
	}
	return differs(s, got, fresh)
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

// proveListed reads every snapshot that is listed.
func (w *World) proveListed(r *repo.Repo, mayBe []Roll) error {
	listed, damaged, err := snapshot.List(context.Background(), r)
	if err != nil || len(damaged) > 0 {
		return fmt.Errorf("list: %v, %w", damaged, err)
	}
	missing, have := maps.Clone(w.Truth), contents{}
	for _, s := range listed {
		roll, err := Read(r, s)
		if err != nil {
			return err
		}
		if err := w.allowed(s, roll, mayBe); err != nil {
			return err
		}
		delete(missing, s.Name)
		have.add(roll)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d reported snapshots are listed", len(w.Truth)-len(missing), len(w.Truth))
	}
	for name, roll := range w.Going {
		for path, data := range roll {
			if !have[sumOf(data)] {
				return fmt.Errorf("snapshot %s was forgotten, and what was in %q is in no other", name, path)
			}
		}
	}
	return nil
}

// allowed says why a snapshot must not be listed as it is.
func (w *World) allowed(s snapshot.Snapshot, is Roll, mayBe []Roll) error {
	for _, known := range []map[string]Roll{w.Truth, w.Going, w.LetGo} {
		if want, ok := known[s.Name]; ok {
			return differs(s, is, want)
		}
	}
	if s.Attic {
		return w.allowedAttic(s, is)
	}
	for _, m := range mayBe {
		if differs(s, is, m) == nil {
			return nil
		}
	}
	return fmt.Errorf("snapshot %s is listed and nobody took it", s.Name)
}

// allowedAttic: an attic holds what was forgotten, and nothing else.
func (w *World) allowedAttic(s snapshot.Snapshot, is Roll) error {
	forgotten := contents{}
	for _, known := range []map[string]Roll{w.Going, w.LetGo} {
		for _, roll := range known {
			forgotten.add(roll)
		}
	}
	for path, data := range is {
		if !forgotten[sumOf(data)] {
			return fmt.Errorf("attic %s: %q holds what nobody forgot", s.Name, path)
		}
	}
	return nil
}

// contents are the bytes of files, whatever their paths.
type contents map[[32]byte]bool

func sumOf(data []byte) [32]byte { return blake3.Sum256(data) }

func (c contents) add(r Roll) {
	for _, data := range r {
		c[sumOf(data)] = true
	}
}

// Read reads a snapshot whole.
func Read(r *repo.Repo, s snapshot.Snapshot) (Roll, error) {
	ctx, roll := context.Background(), Roll{}
	for e, err := range snapshot.Entries(ctx, r, s) {
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: a page: %w", s.Name, err)
		}
		data, err := io.ReadAll(snapshot.Open(ctx, r, e))
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %q: %w", s.Name, e.Path, err)
		}
		roll[e.Path] = data
	}
	return roll, nil
}

// errWrong is wrapped when a snapshot gives what it never took: the worst there is.
var errWrong = errors.New("came back wrong and without an error")

func differs(s snapshot.Snapshot, is, want Roll) error {
	for path, data := range is {
		was, ok := want[path]
		switch {
		case !ok:
			return fmt.Errorf("snapshot %s: %q, which is not in it, %w", s.Name, path, errWrong)
		case !bytes.Equal(was, data):
			return fmt.Errorf("snapshot %s: %q %w", s.Name, path, errWrong)
		}
	}
	if len(is) != len(want) {
		return fmt.Errorf("snapshot %s: %d of %d files", s.Name, len(is), len(want))
	}
	return nil
}
