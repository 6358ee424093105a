package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Objects are for their owner only: they are sealed, but a key slot can be guessed at.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// OpenDisk is the disk below an existing directory. Everything goes through os.Root: no name and
// no link leads out of it. Close it when done.
func OpenDisk(path string) (*OSDisk, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &OSDisk{root: root}, nil
}

// OSDisk is the operating system's Disk: see OpenDisk.
type OSDisk struct {
	root *os.Root
}

// Close lets go of the directory.
func (d *OSDisk) Close() error { return d.root.Close() }

// Create makes a new file.
func (d *OSDisk) Create(name string) (File, error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Rename gives a file its name.
func (d *OSDisk) Rename(old, name string) error { return d.root.Rename(old, name) }

// Remove deletes a file.
func (d *OSDisk) Remove(name string) error { return d.root.Remove(name) }

// Mkdir makes one directory.
func (d *OSDisk) Mkdir(name string) error { return d.root.Mkdir(name, dirMode) }

// SyncDir makes names in a directory durable.
func (d *OSDisk) SyncDir(name string) error {
	dir, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(syncDir(dir), dir.Close())
}

// Read reads a part of a regular file.
func (d *OSDisk) Read(name string, off, n int64) ([]byte, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	data, err := readFile(f, off, n)
	return data, errors.Join(err, f.Close())
}

// notHere tells "a/b" where a is a file from other trouble: there is no such object.
func notHere(err error) error {
	if errors.Is(err, syscall.ENOTDIR) {
		return fs.ErrNotExist
	}
	return err
}

func readFile(f *os.File, off, n int64) ([]byte, error) {
	n, err := spanOf(f, off, n)
	if err != nil {
		return nil, err
	}
	data := make([]byte, n)
	if got, err := f.ReadAt(data, off); got < len(data) {
		if err == io.EOF { // it shrank since Stat
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return data, nil
}

// spanOf is Span for an open file, which must be a regular one.
func spanOf(f *os.File, off, n int64) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.IsDir() { // a directory is not an object, as in a bucket
		return 0, fmt.Errorf("a directory: %w", fs.ErrNotExist)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("not a regular file: %w", fs.ErrInvalid)
	}
	return Span(info.Size(), off, n)
}

// ReadDir reads a directory with the size of each file.
func (d *OSDisk) ReadDir(name string) ([]Entry, error) {
	dir, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	infos, err := dir.Readdir(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return nil, err
	}
	entries := make([]Entry, len(infos))
	for i, info := range infos {
		entries[i] = Entry{info.Name(), typeOf(info.Mode()), info.Size(), info.ModTime()}
	}
	return entries, nil
}

func typeOf(mode fs.FileMode) EntryType {
	switch {
	case mode.IsRegular():
		return Regular
	case mode.IsDir():
		return Directory
	}
	return Irregular
}

// osFile writes past the page cache where that pays: see writeDirect.
type osFile struct {
	*os.File
}

func (f osFile) Write(data []byte) (int, error) {
	if len(data) >= directMin && aligned(data) {
		if done, err := writeDirect(f.File, data); done {
			return len(data), err
		}
	}
	return f.File.Write(data)
}
