package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"shoebox/repo/parity"
)

// lookPlain looks at a record that has no copy.
func (w *walk) lookPlain(ctx context.Context, name string) error {
	_, err := w.original(ctx, name, w.sizes[name])
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // gone: its session ended
		w.damaged(name, err, false)
	}
	return nil
}

// lookPack looks at a pack and then at its sidecar.
func (w *walk) lookPack(ctx context.Context, name string) error {
	data, err := w.original(ctx, name, w.sizes[name])
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // pruned since it was listed
	case err != nil:
		return w.lookBadPack(ctx, name, data, err)
	}
	return w.lookSidecar(ctx, name, data)
}

// lookBadPack tries whether a pack heals, and heals it when asked to.
func (w *walk) lookBadPack(ctx context.Context, name string, data []byte, bad error) error {
	healed, rep, err := w.heal(ctx, name, data)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		w.damaged(name, fmt.Errorf("%w; it cannot be healed: %w", bad, err), false)
		return nil
	}
	if !w.put {
		w.damaged(name, bad, true)
		return w.lookSidecar(ctx, name, healed)
	}
	what := fmt.Sprintf("%v; %d bytes in %d of %d shards", bad, rep.Differed, len(rep.Damaged), rep.Data)
	if done, err := w.putPack(ctx, name, healed, what); !done || err != nil {
		return err
	}
	return w.lookSidecar(ctx, name, healed)
}

// lookSidecar holds a sidecar against its pack, which is whole.
func (w *walk) lookSidecar(ctx context.Context, name string, data []byte) error {
	var bad error
	for range 2 {
		var sidecar []byte
		if sidecar, bad = w.sidecar(ctx, name); bad == nil {
			bad = parity.Fits(sidecar, packHash(name), data)
		}
		if bad == nil || errors.Is(bad, fs.ErrNotExist) {
			break
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	missing := errors.Is(bad, fs.ErrNotExist)
	if bad == nil || len(data) == 0 {
		return nil
	}
	if w.make {
		sidecar, err := parity.Make(nil, packHash(name), data)
		if err != nil {
			return err
		}
		return w.putSidecar(ctx, name, sidecar, bad)
	}
	w.left(missing)
	if !missing {
		w.damaged(SidecarName(name), fmt.Errorf("%w: %w", ErrDamaged, bad), true)
	}
	return nil
}

// lookSidecarAlone holds a sidecar against itself: it is what was written, for the pack of its name.
func (w *walk) lookSidecarAlone(ctx context.Context, name string) error {
	var bad error
	for range 2 {
		var sidecar []byte
		if sidecar, bad = w.sidecar(ctx, name); bad == nil {
			var of [32]byte
			if of, _, bad = parity.Check(sidecar); bad == nil && of != packHash(name) {
				bad = fmt.Errorf("it is the sidecar of another pack")
			}
		}
		if bad == nil || errors.Is(bad, fs.ErrNotExist) || ctx.Err() != nil {
			return ctx.Err()
		}
	}
	w.damaged(SidecarName(name), fmt.Errorf("%w: %w", ErrDamaged, bad), true)
	return nil
}

// pair is a small object and its second copy, as they were read.
type pair struct {
	data  []byte
	bad   error // why the original is not whole
	spare []byte
	off   error // why the copy is not whole
}

// lookPair reads both until they tell one story: a slot may be replaced meanwhile.
func (w *walk) lookPair(ctx context.Context, name string) (p pair, err error) {
	for try := range 3 {
		before := p
		p.data, p.bad = w.original(ctx, name, unknown)
		p.spare, p.off = w.spare(ctx, name)
		if ctx.Err() != nil {
			return p, ctx.Err()
		}
		if p.bad == nil && (errors.Is(p.off, fs.ErrNotExist) || p.off == nil && bytes.Equal(p.data, p.spare)) {
			return p, nil
		}
		if try > 0 && bytes.Equal(p.data, before.data) && bytes.Equal(p.spare, before.spare) {
			break
		}
	}
	if p.bad != nil || p.off != nil {
		return p, nil
	}
	// Both look whole and are not alike. What is checked by its own sum is right; of the others the copy is, because it is
	// removed before they are replaced.
	if k := kindOf(name); k == slotKind || k == hintKind {
		p.bad = fmt.Errorf("%w: it is not as its second copy, which is whole", ErrDamaged)
	} else {
		p.spare, p.off = nil, fmt.Errorf("%w: it is the copy of something else", ErrDamaged)
	}
	return p, nil
}

// lookSmall looks at a small object and its copy. What changes while it is put right is looked at again.
func (w *walk) lookSmall(ctx context.Context, name string) error {
	for range 3 {
		p, err := w.lookPair(ctx, name)
		if err != nil {
			return err
		}
		done := true
		switch {
		case p.bad != nil && p.off == nil && w.put:
			done, err = w.putSmall(ctx, name, p)
		case p.bad == nil && p.off != nil && w.make && copyable(name):
			done, err = w.putCopy(ctx, name, p)
		default:
			w.judge(name, p)
		}
		if done || err != nil {
			return err
		}
	}
	w.damaged(name, fmt.Errorf("%w: it changes while it is read", ErrDamaged), true)
	return nil
}

// judge tells what is wrong with a small object and its copy.
func (w *walk) judge(name string, p pair) {
	gone, bare := errors.Is(p.bad, fs.ErrNotExist), errors.Is(p.off, fs.ErrNotExist)
	if gone && bare {
		return // deleted since it was listed
	}
	if gone {
		p.bad = fmt.Errorf("it is lost: %w", p.bad)
	}
	if p.bad != nil {
		w.damaged(name, p.bad, p.off == nil)
	}
	if p.off != nil && !bare {
		w.damaged(copyName(name), p.off, p.bad == nil)
	}
	w.left(bare)
}
