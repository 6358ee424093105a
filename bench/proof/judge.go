package proof

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"shoebox/repo"
	"shoebox/snapshot"
)

// Harm is what was done to the objects of a store.
type Harm struct {
	Altered []string // they hold other bytes now
	Gone    []string // they are not there any more
	Back    []string // they had been deleted, and are there again
}

// MustName are the folders whose objects check names when one of their bytes is wrong, also where nothing needs the byte. Of all other
// objects check may be silent, but only as long as every snapshot gives back every byte.
var MustName = []string{"packs/", "segments/", "snapshots/"}

// Judge is the oracle for a repository in which something was damaged, opened in the damaged store:
//
//   - no file comes back wrong without an error, and no snapshot is listed that nobody took;
//   - check names each object that was altered, and no other;
//   - check names each snapshot that cannot be given back whole, and no other;
//   - a snapshot is missing from the list only when its own record was harmed, or its .done.
//
// It is made to be cheap: what it does not do is a fresh backup, see JudgeFresh.
func (w *World) Judge(r *repo.Repo, h Harm) error {
	ctx := context.Background()
	report, err := snapshot.Check(ctx, r, snapshot.CheckOptions{Read: repo.Budget{All: true}})
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	told := w.sort(report.Damage)
	if err := w.holdAgainst(told, h); err != nil {
		return err
	}
	listed, _, err := snapshot.List(ctx, r)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	return w.judgeListed(r, h, told, listed)
}

// told is what check said: of objects, and of snapshots by the beginning of their names.
type told struct {
	objects   map[string]bool
	snapshots map[string][]string
	text      string
}

func (w *World) sort(damage []repo.Damage) told {
	t := told{objects: map[string]bool{}, snapshots: map[string][]string{}, text: fmt.Sprint(damage)}
	for _, d := range damage {
		if name := w.snapshotOf(d.Name); name != "" {
			t.snapshots[name] = append(t.snapshots[name], d.Name)
		} else {
			t.objects[d.Name] = true
		}
	}
	return t
}

// snapshotOf gives the snapshot that a line of a report speaks of; "" when it speaks of an object.
func (w *World) snapshotOf(line string) string {
	for name := range w.Truth {
		if line == name[:8] || strings.HasPrefix(line, name[:8]+":") {
			return name
		}
	}
	return ""
}

func (w *World) holdAgainst(t told, h Harm) error {
	for name := range t.objects {
		if !slices.Contains(slices.Concat(h.Altered, h.Gone, h.Back), name) && !w.hides(h, name) {
			return fmt.Errorf("check names %s, which nobody touched: %s", name, t.text)
		}
	}
	for _, name := range h.Altered {
		must := slices.ContainsFunc(MustName, func(dir string) bool { return strings.HasPrefix(name, dir) })
		if must && !t.objects[name] {
			return fmt.Errorf("check does not name %s: %s", name, t.text)
		}
	}
	return nil
}

func (w *World) judgeListed(r *repo.Repo, h Harm, t told, listed []snapshot.Snapshot) error {
	hidden, seen := maps.Clone(w.Truth), map[string]error{}
	for _, s := range listed {
		want, ok := w.Truth[s.Name]
		if !ok {
			return fmt.Errorf("snapshot %s is listed and nobody took it", s.Name)
		}
		delete(hidden, s.Name)
		broken, err := breakage(r, s, want, seen)
		if err != nil {
			return err
		}
		if (len(broken) > 0) != (len(t.snapshots[s.Name]) > 0) {
			return fmt.Errorf("of snapshot %s check says %q and reading it says: %v", s.Name, t.snapshots[s.Name], broken)
		}
		for path := range broken {
			if !t.tells(s.Name, path) {
				return fmt.Errorf("check does not say that %q of snapshot %s is lost: %s", path, s.Name, t.text)
			}
		}
	}
	for name := range hidden {
		if !w.hides(h, "snapshots/"+name) {
			return fmt.Errorf("snapshot %s is not listed any more: %s", name, t.text)
		}
	}
	return nil
}

// tells tells whether a report speaks of a path. Of what stood in a lost page it names only where that begins.
func (t told) tells(name, path string) bool {
	lines := t.snapshots[name]
	return slices.Contains(lines, name[:8]+":"+path) || path == "" || slices.Contains(lines, name[:8])
}

// hides tells whether a snapshot may be missing from the list: its own record was harmed, or the .done of its session is gone. Check says so
// when a later snapshot of the same computer is there, and nobody can when none is: docs/format.md, 16.
func (w *World) hides(h Harm, record string) bool {
	done := "sessions/" + w.sessions[strings.TrimPrefix(record, "snapshots/")] + ".done"
	return slices.Contains(h.Altered, record) || slices.Contains(h.Gone, record) || slices.Contains(h.Gone, done)
}

// breakage reads a snapshot and tells which files do not come back, "" being a page. err is for what must never be. seen remembers what was
// read of the same bytes before.
func breakage(r *repo.Repo, s snapshot.Snapshot, want Roll, seen map[string]error) (broken map[string]error, err error) {
	ctx, whole := context.Background(), 0
	broken = map[string]error{}
	for e, err := range snapshot.Entries(ctx, r, s) {
		if err != nil {
			broken[""] = err
			continue
		}
		data, ok := want[e.Path]
		if !ok {
			return nil, fmt.Errorf("snapshot %s: %q, which is not in it, %w", s.Name, e.Path, errWrong)
		}
		whole++
		key := fmt.Sprintf("%x %x", e.Hash, e.Content)
		failed, known := seen[key]
		if !known {
			got, err := io.ReadAll(snapshot.Open(ctx, r, e))
			if err == nil && !bytes.Equal(got, data) {
				return nil, fmt.Errorf("snapshot %s: %q %w", s.Name, e.Path, errWrong)
			}
			failed, seen[key] = err, err
		}
		if failed != nil {
			broken[e.Path] = failed
		}
	}
	if whole != len(want) && broken[""] == nil {
		return nil, fmt.Errorf("snapshot %s: %d of %d entries, and no error", s.Name, whole, len(want))
	}
	return broken, nil
}

// JudgeFresh says whether a phone that was never seen can be backed up beside the damage and gets back every byte. It writes to the store.
func (w *World) JudgeFresh(r *repo.Repo) error {
	if err := w.In(nil).proveFresh(r); err != nil {
		return fmt.Errorf("a fresh backup: %w", err)
	}
	return nil
}
