package storagetest

import (
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"shoebox/repo/storage"
)

// CrashDisk is a storage.Disk in memory that can lose its power. It promises no more than POSIX does: bytes are safe once
// File.Sync has returned nil, and a name that was made, changed or removed once SyncDir of its directory has. Crash gives a
// disk as it may look after a power cut. A Sync of a file that failed is final, as on Linux: what it was to write is never written. A
// SyncDir that failed may be repeated: a journal that cannot be written ends all writing, and without one the block is written again
// with the next name. The zero value is an empty directory.
type CrashDisk struct {
	Now func() time.Time // of what is written; nil: no time at all

	mu   sync.Mutex
	root inode
}

// inode is a file or a directory, under however many names.
type inode struct {
	names map[string]*slot // of a directory; nil of a file, and of the root of an empty disk

	data    []byte // of a file, as it reads now; only ever added to
	durable []byte // as a power cut leaves it, as long as nothing was written since
	dirty   bool   // data was written since durable was
	lost    bool   // a sync failed: the system took the bytes for written, and no later sync writes them
	modTime time.Time
}

// slot is a name in a directory: what it has stood for since the directory was synced, the durable one first. nil is nothing.
type slot struct {
	was []*inode
}

func (s *slot) now() *inode { return s.was[len(s.was)-1] }

// child is what a directory holds under a name now.
func (n *inode) child(name string) *inode {
	if s := n.names[name]; s != nil {
		return s.now()
	}
	return nil
}

// change makes a name stand for something else, until SyncDir only in memory.
func (n *inode) change(name string, to *inode) {
	s := n.names[name]
	if s == nil {
		if n.names == nil {
			n.names = map[string]*slot{}
		}
		s = &slot{was: []*inode{nil}}
		n.names[name] = s
	}
	s.was = append(s.was, to)
}

func (d *CrashDisk) now() time.Time {
	if d.Now == nil {
		return time.Time{}
	}
	return d.Now()
}

func (d *CrashDisk) isDir(n *inode) bool { return n != nil && (n == &d.root || n.names != nil) }

// find gives what stands at name now.
func (d *CrashDisk) find(name string) *inode {
	at := &d.root
	if name == "." {
		return at
	}
	for part := range strings.SplitSeq(name, "/") {
		if at = at.child(part); at == nil {
			return nil
		}
	}
	return at
}

// above gives the directory that name stands in.
func (d *CrashDisk) above(op, name string) (*inode, error) {
	dir := d.find(path.Dir(name))
	if !d.isDir(dir) {
		return nil, failed(op, name, fs.ErrNotExist)
	}
	return dir, nil
}

// Create makes a file.
func (d *CrashDisk) Create(name string) (storage.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.above("create", name)
	if err != nil {
		return nil, err
	}
	if dir.child(path.Base(name)) != nil {
		return nil, failed("create", name, fs.ErrExist)
	}
	n := &inode{modTime: d.now()}
	dir.change(path.Base(name), n)
	return &crashFile{disk: d, inode: n, name: name}, nil
}

// Rename moves a file.
func (d *CrashDisk) Rename(old, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, err := d.above("rename", old)
	if err != nil {
		return err
	}
	to, err := d.above("rename", name)
	if err != nil {
		return err
	}
	n := from.child(path.Base(old))
	switch {
	case n == nil:
		return failed("rename", old, fs.ErrNotExist)
	case d.isDir(n):
		return failed("rename", old, fs.ErrInvalid)
	case d.isDir(to.child(path.Base(name))):
		return failed("rename", name, fs.ErrExist)
	}
	to.change(path.Base(name), n)
	from.change(path.Base(old), nil)
	return nil
}

// Remove deletes a file.
func (d *CrashDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.above("remove", name)
	if err != nil {
		return err
	}
	if n := dir.child(path.Base(name)); n == nil || d.isDir(n) {
		return failed("remove", name, fs.ErrNotExist)
	}
	dir.change(path.Base(name), nil)
	return nil
}

// Mkdir makes a directory.
func (d *CrashDisk) Mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.above("mkdir", name)
	if err != nil {
		return err
	}
	if dir.child(path.Base(name)) != nil {
		return failed("mkdir", name, fs.ErrExist)
	}
	dir.change(path.Base(name), &inode{names: map[string]*slot{}})
	return nil
}

// SyncDir makes the names in a directory durable, but not what stands below them.
func (d *CrashDisk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.find(name)
	if !d.isDir(n) {
		return failed("sync directory", name, fs.ErrNotExist)
	}
	for _, s := range n.names {
		s.was = s.was[len(s.was)-1:]
	}
	return nil
}

// Read copies a part of a file.
func (d *CrashDisk) Read(name string, off, n int64) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.find(name)
	if f == nil || d.isDir(f) {
		return nil, failed("read", name, fs.ErrNotExist)
	}
	n, err := storage.Span(int64(len(f.data)), off, n)
	if err != nil {
		return nil, failed("read", name, err)
	}
	return append(make([]byte, 0, n), f.data[off:off+n]...), nil
}

// ReadDir lists a directory.
func (d *CrashDisk) ReadDir(name string) ([]storage.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir := d.find(name)
	if !d.isDir(dir) {
		return nil, failed("read directory", name, fs.ErrNotExist)
	}
	var entries []storage.Entry
	for part := range dir.names {
		n := dir.child(part)
		switch {
		case n == nil:
		case d.isDir(n):
			entries = append(entries, storage.Entry{Name: part, Type: storage.Directory})
		default:
			entries = append(entries, storage.Entry{Name: part, Size: int64(len(n.data)), ModTime: n.modTime})
		}
	}
	return entries, nil
}

// Pending tells how many names and files are not durable.
func (d *CrashDisk) Pending() (count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.root.each(map[*inode]bool{}, func(n *inode) {
		if n.dirty {
			count++
		}
		for _, s := range n.names {
			if len(s.was) > 1 {
				count++
			}
		}
	})
	return count
}

// each visits everything that stands below a directory now, once.
func (n *inode) each(seen map[*inode]bool, visit func(*inode)) {
	if seen[n] {
		return
	}
	seen[n] = true
	visit(n)
	for part := range n.names {
		if below := n.child(part); below != nil {
			below.each(seen, visit)
		}
	}
}

type crashFile struct {
	disk   *CrashDisk
	inode  *inode
	name   string
	closed bool
}

func (f *crashFile) ready(op string) error {
	if f.closed {
		return failed(op, f.name, fs.ErrClosed)
	}
	return nil
}

func (f *crashFile) Write(data []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.ready("write"); err != nil {
		return 0, err
	}
	f.inode.data = append(f.inode.data, data...) // copies of the disk share what is there
	f.inode.dirty = f.inode.dirty || len(data) > 0
	return len(data), nil
}

func (f *crashFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.ready("sync"); err != nil {
		return err
	}
	if !f.inode.lost {
		f.inode.durable, f.inode.dirty = f.inode.data, false
	}
	return nil
}

// failSync is a Sync that fails: see inode.lost.
func (f *crashFile) failSync() {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.inode.lost = f.inode.dirty
}

func (f *crashFile) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.ready("close"); err != nil {
		return err
	}
	f.closed = true
	return nil
}

// String tells what the disk holds, for a test that fails.
func (d *CrashDisk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var text strings.Builder
	d.root.describe(&text, "")
	return text.String()
}

func (n *inode) describe(text *strings.Builder, at string) {
	for _, part := range slices.Sorted(maps.Keys(n.names)) {
		s := n.names[part]
		if below := s.now(); below != nil {
			fmt.Fprintf(text, "%s%s: %d bytes (%08x), dirty %v, name pending %v\n", at, part, len(below.data), crc32.ChecksumIEEE(below.data), below.dirty, len(s.was) > 1)
			below.describe(text, at+part+"/")
		}
	}
}
