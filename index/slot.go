package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// slot is one directory that this process alone uses. Its lock file stands beside it, so that the
// directory can be deleted while the lock is held.
type slot struct {
	path string
	root *os.Root
	lock *os.File
	head head

	opening sync.Once
	failed  error         // of opening
	runs    [][]book      // as head.Runs
	names   []byte        // of packs, 32 bytes each, as the pack file
	reads   atomic.Uint32 // of blocks, since letGo

	cache cacheFiles
}

// errHeld says that another process holds a slot.
var errHeld = errors.New("held by another process")

// openSlot takes the first slot that no other process holds.
func openSlot(dir string, o Options) (*slot, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for n := range o.Slots {
		s, err := takeSlot(filepath.Join(dir, "slot-"+strconv.Itoa(n)), &o)
		if err == nil || !errors.Is(err, errHeld) {
			return s, err
		}
	}
	return nil, fmt.Errorf("all %d slots of %s are %w", o.Slots, dir, errHeld)
}

func takeSlot(path string, o *Options) (*slot, error) {
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &slot{path: path, lock: lock}
	if err := s.open(o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open reads the head. If that cannot be trusted, the directory is made again.
func (s *slot) open(o *Options) error {
	if info, err := os.Lstat(s.path); err == nil && !info.IsDir() {
		if err := os.Remove(s.path); err != nil {
			return err
		}
	}
	if err := os.Mkdir(s.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	var err error
	if s.root, err = os.OpenRoot(s.path); err != nil {
		return err
	}
	h, err := readHead(s.root, o)
	if err == nil {
		err = s.complete(h)
	}
	if err != nil {
		return s.wipe()
	}
	s.head, s.cache.head = *h, h.Cache
	return nil
}

// complete checks that each file the head lists is there with its size, and removes all others:
// what a crash left.
func (s *slot) complete(h *head) error {
	want := map[string]int64{headFile: anySize}
	if h.Packs > 0 {
		want[packFile] = anySize
	}
	for _, run := range h.Runs {
		for _, i := range run {
			want[tableName(i.ID)] = i.Size
		}
	}
	for _, name := range h.Cache.files() {
		want[name] = anySize
	}
	if err := s.sweep(want); err != nil {
		return err
	}
	for name := range want {
		if !optional(name) {
			return fmt.Errorf("%s is gone: %w", name, errHead)
		}
	}
	return nil
}

const anySize = -1

// sweep takes the files that are there from want, and removes those that want does not hold.
func (s *slot) sweep(want map[string]int64) error {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		size, wanted := want[e.Name()]
		if !wanted {
			if err := s.root.RemoveAll(e.Name()); err != nil {
				return err
			}
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || size != anySize && info.Size() != size {
			return errHead
		}
		delete(want, e.Name())
	}
	return nil
}

// wipe empties the slot, the head first: without it the rest is nothing.
func (s *slot) wipe() error {
	s.closeTables()
	s.cache.close()
	*s = slot{path: s.path, root: s.root, lock: s.lock}
	if err := s.root.RemoveAll(headFile); err != nil {
		return err
	}
	return s.sweep(nil)
}

// close gives the slot to the next process.
func (s *slot) close() error {
	s.closeTables()
	s.cache.close()
	var err error
	if s.root != nil {
		err = s.root.Close()
	}
	return errors.Join(err, s.lock.Close())
}

// packName is the name behind a number that a table gave.
func (s *slot) packName(number uint32) (Name, error) {
	at := int64(number) * 32
	if at+32 > int64(len(s.names)) {
		return Name{}, fmt.Errorf("pack number %d is unknown", number)
	}
	return Name(s.names[at : at+32]), nil
}
