package proof

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// World is a repository in a store, and what it must give back.
type World struct {
	Store storage.Store
	Truth map[string]Roll  // of each snapshot whose success was reported, by name
	Going map[string]Roll  // snapshots that somebody began to forget: each gives back this, or other snapshots hold all of it
	LetGo map[string]Roll  // snapshots that were to go for good: they may be gone, or give back this
	Now   func() time.Time // of repository and backups; nil for the system's clock

	Parity bool // sidecars and second copies from the first day

	sizes    chunk.Sizes
	keys     keyring
	sessions map[string]string // which wrote each snapshot, as far as somebody asked: see learnSessions
}

// keyring is who can open the repository.
type keyring struct {
	mine, spare crypt.Secret
	slots       map[string]crypt.Lock
}

// Sizes make a picture of a few kB several chunks.
var Sizes = chunk.Sizes{Min: 2 << 10, Max: 8 << 10, Bits: 11}

// newKeyring draws keys of the cheap kind: a passphrase costs a thousand times as much.
func newKeyring() (k keyring, err error) {
	k.slots = map[string]crypt.Lock{}
	for label, secret := range map[string]*crypt.Secret{"mine": &k.mine, "spare": &k.spare} {
		text, lock, err := crypt.NewIdentity()
		if err != nil {
			return k, err
		}
		if *secret, err = crypt.IdentitySecret(text); err != nil {
			return k, err
		}
		k.slots[label] = lock
	}
	return k, nil
}

// Empty is a world whose repository is not there yet: see SetUp.
func Empty(tb testing.TB, store storage.Store) *World {
	tb.Helper()
	keys, err := newKeyring()
	if err != nil {
		tb.Fatal(err)
	}
	return &World{Store: store, Truth: map[string]Roll{}, Going: map[string]Roll{}, LetGo: map[string]Roll{}, sizes: Sizes, keys: keys}
}

// New sets up a repository in an empty store.
func New(tb testing.TB, store storage.Store) *World {
	tb.Helper()
	w := Empty(tb, store)
	if err := w.SetUp(store); err != nil {
		tb.Fatal(err)
	}
	return w
}

// In is the same world in another store, which holds the same: what it learns from now on it keeps to itself.
func (w *World) In(store storage.Store) *World {
	other := *w
	other.Store = store
	other.Truth, other.Going, other.LetGo = maps.Clone(w.Truth), maps.Clone(w.Going), maps.Clone(w.LetGo)
	return &other
}

func (w *World) options() repo.Options { return repo.Options{Now: w.Now} }

// SetUp makes the repository.
func (w *World) SetUp(store storage.Store) error {
	setup := repo.Setup{Slots: w.keys.slots, Chunks: w.sizes, PageBits: 1, Parity: w.Parity}
	r, err := repo.Create(context.Background(), store, setup, w.options())
	if err != nil {
		return err
	}
	return r.Close()
}

// Open opens the repository through a store that may fail.
func (w *World) Open(store storage.Store) (*repo.Repo, error) {
	return repo.Open(context.Background(), store, []crypt.Secret{w.keys.mine}, w.options())
}

// Options are those of a backup in small packs.
func (w *World) Options(r *repo.Repo) snapshot.BackupOptions {
	return snapshot.BackupOptions{Device: snapshot.Device{Kind: "folder", Name: "roll", ID: snapshot.DeviceID(r, "roll")}, Host: "here",
		Workers: 2, Ahead: 2, Now: w.Now, Batch: repo.BatchOptions{DataPack: 16 << 10, MetaPack: 16 << 10}}
}

// Often leaves a note after each few files.
func Often(o *snapshot.BackupOptions) { o.CheckpointBytes, o.Workers = 6_000, 1 }

// Backup opens the repository through a store that may fail and takes a snapshot. What was reported becomes a truth. adjust may be nil.
func (w *World) Backup(store storage.Store, src Roll, adjust func(*snapshot.BackupOptions)) (snapshot.Snapshot, error) {
	r, err := w.Open(store)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	defer r.Close()
	o := w.Options(r)
	if adjust != nil {
		adjust(&o)
	}
	s, err := snapshot.Backup(context.Background(), r, src, o)
	if err == nil {
		w.Truth[s.Name] = src
	}
	return s, err
}

// Forgets says that somebody begins to forget snapshots: forever when also what no other snapshot holds is to go.
func (w *World) Forgets(names []string, forever bool) {
	to := w.Going
	if forever {
		to = w.LetGo
	}
	for _, name := range names {
		if roll, ok := w.Truth[name]; ok {
			to[name] = roll
			delete(w.Truth, name)
		}
	}
}

// Copy gives all objects of a store in a store of its own.
func Copy(from storage.Store) (*storage.Memory, error) {
	ctx, to := context.Background(), new(storage.Memory)
	for o, err := range from.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		data, err := from.Get(ctx, o.Name, 0, -1)
		if err == nil {
			err = to.Put(ctx, o.Name, data)
		}
		if err != nil {
			return nil, fmt.Errorf("copy a store: %w", err)
		}
	}
	return to, nil
}

// learnSessions remembers which session wrote each snapshot.
func (w *World) learnSessions(r *repo.Repo) error {
	w.sessions = map[string]string{}
	for rec, err := range r.Records(context.Background(), snapshot.Kind) {
		if err != nil {
			return err
		}
		w.sessions[rec.Name] = rec.Session
	}
	return nil
}
