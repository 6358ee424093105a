package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// AddParity makes the sidecars and copies that are missing, from originals that are whole. What is damaged is in the report. Stopped, it
// goes on where it was when it is called again. It does not look at sidecars and copies that are there: Heal does.
func (v *Vault) AddParity(ctx context.Context, o Options) (*Report, error) {
	if err := v.store.Delete(ctx, removedName); err != nil {
		return nil, fmt.Errorf("add parity: %w", err)
	}
	w := v.newWalk(o)
	w.make = true
	if err := w.all(ctx, true); err != nil {
		return nil, fmt.Errorf("add parity: %w", err)
	}
	return w.finish(), nil
}

// RemoveParity deletes all sidecars, and all copies whose original is whole: a copy that is the last good one stays, and its original is in the
// report as damage. Stopped, it goes on where it was when it is called again. Set the vault to not redundant before.
func (v *Vault) RemoveParity(ctx context.Context, o Options) (*Report, error) {
	// First of all a healing that runs beside is told that copies which vanish say nothing.
	if err := v.store.Put(ctx, removedName, []byte(removedText)); err != nil {
		return nil, fmt.Errorf("remove parity: %w", err)
	}
	w := v.newWalk(o)
	if _, err := w.list(ctx); err != nil {
		return nil, fmt.Errorf("remove parity: %w", err)
	}
	var names []string
	for name, size := range w.sizes {
		if k := kindOf(name); k == sidecarKind || k == copyKind {
			names = append(names, name)
			w.o.Progress.AllObjects.Add(1)
			w.o.Progress.AllBytes.Add(size)
		}
	}
	slices.Sort(names)
	if err := w.each(ctx, names, w.remove); err != nil {
		return nil, fmt.Errorf("remove parity: %w", err)
	}
	return w.finish(), nil
}

const removedText = "Sidecars and second copies were removed from this repository on purpose.\n"

// remove deletes a sidecar, or a copy that is not the last of its kind.
func (w *walk) remove(ctx context.Context, name string) error {
	if kindOf(name) == sidecarKind {
		return w.store.Delete(ctx, name)
	}
	of := strings.TrimPrefix(name, CopiesDir)
	p, err := w.lookPair(ctx, of)
	if err != nil {
		return err
	}
	if p.bad != nil && p.off == nil {
		w.damaged(of, fmt.Errorf("%w; its second copy stays: heal it first", p.bad), true)
		return nil
	}
	return w.store.Delete(ctx, name)
}

// Sweep says what SweepParity is to delete beside lone sidecars.
type Sweep struct {
	LoneCopies bool // copies without an original, which Heal would take for an original that was lost
}

// SweepParity deletes sidecars without a pack, which deletions and new sidecars side by side can leave behind, and tells how many it deleted.
func (v *Vault) SweepParity(ctx context.Context, o Sweep) (deleted int, err error) {
	deleted, err = v.sweep(ctx, ParityDir, packsDir, sidecarKind, packOf)
	if err != nil || !o.LoneCopies {
		return deleted, err
	}
	more, err := v.sweep(ctx, CopiesDir, "", copyKind, func(name string) string { return strings.TrimPrefix(name, CopiesDir) })
	return deleted + more, err
}

// sweep lists what protects before what is protected: so whatever is listed first and is not listed second was deleted.
func (v *Vault) sweep(ctx context.Context, seconds, originals string, k kind, of func(string) string) (deleted int, err error) {
	found, err := v.names(ctx, seconds)
	if err != nil {
		return 0, err
	}
	there, err := v.names(ctx, originals)
	if err != nil {
		return 0, err
	}
	for name := range found {
		if kindOf(name) != k || there[of(name)] {
			continue
		}
		if err := v.store.Delete(ctx, name); err != nil {
			return deleted, fmt.Errorf("sweep: %w", err)
		}
		deleted++
	}
	return deleted, nil
}

func (v *Vault) names(ctx context.Context, prefix string) (map[string]bool, error) {
	names := make(map[string]bool)
	for o, err := range v.store.List(ctx, prefix) {
		if err != nil {
			return nil, fmt.Errorf("sweep: list %q: %w", prefix, err)
		}
		names[o.Name] = true
	}
	return names, nil
}
