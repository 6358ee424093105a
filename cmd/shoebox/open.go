package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

func (p *program) repoOptions() repo.Options {
	return repo.Options{CacheDir: p.flags.cacheDir, Now: p.now}
}

// store opens the folder of the repository; ErrNoRepository when it is not there.
func (p *program) store() (storage.Store, error) {
	store, err := storage.OpenFolder(p.flags.repository)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", repo.ErrNoRepository, p.flags.repository)
	}
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	return store, nil
}

// open opens the repository. The caller closes it.
func (p *program) open(ctx context.Context) (*repo.Repo, error) {
	r, _, err := p.openWith(ctx)
	return r, err
}

// openWith gives the secrets too that may have opened it.
func (p *program) openWith(ctx context.Context) (*repo.Repo, []crypt.Secret, error) {
	store, err := p.store()
	if err != nil {
		return nil, nil, err
	}
	secrets, onPurpose, err := p.secrets(ctx)
	if err != nil {
		return nil, nil, err
	}
	r, err := repo.Open(ctx, store, secrets, p.repoOptions())
	if errors.Is(err, crypt.ErrWrongKey) && !onPurpose {
		return p.openAsking(ctx, store)
	}
	if errors.Is(err, repo.ErrNoRepository) {
		err = fmt.Errorf("%w: %s", err, p.flags.repository)
	}
	return r, secrets, err
}

// openAsking tries the published passphrase of repositories without a password, then asks.
func (p *program) openAsking(ctx context.Context, store storage.Store) (*repo.Repo, []crypt.Secret, error) {
	open := func(password string) (*repo.Repo, []crypt.Secret, error) {
		s, err := crypt.PassphraseSecret(password)
		if err != nil {
			return nil, nil, err
		}
		r, err := repo.Open(ctx, store, []crypt.Secret{s}, p.repoOptions())
		return r, []crypt.Secret{s}, err
	}
	if _, err := store.Get(ctx, "keys/"+noPasswordSlot+".age", 0, -1); err == nil {
		return open(crypt.PublishedPassphrase)
	}
	if !p.terminal {
		return nil, nil, errNoSecret
	}
	for tries := 1; ; tries++ {
		password, err := p.ask(ctx, "Password: ")
		if err != nil {
			return nil, nil, err
		}
		r, s, err := open(password)
		if err == nil || tries == 3 || !errors.Is(err, crypt.ErrWrongKey) && !errors.Is(err, crypt.ErrNoPassword) {
			return r, s, err
		}
		p.tell("That is not the password. Once more.")
	}
}

// snapshots lists the snapshots and says on the way which records are damaged.
func (p *program) snapshots(ctx context.Context, r *repo.Repo) ([]snapshot.Snapshot, error) {
	all, damaged, err := snapshot.List(ctx, r)
	for _, d := range damaged {
		p.complain("shoebox: a snapshot cannot be read: %v", d)
		p.damaged = true
	}
	return all, err
}

// library opens the repository and lists its snapshots. The caller closes the repository.
func (p *program) library(ctx context.Context) (*repo.Repo, []snapshot.Snapshot, error) {
	r, err := p.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := p.snapshots(ctx, r)
	if err != nil {
		return nil, nil, errors.Join(err, r.Close())
	}
	return r, all, nil
}

// read opens the repository for as long as somebody looks at its snapshots. What is lost because another computer forgot and pruned it meanwhile is no
// damage.
func (p *program) read(ctx context.Context, look func(*repo.Repo, []snapshot.Snapshot) error) error {
	r, all, err := p.library(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	return snapshot.WhyLost(ctx, r, all, look(r, all))
}

// readOne is read for the snapshot that a person means; "ID:path" gives the path too.
func (p *program) readOne(ctx context.Context, text string, look func(r *repo.Repo, s snapshot.Snapshot, path string) error) error {
	r, all, err := p.library(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	name, path, _ := strings.Cut(text, ":")
	s, err := snapshot.Resolve(all, name, p.now(), p.zone)
	if err != nil {
		return err
	}
	return snapshot.WhyLost(ctx, r, []snapshot.Snapshot{s}, look(r, s, strings.Trim(path, "/")))
}

// close closes the repository; the local index is only a copy, so trouble with it is told, not fatal.
func (p *program) close(r *repo.Repo) {
	if err := r.Close(); err != nil {
		p.tell("the local index could not be closed: %v", err)
	}
}

// folderExists tells whether there is a folder.
func folderExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
