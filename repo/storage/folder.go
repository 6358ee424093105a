package storage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"shoebox/repo/guard"
)

// Folder is a Store of files below one directory. A Put is written to a temporary file in the
// target's own directory, synced, renamed, and the directory synced.
type Folder struct {
	disk   Disk
	random io.Reader
	close  func() error

	mu    sync.Mutex
	known map[string]bool // directories whose own names are durable
}

// OpenFolder opens the directory at path, which must be there. Close it when done.
func OpenFolder(path string) (*Folder, error) {
	disk, err := OpenDisk(path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	f := NewFolder(disk, rand.Reader)
	f.close = disk.Close
	return f, nil
}

// CreateFolder makes the directory at path, with its parents and durably, and opens it. A
// directory that is there already is opened as it is: whether it may be used is the caller's to judge.
func CreateFolder(path string) (*Folder, error) {
	if err := makeDurable(path); err != nil {
		return nil, fmt.Errorf("create folder: %w", err)
	}
	return OpenFolder(path)
}

// NewFolder is a Folder on any disk. random names the temporary files.
func NewFolder(disk Disk, random io.Reader) *Folder {
	return &Folder{disk: disk, random: random, close: func() error { return nil }, known: map[string]bool{".": true}}
}

// Close lets go of the directory.
func (f *Folder) Close() error { return f.close() }

// Put writes a file.
func (f *Folder) Put(ctx context.Context, name string, data []byte) error {
	s, err := f.Stage(ctx, name, data)
	if err != nil {
		return err
	}
	return s.Commit(ctx)
}

// syncNames makes durable what was named in a directory.
func (f *Folder) syncNames(dir string) error {
	if !guard.On(guard.SyncDirectory) {
		return nil
	}
	return f.disk.SyncDir(dir)
}

// reach makes dir and the directories above it. A directory met for the first time has the one
// above it synced even if it was there: whoever made it may have died before doing so.
func (f *Folder) reach(dir string) error {
	f.mu.Lock()
	known := f.known[dir]
	f.mu.Unlock()
	if known {
		return nil
	}
	above := path.Dir(dir)
	if err := f.reach(above); err != nil {
		return err
	}
	if err := f.disk.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.syncNames(above); err != nil {
		return err
	}
	f.mu.Lock()
	f.known[dir] = true
	f.mu.Unlock()
	return nil
}

// Get reads a file, or a part of it.
func (f *Folder) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if err := ready(ctx, name); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	data, err := f.disk.Read(name, off, n)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return data, nil
}

// Delete removes a file. It syncs the directory even when the file is gone: who removed it may
// have died before doing so.
func (f *Folder) Delete(ctx context.Context, name string) error {
	if err := ready(ctx, name); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if err := f.disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	if err := f.disk.SyncDir(path.Dir(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

// temporaryPrefix starts the names of files not yet finished. No object's name starts with a dot.
const temporaryPrefix = ".tmp-"

func (f *Folder) temporary(dir string) (string, error) {
	var number [8]byte
	if _, err := io.ReadFull(f.random, number[:]); err != nil {
		return "", fmt.Errorf("name a temporary file: %w", err)
	}
	return path.Join(dir, temporaryPrefix+hex.EncodeToString(number[:])), nil
}

// Sweep removes temporary files that are older than age at the time now, left behind by crashes,
// and returns how many. A day is a good age: no Put takes that long.
func (f *Folder) Sweep(ctx context.Context, now time.Time, age time.Duration) (removed int, err error) {
	err = f.walk(ctx, ".", func(name string, e Entry) error {
		if e.Type != Regular || !strings.HasPrefix(e.Name, temporaryPrefix) || now.Sub(e.ModTime) < age {
			return nil
		}
		if err := f.disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removed++
		return nil
	})
	if err != nil {
		return removed, fmt.Errorf("sweep temporary files: %w", err)
	}
	return removed, nil
}

// makeDurable makes a directory and those above it, syncing the parent of each one made.
func makeDurable(dir string) error {
	err := os.Mkdir(dir, dirMode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDurable(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, dirMode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	above, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return errors.Join(syncDir(above), above.Close())
}
