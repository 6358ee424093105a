package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
)

// Open opens the repository in a store with one of the secrets, tried in order. It fails with
// ErrNoRepository where there is none, and with crypt.ErrWrongKey when nothing opens a slot.
func Open(ctx context.Context, store storage.Store, secrets []crypt.Secret, o Options) (*Repo, error) {
	hinted := readHint(ctx, store)
	if hinted != nil && !errors.Is(hinted, errUnfinished) {
		return nil, hinted
	}
	r, err := open(ctx, store, secrets, o)
	if err != nil && hinted != nil {
		return nil, fmt.Errorf("%w (%w)", hinted, err)
	}
	return r, err
}

func open(ctx context.Context, store storage.Store, secrets []crypt.Secret, o Options) (*Repo, error) {
	r := newRepo(store, o)
	master, id, err := r.unlock(ctx, secrets)
	if err != nil {
		return nil, err
	}
	r.keys = crypt.NewKeys(master, id, r.options.Suite, r.options.Random)
	if err := r.readConfig(ctx); err != nil {
		return nil, err
	}
	if err := r.measure(); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return r, nil
}

// unlock tries every secret on every slot. Slots that are damaged or cannot be read are passed over while another opens; then their
// second copies are tried.
func (r *Repo) unlock(ctx context.Context, secrets []crypt.Secret) (m crypt.Master, id crypt.RepositoryID, err error) {
	tried := make(map[string][]byte)
	m, id, err = r.unlockFrom(ctx, keysDir, secrets, func(name string) ([]byte, error) {
		file, err := r.store.Get(ctx, name, 0, -1)
		tried[name] = file
		return file, err
	})
	if err == nil || ctx.Err() != nil {
		return m, id, err
	}
	again, id, failed := r.unlockFrom(ctx, vault.CopiesDir+keysDir, secrets, func(path string) ([]byte, error) {
		name := strings.TrimPrefix(path, vault.CopiesDir)
		file, err := r.vault.Copy(ctx, name)
		if err == nil && bytes.Equal(file, tried[name]) {
			err = fs.ErrNotExist // it was tried
		}
		return file, err
	})
	if failed != nil {
		return m, id, err
	}
	return again, id, nil
}

func (r *Repo) unlockFrom(ctx context.Context, dir string, secrets []crypt.Secret, get func(string) ([]byte, error)) (m crypt.Master, id crypt.RepositoryID, err error) {
	names, err := listNames(ctx, r.store, dir)
	if err != nil {
		return m, id, fmt.Errorf("read the key slots: %w", err)
	}
	sort.Strings(names)
	failed := error(crypt.ErrWrongKey)
	for _, name := range names {
		file, err := get(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			failed = fmt.Errorf("read key slot %s: %w", name, err)
			continue
		}
		for _, s := range secrets {
			if m, id, err = crypt.OpenSlot(file, s); err == nil {
				return m, id, nil
			}
			if !errors.Is(err, crypt.ErrWrongKey) {
				failed = fmt.Errorf("key slot %s: %w", name, err)
			}
		}
	}
	return m, id, failed
}

// Slot is one way to open the repository.
type Slot struct {
	Label string // its name without .age
	Kind  string // "passphrase" or "identity"
}

const slotSuffix = ".age"

// Slots lists the key slots by label.
func (r *Repo) Slots(ctx context.Context) ([]Slot, error) {
	names, err := listNames(ctx, r.store, keysDir)
	if err != nil {
		return nil, fmt.Errorf("list the key slots: %w", err)
	}
	sort.Strings(names)
	var slots []Slot
	for _, name := range names {
		file, err := r.store.Get(ctx, name, 0, -1)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("read key slot %s: %w", name, err)
		}
		label := strings.TrimSuffix(strings.TrimPrefix(name, keysDir), slotSuffix)
		slots = append(slots, Slot{label, crypt.SlotKind(file)})
	}
	return slots, nil
}

// ErrSlotExists says that a key slot of that label is there already.
var ErrSlotExists = errors.New("there is a key slot of that name already")

// AddSlot lets one more secret open the repository. The secret of any slot proves that the caller may.
func (r *Repo) AddSlot(ctx context.Context, s crypt.Secret, label string, lock crypt.Lock, replace bool) error {
	master, id, err := r.unlock(ctx, []crypt.Secret{s})
	if err != nil {
		return err
	}
	if id != r.keys.Repository {
		return fmt.Errorf("%w: the key slots belong to repository %s", crypt.ErrDamaged, id)
	}
	slots, err := r.Slots(ctx)
	if err != nil {
		return err
	}
	for _, have := range slots {
		if have.Label == label && !replace {
			return fmt.Errorf("add key slot %q: %w", label, ErrSlotExists)
		}
	}
	return r.writeSlot(ctx, master, label, lock)
}

// RemoveSlot takes a secret its access. The last slot stays: without it nobody could ever read the pictures.
func (r *Repo) RemoveSlot(ctx context.Context, label string) error {
	slots, err := r.Slots(ctx)
	if err != nil {
		return err
	}
	found := false
	for _, s := range slots {
		found = found || s.Label == label
	}
	if !found {
		return fmt.Errorf("there is no key slot %q; `shoebox key list` shows them", label)
	}
	if len(slots) == 1 {
		return fmt.Errorf("%q is the last key slot: without it nobody could read the pictures; add another first", label)
	}
	if err := r.store.Delete(ctx, keysDir+label+slotSuffix); err != nil {
		return fmt.Errorf("remove key slot %q: %w", label, err)
	}
	return nil
}

func (r *Repo) writeSlot(ctx context.Context, m crypt.Master, label string, lock crypt.Lock) error {
	name := keysDir + label + slotSuffix
	if err := storage.CheckName(name); err != nil || strings.Contains(label, "/") {
		return fmt.Errorf("%q cannot name a key slot: use letters, digits, '-' and '_'", label)
	}
	file, err := crypt.SealSlot(m, r.keys.Repository, lock)
	if err != nil {
		return err
	}
	if err := r.store.Put(ctx, name, file); err != nil {
		return fmt.Errorf("write key slot %q: %w", label, err)
	}
	return nil
}
