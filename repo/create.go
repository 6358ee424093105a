package repo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
	"shoebox/repo/wire"
)

// DefaultPageBits makes pages of about 128 entries.
const DefaultPageBits = 7

// Setup says how a new repository is to be. Its zero value, with at least one lock, works.
type Setup struct {
	Slots    map[string]crypt.Lock // by label: who can open it; at least one
	Chunks   chunk.Sizes           // zero for chunk.DefaultSizes
	PageBits uint8                 // zero for DefaultPageBits
	Parity   bool                  // keep sidecars of packs, and second copies of what is small
}

// mostElements bounds the arrays of segments, marks and configurations.
const mostElements = 1 << 18

func newRepo(store storage.Store, o Options) *Repo {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Suite == 0 {
		o.Suite = crypt.FastestSuite()
	}
	v := vault.New(store, false)
	return &Repo{store: v, vault: v, options: o, codec: wire.New(mostElements)}
}

// Create sets up a repository in a store that holds none: else ErrExists. The hint is written last; a set-up cut short
// before can be repeated.
func Create(ctx context.Context, store storage.Store, s Setup, o Options) (*Repo, error) {
	if len(s.Slots) == 0 {
		return nil, fmt.Errorf("a repository without a key slot could never be opened")
	}
	if err := makeWay(ctx, store); err != nil {
		return nil, err
	}
	r := newRepo(store, o)
	master, err := r.drawKeys()
	if err != nil {
		return nil, err
	}
	if err := r.draftConfig(s); err != nil {
		return nil, err
	}
	r.vault.SetRedundant(r.config.Redundant())
	if err := r.writeSetup(ctx, master, s); err != nil {
		return nil, err
	}
	return r, nil
}

// makeWay clears away what a set-up cut short has left: its slots hold another master key.
func makeWay(ctx context.Context, store storage.Store) error {
	err := readHint(ctx, store)
	switch {
	case err == nil:
		return ErrExists
	case !errors.Is(err, ErrNoRepository):
		return err
	case !errors.Is(err, errUnfinished):
		return nil
	}
	store = vault.New(store, false) // deletes second copies too
	for _, dir := range []string{vault.CopiesDir, keysDir, configDir} {
		names, err := listNames(ctx, store, dir)
		if err != nil {
			return fmt.Errorf("clear away a set-up that was cut short: %w", err)
		}
		for _, name := range names {
			if err := store.Delete(ctx, name); err != nil {
				return fmt.Errorf("clear away a set-up that was cut short: %w", err)
			}
		}
	}
	return nil
}

func (r *Repo) drawKeys() (crypt.Master, error) {
	master, err := crypt.NewMaster(r.options.Random)
	if err != nil {
		return master, err
	}
	var id crypt.RepositoryID
	if _, err := io.ReadFull(r.options.Random, id[:]); err != nil {
		return master, fmt.Errorf("draw a repository id: %w", err)
	}
	r.keys = crypt.NewKeys(master, id, r.options.Suite, r.options.Random)
	return master, nil
}

func (r *Repo) draftConfig(s Setup) (err error) {
	if s.Chunks == (chunk.Sizes{}) {
		s.Chunks = chunk.DefaultSizes
	}
	if s.PageBits == 0 {
		s.PageBits = DefaultPageBits
	}
	c := Config{Version: Version, Repository: r.keys.Repository, Created: r.options.Now().Unix(),
		ChunkMin: s.Chunks.Min, ChunkMax: s.Chunks.Max, ChunkBits: s.Chunks.Bits, PageBits: s.PageBits}
	if c.Polynomial, err = chunk.NewPolynomial(r.options.Random); err != nil {
		return err
	}
	c.setRedundant(s.Parity)
	if err := c.check(); err != nil {
		return err
	}
	r.config = c
	return r.measure()
}

// measure makes what depends on the sizes of the configuration.
func (r *Repo) measure() (err error) {
	r.shared = r.newShared()
	r.cutter, err = chunk.NewCutter(r.config.Polynomial, r.config.Sizes(), storage.AlignedBuffer)
	return err
}

func (r *Repo) writeSetup(ctx context.Context, master crypt.Master, s Setup) error {
	for label, lock := range s.Slots {
		if err := r.writeSlot(ctx, master, label, lock); err != nil {
			return err
		}
	}
	if err := r.putSealed(ctx, configKind, configOne, r.config); err != nil {
		return err
	}
	if err := r.store.Put(ctx, readmeName, []byte(folderReadme)); err != nil {
		return fmt.Errorf("write %s: %w", readmeName, err)
	}
	text, err := json.MarshalIndent(hint{hintMagic, Version, r.keys.Repository.String()}, "", "  ")
	if err != nil {
		return err
	}
	if err := r.store.Put(ctx, hintName, append(text, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", hintName, err)
	}
	return nil
}

const folderReadme = `This folder is a shoebox repository: an encrypted backup of somebody's pictures.

Do not edit, rename or delete anything in it by hand. To look inside:

    shoebox -r THIS-FOLDER snapshots
    shoebox -r THIS-FOLDER restore latest --target SOME-FOLDER

You need the password, the key file or the recovery code. Each file in keys/ is an ordinary age file
(https://age-encryption.org) that holds the master key as text; the age program opens it too.
Every file in packs/ and segments/ is named by the BLAKE3 of its bytes, so b3sum finds damage without a key.
`
