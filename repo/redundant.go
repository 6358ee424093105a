package repo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/vault"
)

// featureParity in a configuration asks writers to keep sidecars of packs and second copies of small objects. Who does not know
// it leaves holes, which AddParity and Heal fill: so it is a compatible feature.
const featureParity = "parity"

// Redundant tells whether sidecars and second copies are kept.
func (c Config) Redundant() bool { return slices.Contains(c.Features.Compat, featureParity) }

func (c *Config) setRedundant(on bool) {
	c.Features.Compat = slices.DeleteFunc(slices.Clone(c.Features.Compat), func(f string) bool { return f == featureParity })
	if on {
		c.Features.Compat = append(c.Features.Compat, featureParity)
	}
	if len(c.Features.Compat) == 0 {
		c.Features.Compat = nil
	}
}

// AddParity makes sidecars and second copies for all that is there and for all that will come. Stopped, it may be called again.
func (r *Repo) AddParity(ctx context.Context, o vault.Options) (*vault.Report, error) {
	if err := r.redundant(ctx, true); err != nil {
		return nil, err
	}
	return r.vault.AddParity(ctx, o)
}

// RemoveParity deletes them, and makes no more. Stopped, it may be called again.
func (r *Repo) RemoveParity(ctx context.Context, o vault.Options) (*vault.Report, error) {
	if err := r.redundant(ctx, false); err != nil {
		return nil, err
	}
	return r.vault.RemoveParity(ctx, o)
}

// Verify holds every object against its name, its checksum, its second copy and its sidecar, as anybody can without a key.
func (r *Repo) Verify(ctx context.Context, o vault.Options) (*vault.Report, error) {
	return r.vault.Verify(ctx, o)
}

// redundant writes the next generation of the configuration.
func (r *Repo) redundant(ctx context.Context, on bool) error {
	if err := r.config.errReadOnly(); err != nil {
		return err
	}
	if r.config.Redundant() == on {
		return nil
	}
	names, err := listNames(ctx, r.store, configDir)
	if err != nil {
		return fmt.Errorf("change the configuration: %w", err)
	}
	last := 0
	for _, name := range names {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, configDir)); err == nil {
			last = max(last, n)
		}
	}
	c := r.config
	c.setRedundant(on)
	r.vault.SetRedundant(on)
	if err := r.putSealed(ctx, configKind, fmt.Sprintf("%08d", last+1), c); err != nil {
		return err
	}
	r.config = c
	return nil
}

// mended is a damaged pack, healed in memory.
type mended struct {
	name pack.Name
	data []byte
}

// mendedPack heals a pack in memory. The last one is kept, as its chunks are asked for one by one.
func (r *Repo) mendedPack(ctx context.Context, name pack.Name) ([]byte, error) {
	r.mu.Lock()
	last := r.mended
	r.mu.Unlock()
	if last.name == name && last.data != nil {
		return last.data, nil
	}
	data, err := r.vault.Restored(ctx, packPath(name))
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mended = mended{name, data}
	return data, nil
}

// mendedChunk reads a chunk through the damage of its pack. The store stays as it is: heal changes it.
func (r *Repo) mendedChunk(ctx context.Context, p Part, place index.Place) ([]byte, error) {
	data, err := r.mendedPack(ctx, pack.Name(place.Pack))
	if err != nil {
		return nil, err
	}
	end := int64(place.Offset) + int64(place.Stored)
	if end > int64(len(data)) || place.Kind != p.Kind || place.Plain != p.Size {
		return nil, crypt.ErrDamaged
	}
	return r.openChunk(entryOf(p.ID, place), slices.Clone(data[place.Offset:end]))
}
