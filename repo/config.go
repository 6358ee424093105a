package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
)

// Version is the version of the repository format that is written here.
const Version = 1

// Config says how a repository was set up. It is sealed; the highest generation that opens wins.
type Config struct {
	Version    int                `cbor:"1,keyasint"`
	Repository crypt.RepositoryID `cbor:"2,keyasint"`
	Created    int64              `cbor:"3,keyasint"` // Unix seconds; for people, nothing depends on it
	Features   Features           `cbor:"4,keyasint"`
	Polynomial uint64             `cbor:"5,keyasint"` // of the content-defined cuts; secret
	ChunkMin   uint32             `cbor:"6,keyasint"` // bytes
	ChunkMax   uint32             `cbor:"7,keyasint"` // bytes
	ChunkBits  uint8              `cbor:"8,keyasint"`
	PageBits   uint8              `cbor:"9,keyasint"` // a page of a snapshot holds about 2^PageBits entries
}

// Features lists what a repository uses beyond its version, after the example of ext4: an unknown Incompat
// feature refuses the repository, an unknown ReadOnly feature refuses writing, an unknown Compat feature is ignored.
type Features struct {
	Incompat []string `cbor:"1,keyasint,omitempty"`
	ReadOnly []string `cbor:"2,keyasint,omitempty"`
	Compat   []string `cbor:"3,keyasint,omitempty"`
}

// Bounds of PageBits.
const minPageBits, maxPageBits = 1, 12

// Sizes are those of the chunks.
func (c Config) Sizes() chunk.Sizes {
	return chunk.Sizes{Min: c.ChunkMin, Max: c.ChunkMax, Bits: c.ChunkBits}
}

func (c Config) check() error {
	if c.Version != Version {
		return fmt.Errorf("the repository has format version %d and this program knows %d: use a newer shoebox", c.Version, Version)
	}
	if len(c.Features.Incompat) > 0 {
		return fmt.Errorf("the repository uses %s, which this program does not know: use a newer shoebox", strings.Join(c.Features.Incompat, ", "))
	}
	if c.PageBits < minPageBits || c.PageBits > maxPageBits || c.ChunkMax > pack.MaxChunk {
		return fmt.Errorf("%w: its sizes are out of bounds", crypt.ErrDamaged)
	}
	return nil
}

// errReadOnly says why nothing may be written.
func (c Config) errReadOnly() error {
	if len(c.Features.ReadOnly) == 0 {
		return nil
	}
	return fmt.Errorf("the repository uses %s, which this program can read but not write: use a newer shoebox", strings.Join(c.Features.ReadOnly, ", "))
}

const (
	hintName   = "shoebox.json"
	readmeName = "README.txt"
	hintMagic  = "shoebox repository"
	configKind = "config"
	configOne  = "00000001"
)

// hint is what stands in clear at the top of a repository.
type hint struct {
	Magic      string `json:"magic"`
	Version    int    `json:"version"`
	Repository string `json:"repository"`
}

// ErrNoRepository says that there is no repository in the store.
var ErrNoRepository = errors.New("no repository here")

// errUnfinished says that a set-up was cut short.
var errUnfinished = fmt.Errorf("its set-up was cut short: %w", ErrNoRepository)

// ErrExists says that there is one already.
var ErrExists = errors.New("there is a repository here already")

// readHint tells whether a store holds a repository. One that has lost its hint is a repository all the same; errUnfinished
// says that there is no more than a set-up writes before the hint, so that nothing is lost when it is done again.
func readHint(ctx context.Context, store storage.Store) error {
	data, err := store.Get(ctx, hintName, 0, -1)
	if err == nil {
		var h hint
		if json.Unmarshal(data, &h) == nil && h.Magic == hintMagic && h.Version > Version {
			return fmt.Errorf("%s says that the repository has format version %d, and this program knows %d: use a newer shoebox", hintName, h.Version, Version)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for a repository: %w", err)
	}
	var keys, used, strange bool
	for o, err := range store.List(ctx, "") {
		if err != nil {
			return fmt.Errorf("look for a repository: %w", err)
		}
		switch dir, _, _ := strings.Cut(strings.TrimPrefix(o.Name, vault.CopiesDir), "/"); dir + "/" {
		case keysDir, configDir:
			keys = true
		case packsDir, segmentsDir, sessionsDir, marksDir, vault.ParityDir:
			used = true
		case readmeName + "/", hintName + "/": // the second copy of a hint that is gone says nothing
		default:
			strange = true
		}
	}
	switch {
	case used, keys && strange:
		return nil
	case keys:
		return errUnfinished
	}
	return ErrNoRepository
}

// readConfig takes the highest generation that opens.
func (r *Repo) readConfig(ctx context.Context) error {
	names, err := listNames(ctx, r.store, configDir)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	sort.Sort(sort.Reverse(sort.StringSlice(names)))
	failed := fmt.Errorf("%w: %s holds no configuration", crypt.ErrDamaged, configDir)
	for _, name := range names {
		failed = r.openConfig(ctx, name)
		switch {
		case failed == nil:
			r.vault.SetRedundant(r.config.Redundant())
			return r.config.check()
		case !errors.Is(failed, crypt.ErrDamaged) && !errors.Is(failed, fs.ErrNotExist):
			return fmt.Errorf("read the configuration: %w", failed) // an older one must not win because the store stutters
		}
	}
	return fmt.Errorf("read the configuration: %w", failed)
}

func (r *Repo) openConfig(ctx context.Context, name string) error {
	sealed, err := r.store.Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	plain, err := r.keys.OpenRecord(configKind, strings.TrimPrefix(name, configDir), sealed)
	if err != nil {
		return err
	}
	var c Config
	if err := r.codec.Glance(plain, &c); err != nil { // its version and features say whether the rest is understood
		return fmt.Errorf("%s: %w: %v", name, crypt.ErrDamaged, err)
	}
	if c.Repository != r.keys.Repository {
		return fmt.Errorf("%s: %w: it belongs to repository %s", name, crypt.ErrDamaged, c.Repository)
	}
	r.config = c
	return nil
}

// listNames gives the full names under a folder.
func listNames(ctx context.Context, store storage.Store, dir string) (names []string, err error) {
	for o, err := range store.List(ctx, dir) {
		if err != nil {
			return nil, err
		}
		names = append(names, o.Name)
	}
	return names, nil
}
