package storage

import (
	"context"
	"errors"
	"fmt"
	"path"

	"shoebox/repo/guard"
)

// staged is a file that is written, and neither durable nor named.
type staged struct {
	folder    *Folder
	file      File
	name, tmp string
}

// Stage writes a file under a temporary name.
func (f *Folder) Stage(ctx context.Context, name string, data []byte) (Staged, error) {
	if err := ready(ctx, name); err != nil {
		return nil, fmt.Errorf("put: %w", err)
	}
	s, err := f.create(name)
	if err != nil {
		return nil, putError(name, err)
	}
	return s.write(data)
}

func (s *staged) write(data []byte) (Staged, error) {
	if _, err := s.file.Write(data); err != nil {
		s.Discard()
		return nil, putError(s.name, err)
	}
	return s, nil
}

func putError(name string, err error) error {
	if isFull(err) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("put %s: %w", name, err)
}

func (f *Folder) create(name string) (*staged, error) {
	dir := path.Dir(name)
	if err := f.reach(dir); err != nil {
		return nil, err
	}
	if !guard.On(guard.TemporaryName) {
		_ = f.disk.Remove(name) // Create takes no name that is taken
		file, err := f.disk.Create(name)
		return &staged{f, file, name, name}, err
	}
	return f.createIn(dir, name)
}

// createIn begins a file under a temporary name in a directory that is there.
func (f *Folder) createIn(dir, name string) (*staged, error) {
	tmp, err := f.temporary(dir)
	if err != nil {
		return nil, err
	}
	file, err := f.disk.Create(tmp)
	if err != nil {
		return nil, err
	}
	return &staged{f, file, name, tmp}, nil
}

// Commit makes the file's bytes durable, then gives it its name, and then makes the name durable.
func (s *staged) Commit(ctx context.Context) error {
	err := s.settle()
	if err == nil {
		err = ctx.Err() // the last moment to turn back
	}
	if err == nil && guard.On(guard.TemporaryName) {
		err = s.folder.disk.Rename(s.tmp, s.name)
	}
	if err != nil {
		s.remove()
		return putError(s.name, err)
	}
	if err := s.folder.syncNames(path.Dir(s.name)); err != nil {
		return putError(s.name, err)
	}
	return nil
}

// settle makes the bytes durable; their name is not yet.
func (s *staged) settle() (err error) {
	if guard.On(guard.SyncFile) {
		err = s.file.Sync()
	}
	return errors.Join(err, s.file.Close())
}

// Discard removes what was written.
func (s *staged) Discard() {
	_ = s.file.Close() // nobody will read it
	s.remove()
}

func (s *staged) remove() { _ = s.folder.disk.Remove(s.tmp) } // best effort: Sweep finds what stays
