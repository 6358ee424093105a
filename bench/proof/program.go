package proof

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// Build makes the program as a user has it, without what a test was built with, in a folder of the test, and gives its path.
func Build(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "shoebox")
	if out, err := exec.Command("go", "build", "-o", path, "shoebox/cmd/shoebox").CombinedOutput(); err != nil {
		tb.Fatalf("build the program: %v\n%s", err, out)
	}
	return path
}

// Public is a world whose repository opens without a password: the program needs to be told nothing.
func Public(tb testing.TB, store storage.Store, parity bool) *World {
	tb.Helper()
	w := Empty(tb, store)
	if err := w.publish(parity); err != nil {
		tb.Fatal(err)
	}
	return w
}

// At is the world of a repository without a password that is in a folder already. It knows of no snapshot.
func At(dir string) (*World, error) {
	store, err := storage.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	w := &World{Store: store, Truth: map[string]Roll{}, Going: map[string]Roll{}, LetGo: map[string]Roll{}}
	w.keys.mine, err = crypt.PassphraseSecret(crypt.PublishedPassphrase)
	return w, err
}

// CreatePublic sets up a repository as the program does, that opens without a password.
func CreatePublic(store storage.Store) error { return (&World{Store: store}).publish(true) }

func (w *World) publish(parity bool) (err error) {
	if w.keys.mine, err = crypt.PassphraseSecret(crypt.PublishedPassphrase); err != nil {
		return err
	}
	lock, err := crypt.Passphrase(crypt.PublishedPassphrase, 1)
	if err != nil {
		return err
	}
	w.keys.slots = map[string]crypt.Lock{"no-password": lock}
	setup := repo.Setup{Slots: w.keys.slots, Chunks: w.sizes, Parity: parity}
	if w.sizes != (chunk.Sizes{}) {
		setup.PageBits = 1
	}
	r, err := repo.Create(context.Background(), w.Store, setup, w.options())
	if err != nil {
		return err
	}
	return r.Close()
}

// ProveOne says whether a snapshot whose success was reported is listed, and gives back every byte.
func (w *World) ProveOne(name string) error {
	r, err := w.Open(w.Store)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer r.Close()
	listed, damaged, err := snapshot.List(context.Background(), r)
	if err != nil || len(damaged) > 0 {
		return fmt.Errorf("list: %v, %w", damaged, err)
	}
	for _, s := range listed {
		if s.Name != name {
			continue
		}
		roll, err := Read(r, s)
		if err != nil {
			return err
		}
		return differs(s, roll, w.Truth[name])
	}
	return fmt.Errorf("snapshot %s was reported and is not listed", name)
}

// Lay makes a folder hold this roll, where it held another one.
func (r Roll) Lay(dir string, before Roll) error {
	for path, data := range before {
		if _, stays := r[path]; stays && string(r[path]) == string(data) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			return err
		}
	}
	for path, data := range r {
		if old, was := before[path]; was && string(old) == string(data) {
			continue
		}
		if err := r.layOne(filepath.Join(dir, filepath.FromSlash(path)), path); err != nil {
			return err
		}
	}
	return nil
}

func (r Roll) layOne(to, path string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, r[path], 0o644); err != nil {
		return err
	}
	when := r.file(path).ModTime
	return os.Chtimes(to, when, when)
}
