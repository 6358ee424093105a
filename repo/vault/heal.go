package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"shoebox/repo/guard"
)

// Heal looks at everything as Verify does, and puts right what it can: damaged packs from their sidecars, damaged or lost small
// objects from their copies, and, while the vault is redundant, sidecars and copies from whole originals. Each correction is
// read back before it counts. The report keeps the damage that is left. Backups and prunes may run beside it.
func (v *Vault) Heal(ctx context.Context, o Options) (*Report, error) {
	w := v.newWalk(o)
	w.put, w.make = true, v.Redundant()
	if err := w.all(ctx, false); err != nil {
		return nil, fmt.Errorf("heal: %w", err)
	}
	return w.finish(), nil
}

// correct puts bytes and reads them back.
func (w *walk) correct(ctx context.Context, name string, data []byte) error {
	if err := w.store.Put(ctx, name, data); err != nil {
		return err
	}
	if !guard.On(guard.ReadBack) {
		return nil
	}
	var got []byte
	var err error
	for range 2 {
		if got, err = w.read(ctx, name, unknown); err == nil && bytes.Equal(got, data) {
			return nil
		}
	}
	if err == nil {
		err = fmt.Errorf("%w: it was put right, and does not read back so: the disk may be failing", ErrDamaged)
	}
	return err
}

// failed keeps a correction that did not work as damage, and lets only the end of the context through.
func (w *walk) failed(ctx context.Context, name string, bad, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.damaged(name, fmt.Errorf("%w; healing it failed: %w", bad, err), true)
	return nil
}

// putPack puts a healed pack back, unless it was deleted meanwhile: a pruner deletes the sidecar first, so both are looked for directly
// before. A pack whose sidecar vanishes just after that stays: it is whole and belongs to nobody, a writer may rely on it as on
// any pack that is listed, and only a pruner, who announces it, may take it away.
func (w *walk) putPack(ctx context.Context, name string, healed []byte, what string) (done bool, err error) {
	bad := fmt.Errorf("%w: %s", ErrDamaged, what)
	for _, needed := range []string{name, SidecarName(name)} {
		if ok, err := w.there(ctx, needed); !ok || err != nil {
			if err != nil {
				err = w.failed(ctx, name, bad, err)
			}
			return false, err
		}
	}
	if err := w.correct(ctx, name, healed); err != nil {
		return false, w.failed(ctx, name, bad, err)
	}
	w.corrected(Correction{name, "parity", what})
	return true, nil
}

// putSidecar writes the sidecar of a whole pack.
func (w *walk) putSidecar(ctx context.Context, name string, sidecar []byte, bad error) error {
	if err := w.correct(ctx, SidecarName(name), sidecar); err != nil {
		return w.failed(ctx, SidecarName(name), bad, err)
	}
	ok, err := w.there(ctx, name)
	return w.keepSecond(ctx, SidecarName(name), ok, bad, err)
}

// putCopy writes the copy of a whole original. done is false when the original changed since it was read.
func (w *walk) putCopy(ctx context.Context, name string, p pair) (done bool, err error) {
	if err := w.correct(ctx, copyName(name), sealCopy(name, p.data)); err != nil {
		return true, w.failed(ctx, copyName(name), p.off, err)
	}
	keep, err := w.unchanged(ctx, name, p.data)
	return keep, w.keepSecond(ctx, copyName(name), keep, p.off, err)
}

// unchanged tells whether an object still is what it was. A slot may have been replaced: its copy must not be that of the old one.
func (w *walk) unchanged(ctx context.Context, name string, data []byte) (bool, error) {
	for range 2 {
		now, err := w.original(ctx, name, unknown)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil || bytes.Equal(now, data) {
			return true, nil // damaged just now, it needs its copy all the more
		}
	}
	return false, nil
}

// keepSecond takes redundancy that was just made back when its original is not what it was. Who deletes or replaces an original may have
// removed the old redundancy before the new was written; so whoever makes it looks at the original again after, and a deleter
// removes redundancy again after the original.
func (w *walk) keepSecond(ctx context.Context, second string, keep bool, bad, err error) error {
	if err != nil {
		return fmt.Errorf("%s was made: %w", second, err)
	}
	if !keep {
		return w.store.Delete(ctx, second)
	}
	what := "it was damaged"
	if errors.Is(bad, fs.ErrNotExist) {
		what = "there was none"
	}
	w.corrected(Correction{second, "original", what})
	return nil
}

// putSmall puts a small object back from its copy, unless it was deleted or replaced meanwhile, which removes the copy first: so the copy is
// looked at directly before, and again after. done is false when something changed since the two were read.
func (w *walk) putSmall(ctx context.Context, name string, p pair) (done bool, err error) {
	now, bad := w.original(ctx, name, unknown)
	same := errors.Is(bad, fs.ErrNotExist) == errors.Is(p.bad, fs.ErrNotExist) && bytes.Equal(now, p.data)
	spare, err := w.spare(ctx, name)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if !same || err != nil || !bytes.Equal(spare, p.spare) {
		return false, nil
	}
	if err := w.correct(ctx, name, p.spare); err != nil {
		return true, w.failed(ctx, name, p.bad, err)
	}
	if kept, err := w.stays(ctx, name, p.spare); !kept || err != nil {
		return true, err
	}
	w.corrected(Correction{name, "second copy", p.bad.Error()})
	return true, nil
}

// stays tells whether an object that was put back may stay, and takes it away again where it was deleted meanwhile.
func (w *walk) stays(ctx context.Context, name string, spare []byte) (bool, error) {
	now, err := w.spare(ctx, name)
	if err == nil && bytes.Equal(now, spare) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, ctx.Err() // a copy that is damaged is there all the same
	}
	if err == nil { // replaced meanwhile, and what we put may lie over it: the new copy says what it was
		return true, w.correct(ctx, name, now)
	}
	if removing, err := w.there(ctx, removedName); removing || err != nil {
		return true, err // all copies are being removed: that says nothing of the original
	}
	if last, err := w.lastSlot(ctx, name); last || err != nil {
		return true, err
	}
	return false, w.store.Delete(ctx, name)
}

// lastSlot tells whether name is a key slot and there is no other.
func (w *walk) lastSlot(ctx context.Context, name string) (bool, error) {
	if kindOf(name) != slotKind {
		return false, nil
	}
	others := 0
	for o, err := range w.store.List(ctx, "keys/") {
		if err != nil {
			return false, err
		}
		if o.Name != name {
			others++
		}
	}
	return others == 0, nil
}
