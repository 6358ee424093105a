package storagetest

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"shoebox/repo/storage"
)

// Disk is a storage.Disk in memory. The zero value is an empty directory.
type Disk struct {
	Now func() time.Time // of what is written; nil: no time at all

	mu    sync.Mutex
	files map[string]*file
	dirs  map[string]bool // "." is always there
}

type file struct {
	data    []byte
	modTime time.Time
}

func (d *Disk) now() time.Time {
	if d.Now == nil {
		return time.Time{}
	}
	return d.Now()
}

func (d *Disk) isDir(name string) bool { return name == "." || d.dirs[name] }

func (d *Disk) taken(name string) bool { return d.isDir(name) || d.files[name] != nil }

func failed(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// Create makes a file.
func (d *Disk) Create(name string) (storage.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.isDir(path.Dir(name)) {
		return nil, failed("create", name, fs.ErrNotExist)
	}
	if d.taken(name) {
		return nil, failed("create", name, fs.ErrExist)
	}
	if d.files == nil {
		d.files = map[string]*file{}
	}
	f := &file{modTime: d.now()}
	d.files[name] = f
	return &writer{disk: d, file: f, name: name}, nil
}

// Rename moves a file.
func (d *Disk) Rename(old, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[old]
	if f == nil || !d.isDir(path.Dir(name)) {
		return failed("rename", old, fs.ErrNotExist)
	}
	if d.isDir(name) {
		return failed("rename", name, fs.ErrExist)
	}
	delete(d.files, old)
	d.files[name] = f
	return nil
}

// Remove deletes a file.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return failed("remove", name, fs.ErrNotExist)
	}
	delete(d.files, name)
	return nil
}

// Mkdir makes a directory.
func (d *Disk) Mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.taken(name) {
		return failed("mkdir", name, fs.ErrExist)
	}
	if !d.isDir(path.Dir(name)) {
		return failed("mkdir", name, fs.ErrNotExist)
	}
	if d.dirs == nil {
		d.dirs = map[string]bool{}
	}
	d.dirs[name] = true
	return nil
}

// SyncDir finds the directory.
func (d *Disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.isDir(name) {
		return failed("sync directory", name, fs.ErrNotExist)
	}
	return nil
}

// Read copies a part of a file.
func (d *Disk) Read(name string, off, n int64) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		return nil, failed("read", name, fs.ErrNotExist)
	}
	n, err := storage.Span(int64(len(f.data)), off, n)
	if err != nil {
		return nil, failed("read", name, err)
	}
	return append(make([]byte, 0, n), f.data[off:off+n]...), nil
}

// ReadDir lists a directory.
func (d *Disk) ReadDir(name string) ([]storage.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.isDir(name) {
		return nil, failed("read directory", name, fs.ErrNotExist)
	}
	var entries []storage.Entry
	for at, f := range d.files {
		if path.Dir(at) == name {
			entries = append(entries, storage.Entry{Name: path.Base(at), Size: int64(len(f.data)), ModTime: f.modTime})
		}
	}
	for at := range d.dirs {
		if path.Dir(at) == name {
			entries = append(entries, storage.Entry{Name: path.Base(at), Type: storage.Directory})
		}
	}
	return entries, nil
}

// Files returns the names and contents of all files, temporary ones too.
func (d *Disk) Files() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]string{}
	for name, f := range d.files {
		all[name] = string(f.data)
	}
	return all
}

// Leftovers returns the temporary files.
func (d *Disk) Leftovers() (names []string) {
	for name := range d.Files() {
		if strings.HasPrefix(path.Base(name), ".tmp-") {
			names = append(names, name)
		}
	}
	return names
}

type writer struct {
	disk   *Disk
	file   *file
	name   string
	closed bool
}

func (w *writer) Write(data []byte) (int, error) {
	w.disk.mu.Lock()
	defer w.disk.mu.Unlock()
	if w.closed {
		return 0, failed("write", w.name, fs.ErrClosed)
	}
	w.file.data = append(bytes.Clone(w.file.data), data...)
	return len(data), nil
}

func (w *writer) Sync() error {
	if w.closed {
		return failed("sync", w.name, fs.ErrClosed)
	}
	return nil
}

func (w *writer) Close() error {
	if w.closed {
		return failed("close", w.name, fs.ErrClosed)
	}
	w.closed = true
	return nil
}
