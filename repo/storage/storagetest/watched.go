package storagetest

import (
	"fmt"
	"sync"

	"shoebox/repo/storage"
)

// WatchedDisk tells of every call that changes a disk, before it is made. When Before returns an
// error the call fails with it and does nothing.
type WatchedDisk struct {
	storage.Disk
	Before func(call string) error // such as "sync packs/.tmp-00"; one call at a time

	mu sync.Mutex
}

func (d *WatchedDisk) before(verb string, of ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	call := verb
	for _, o := range of {
		call += fmt.Sprint(" ", o)
	}
	return d.Before(call)
}

// Create makes a file that is watched too.
func (d *WatchedDisk) Create(name string) (storage.File, error) {
	if err := d.before("create", name); err != nil {
		return nil, err
	}
	f, err := d.Disk.Create(name)
	if err != nil {
		return nil, err
	}
	return &watchedFile{File: f, disk: d, name: name}, nil
}

// Rename moves a file.
func (d *WatchedDisk) Rename(old, name string) error {
	if err := d.before("rename", old, name); err != nil {
		return err
	}
	return d.Disk.Rename(old, name)
}

// Remove deletes a file.
func (d *WatchedDisk) Remove(name string) error {
	if err := d.before("remove", name); err != nil {
		return err
	}
	return d.Disk.Remove(name)
}

// Mkdir makes a directory.
func (d *WatchedDisk) Mkdir(name string) error {
	if err := d.before("mkdir", name); err != nil {
		return err
	}
	return d.Disk.Mkdir(name)
}

// SyncDir syncs a directory.
func (d *WatchedDisk) SyncDir(name string) error {
	if err := d.before("syncdir", name); err != nil {
		return err
	}
	return d.Disk.SyncDir(name)
}

type watchedFile struct {
	storage.File
	disk *WatchedDisk
	name string
}

func (f *watchedFile) Write(data []byte) (int, error) {
	if err := f.disk.before("write", f.name, len(data)); err != nil {
		return 0, err
	}
	return f.File.Write(data)
}

func (f *watchedFile) Sync() error {
	if err := f.disk.before("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *watchedFile) Close() error {
	if err := f.disk.before("close", f.name); err != nil {
		_ = f.File.Close() // a close that fails has let go all the same
		return err
	}
	return f.File.Close()
}
