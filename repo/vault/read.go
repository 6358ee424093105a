package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"shoebox/repo/parity"
	"shoebox/repo/storage"
)

// unknown is the length of an object that was not listed, or may have been replaced since.
const unknown = -1

// limit is the most bytes of an object that are read: what is longer is damaged, and its beginning is enough to heal it.
func limit(k kind) int64 {
	switch k {
	case packKind:
		return parity.MaxPack
	case sidecarKind:
		return parity.MaxSidecar
	}
	return maxSmall + copyHeader
}

// read returns the bytes of an object, up to the limit of its kind. size is its length as listed, or unknown.
func (v *Vault) read(ctx context.Context, name string, size int64) ([]byte, error) {
	most := limit(kindOf(name))
	if size != unknown {
		data, err := v.store.Get(ctx, name, 0, min(size, most))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return data, err
		}
	}
	data, err := v.store.Get(ctx, name, 0, -1)
	if errors.Is(err, storage.ErrTooLarge) {
		data, err = v.store.Get(ctx, name, 0, most)
	}
	return data[:min(int64(len(data)), most)], err
}

// original reads an object and tells why it is not whole: the error wraps fs.ErrNotExist when it is gone, else ErrDamaged, and what could
// be read comes with it. Damage is looked at twice: what a cable garbled once is none.
func (v *Vault) original(ctx context.Context, name string, size int64) (data []byte, err error) {
	if kindOf(name).replaced() {
		size = unknown
	}
	for range 2 {
		data, err = v.read(ctx, name, size)
		if err == nil {
			err = whole(name, data)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil {
			return data, err
		}
		size = unknown
	}
	if errors.Is(err, ErrDamaged) {
		return data, err
	}
	err = fmt.Errorf("%w: %w: %w", ErrDamaged, errUnreadable, err)
	if kindOf(name) == packKind {
		data = v.salvage(ctx, name)
	}
	return data, err
}

// salvaged is how much of a pack is read at once where it cannot be read whole, in bytes.
const salvaged = 64 << 10

// salvage reads a pack around its unreadable places, which are zeros in what it returns. It gives up, with what it has, when far
// more cannot be read than parity heals.
func (v *Vault) salvage(ctx context.Context, name string) []byte {
	size, err := v.listed(ctx, name)
	if err != nil {
		return nil
	}
	data := make([]byte, min(size, parity.MaxPack))
	failures := 8 + len(data)/salvaged/16
	for from := 0; from < len(data) && failures > 0; from += salvaged {
		piece := data[from:min(from+salvaged, len(data))]
		got, err := v.store.Get(ctx, name, int64(from), int64(len(piece)))
		if err != nil {
			failures--
		}
		copy(piece, got)
	}
	return data
}

// listed asks the store how long an object is.
func (v *Vault) listed(ctx context.Context, name string) (int64, error) {
	for o, err := range v.store.List(ctx, path.Dir(name)+"/") {
		if err != nil {
			return 0, err
		}
		if o.Name == name {
			return o.Size, nil
		}
	}
	return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// there tells whether an object is in the store, without reading it.
func (v *Vault) there(ctx context.Context, name string) (bool, error) {
	_, err := v.store.Get(ctx, name, 0, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", name, err)
	}
	return true, nil
}

// sidecar reads a sidecar as it is; nil when there is none or it cannot be read.
func (v *Vault) sidecar(ctx context.Context, pack string) ([]byte, error) {
	name := SidecarName(pack)
	data, err := v.read(ctx, name, unknown)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		data, err = v.read(ctx, name, unknown)
	}
	return data, err
}

// spare reads the second copy of a small object and tells why it is not whole, as original does.
func (v *Vault) spare(ctx context.Context, name string) (data []byte, err error) {
	for range 2 {
		var sealed []byte
		if sealed, err = v.read(ctx, copyName(name), unknown); err == nil {
			data, err = openCopy(name, sealed)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil {
			return data, err
		}
	}
	if !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w: %w: %w", ErrDamaged, errUnreadable, err)
	}
	return nil, err
}

// Restored returns a pack, healed in memory where it is damaged: the store stays as it is. name is that of the pack in the store
// ("packs/3f/3f09..."). The error wraps fs.ErrNotExist when the pack is gone, and ErrDamaged when it cannot be healed.
func (v *Vault) Restored(ctx context.Context, name string) ([]byte, error) {
	if kindOf(name) != packKind {
		return nil, fmt.Errorf("%s is not the name of a pack: %w", name, storage.ErrName)
	}
	data, err := v.original(ctx, name, unknown)
	if err == nil || errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil {
		return data, err
	}
	healed, _, failed := v.heal(ctx, name, data)
	if failed != nil {
		return nil, fmt.Errorf("%s is %w; %w", name, err, failed)
	}
	return healed, nil
}

// heal computes what a damaged pack was, from its sidecar.
func (v *Vault) heal(ctx context.Context, name string, damaged []byte) ([]byte, parity.Report, error) {
	sidecar, err := v.sidecar(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, parity.Report{}, errNoParity
	}
	if err != nil {
		return nil, parity.Report{}, fmt.Errorf("its sidecar cannot be read: %w", err)
	}
	healed, rep, err := parity.Heal(sidecar, damaged)
	if err == nil {
		err = whole(name, healed) // the sidecar may be that of another pack
	}
	if err != nil {
		return nil, rep, err
	}
	return healed, rep, nil
}

var (
	errNoParity   = errors.New("it has no sidecar")
	errUnreadable = errors.New("it cannot be read")
)
