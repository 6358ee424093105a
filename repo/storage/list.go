package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"

	"shoebox/repo/guard"
)

// errStop ends a walk whose reader has seen enough.
var errStop = errors.New("stop")

// List walks the directories below prefix. A directory that is not there is empty, as in a bucket,
// but only while the folder itself can still be read.
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		err := checkPrefix(prefix)
		if err == nil {
			err = f.list(ctx, path.Clean(prefix), yield)
		}
		if err != nil && err != errStop {
			yield(Object{}, fmt.Errorf("list %q: %w", prefix, err))
		}
	}
}

func (f *Folder) list(ctx context.Context, dir string, yield func(Object, error) bool) error {
	err := f.walk(ctx, dir, func(name string, e Entry) error {
		if CheckName(name) != nil {
			return nil
		}
		if e.Type == Irregular {
			return fmt.Errorf("%s is neither a file nor a directory: %w", name, fs.ErrInvalid)
		}
		if !yield(Object{name, e.Size}, nil) {
			return errStop
		}
		return nil
	})
	if dir != "." && errors.Is(err, errNoStart) {
		_, err = f.disk.ReadDir(".")
	}
	return err
}

// errNoStart is wrapped when the directory that a walk starts at is not there.
var errNoStart = errors.New("no such directory")

// walk shows all entries below dir but directories to visit, which gets their names from the top.
// It does not enter directories that can hold no object.
func (f *Folder) walk(ctx context.Context, dir string, visit func(name string, e Entry) error) error {
	pending := []string{dir}
	for len(pending) > 0 {
		at := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := f.disk.ReadDir(at)
		if at == dir && errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", errNoStart, err)
		}
		if err != nil && guard.On(guard.ListErrors) {
			return err
		}
		for _, e := range entries {
			name := strings.TrimPrefix(at+"/"+e.Name, "./")
			if e.Type != Directory {
				if err := visit(name, e); err != nil {
					return err
				}
			} else if CheckName(name) == nil {
				pending = append(pending, name)
			}
		}
	}
	return nil
}

// Settle syncs the directories below prefix.
func (f *Folder) Settle(ctx context.Context, prefix string) error {
	if err := checkPrefix(prefix); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	dirs := map[string]bool{path.Clean(prefix): true}
	err := f.walk(ctx, path.Clean(prefix), func(name string, _ Entry) error {
		dirs[path.Dir(name)] = true
		return nil
	})
	if errors.Is(err, errNoStart) {
		return nil // nothing was shown
	}
	for dir := range dirs {
		if err == nil {
			err = f.disk.SyncDir(dir)
		}
	}
	if err != nil {
		return fmt.Errorf("settle %q: %w", prefix, err)
	}
	return nil
}
