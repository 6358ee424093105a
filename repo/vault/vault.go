// Package vault keeps a second means to read whatever lies in a store, finds what is damaged there, and heals it, all without a key.
// It does not know what the bytes mean, who wrote them, nor which of them are still needed.
//
// A Vault is a store laid over another. Beside every pack lies a sidecar (parity/), beside every small object a second copy
// (copies/). Both are written after what they protect and removed before it. So a copy without its original is an original
// that was lost, not one that was deleted; healing rests on that. The forms are in docs/format.md, section 19.
package vault

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"shoebox/repo/storage"
)

// ErrDamaged is wrapped when bytes are not those that were written.
var ErrDamaged = errors.New("damaged")

// Vault is a store whose small objects and packs can heal. Use New.
type Vault struct {
	store     storage.Store
	redundant atomic.Bool
	rooms     sync.Pool // *[]byte: of sidecars that were written
}

// New lays a vault over a store. With redundant false nothing more is written than the caller puts; what lies there already is
// used, and deleted with what it protects.
func New(store storage.Store, redundant bool) *Vault {
	v := &Vault{store: store}
	v.redundant.Store(redundant)
	return v
}

// SetRedundant tells from now on whether sidecars and copies are written.
func (v *Vault) SetRedundant(on bool) { v.redundant.Store(on) }

// Redundant tells whether sidecars and copies are written.
func (v *Vault) Redundant() bool { return v.redundant.Load() }

// Put keeps data, and then what heals it. After an error the object may be whole and its redundancy missing: putting it again is right.
func (v *Vault) Put(ctx context.Context, name string, data []byte) error {
	k := kindOf(name)
	if copied := k.copied() && copyable(name); copied && (k == slotKind || k.replaced() && v.Redundant()) {
		// No copy of an old password may outlive its slot, and no old copy may speak for a new object.
		if err := v.store.Delete(ctx, copyName(name)); err != nil {
			return fmt.Errorf("remove the old copy: %w", err)
		}
	}
	if err := v.store.Put(ctx, name, data); err != nil {
		return err
	}
	if !v.Redundant() {
		return nil
	}
	return v.protect(ctx, name, data)
}

// protect writes the redundancy of an object that is durable, if it has any.
func (v *Vault) protect(ctx context.Context, name string, data []byte) error {
	switch k := kindOf(name); {
	case k == packKind:
		s, err := v.sidecarOf(name, data)
		if err != nil {
			return err
		}
		return s.put(ctx)
	case k.copied() && copyable(name):
		if err := v.store.Put(ctx, copyName(name), sealCopy(name, data)); err != nil {
			return fmt.Errorf("second copy of %s: %w", name, err)
		}
	}
	return nil
}

// Get returns bytes of an object. A small one that is asked for whole and is damaged or missing is answered from its copy; where that
// does not help either, the answer is that of the store.
func (v *Vault) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	data, err := v.store.Get(ctx, name, off, n)
	if off != 0 || n >= 0 || !kindOf(name).copied() || err == nil && whole(name, data) == nil || ctx.Err() != nil {
		return data, err
	}
	if spare, failed := v.Copy(ctx, name); failed == nil {
		return spare, nil
	}
	return data, err
}

// GetInto fills p with bytes of an object, as they are in the store.
func (v *Vault) GetInto(ctx context.Context, name string, off int64, p []byte) error {
	return storage.GetInto(ctx, v.store, name, off, p)
}

// List lists the store as it is, redundancy and all.
func (v *Vault) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return v.store.List(ctx, prefix)
}

// Settle settles the store below.
func (v *Vault) Settle(ctx context.Context, prefix string) error {
	return storage.Settle(ctx, v.store, prefix)
}

// Delete removes the redundancy of an object and then the object. To delete nothing is no error.
func (v *Vault) Delete(ctx context.Context, name string) error {
	second := ""
	switch k := kindOf(name); {
	case k == packKind:
		second = SidecarName(name)
	case k.copied() && copyable(name):
		second = copyName(name)
	}
	if second != "" {
		if err := v.store.Delete(ctx, second); err != nil {
			return err
		}
	}
	if err := v.store.Delete(ctx, name); err != nil {
		return err
	}
	if second == "" || !v.Redundant() {
		return nil
	}
	// Somebody who makes redundancy anew may have read the object before it went and written after its redundancy went. They look
	// whether it is still there after they wrote, we remove after it is gone: one of us sees the other.
	return v.store.Delete(ctx, second)
}

// copyable tells whether a copy of the object could have a name.
func copyable(name string) bool { return storage.CheckName(copyName(name)) == nil }
