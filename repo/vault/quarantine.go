package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"shoebox/repo/storage"
)

// Quarantine takes a pack that cannot be healed out of the way: what is left of it, and its sidecar, are kept durably below
// quarantine/ and only then deleted. A pack that is whole, that heals, or that cannot be read to its end stays where it is. name is that of the pack in the store.
func (v *Vault) Quarantine(ctx context.Context, name string) error {
	if kindOf(name) != packKind {
		return fmt.Errorf("quarantine: %s is not the name of a pack: %w", name, storage.ErrName)
	}
	data, bad := v.original(ctx, name, unknown)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case bad == nil:
		return fmt.Errorf("quarantine %s: %w", name, errWhole)
	case errors.Is(bad, fs.ErrNotExist):
		return fmt.Errorf("quarantine: %w", bad)
	}
	if _, _, err := v.heal(ctx, name, data); err == nil {
		return fmt.Errorf("quarantine %s: %w", name, errHeals)
	}
	size, err := v.listed(ctx, name)
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if size != int64(len(data)) || errors.Is(bad, errUnreadable) {
		return fmt.Errorf("quarantine %s: %w: what cannot be read cannot be kept", name, bad)
	}
	w := v.newWalk(Options{})
	place := QuarantineDir + name[len(name)-64:]
	if err := w.correct(ctx, place, data); err != nil {
		return fmt.Errorf("quarantine %s: %w", name, err)
	}
	sidecar, err := v.sidecar(ctx, name)
	if err == nil {
		err = w.correct(ctx, place+".parity", sidecar)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("quarantine the sidecar of %s: %w", name, err)
	}
	if err := v.Delete(ctx, name); err != nil {
		return fmt.Errorf("quarantine %s: %w", name, err)
	}
	return nil
}

var (
	errWhole = errors.New("it is whole")
	errHeals = errors.New("it can be healed: heal it instead")
)
