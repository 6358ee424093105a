package storagetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"shoebox/repo/storage"
)

// ErrStopped is what every call gets from a disk whose process was stopped.
var ErrStopped = errors.New("the process was stopped here")

// DiskFault is what goes wrong at a point.
type DiskFault int

// The faults of a disk, and the calls they strike. All but Stop go wrong once, and the process lives on.
const (
	Stop       DiskFault = iota // all: this call and all later ones fail
	IOError                     // all: an input/output error, nothing is done. Of a file's sync: what was to be written is dropped for good
	Refused                     // all: no permission, nothing is done
	NoSpace                     // create, write, sync, rename, mkdir: the disk is full
	ShortWrite                  // write: half of the bytes, then the disk is full
	DiskFaults                  // how many there are
)

func (f DiskFault) String() string {
	return [...]string{"stop", "io error", "refused", "no space", "short write"}[f]
}

func (f DiskFault) strikes(verb string) bool {
	switch f {
	case NoSpace:
		return verb != "remove" && verb != "close"
	case ShortWrite:
		return verb == "write"
	}
	return true
}

func (f DiskFault) cause() error {
	return [...]error{ErrStopped, syscall.EIO, syscall.EACCES, syscall.ENOSPC, syscall.ENOSPC}[f]
}

// CrashPoints counts the calls that change a disk, from 1, and lets call number At go wrong. With At 0 it only counts.
type CrashPoints struct {
	Disk  *CrashDisk
	At    int
	Fault DiskFault
	After bool                   // the call takes effect before it goes wrong
	Only  func(call string) bool // counts these alone, such as "syncdir packs"; nil for all

	mu     sync.Mutex
	calls  int
	struck string
}

// Calls tells how many calls were counted.
func (p *CrashPoints) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// Struck tells which call went wrong; "" while none did.
func (p *CrashPoints) Struck() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.struck
}

// do makes a call, unless it goes wrong. dropped, if any, is what a call that fails does all the same.
func (p *CrashPoints) do(call string, make func() error, dropped func()) error {
	hit, err := p.meet(call)
	if err == nil {
		return make()
	}
	if hit && p.After {
		return errors.Join(err, make())
	}
	if hit && dropped != nil && p.Fault != Stop {
		dropped()
	}
	return err
}

// meet counts a call. The error says that it goes wrong, hit that it is the one.
func (p *CrashPoints) meet(call string) (hit bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.struck != "" && p.Fault == Stop {
		return false, ErrStopped
	}
	if p.Only != nil && !p.Only(call) {
		return false, nil
	}
	verb, _, _ := strings.Cut(call, " ")
	if p.calls++; p.calls != p.At || !p.Fault.strikes(verb) {
		return false, nil
	}
	p.struck = call
	return true, fmt.Errorf("%s: %w: %w", call, ErrFault, p.Fault.cause())
}

// dead is asked by calls that change nothing.
func (p *CrashPoints) dead() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.struck != "" && p.Fault == Stop {
		return ErrStopped
	}
	return nil
}

// Create makes a file.
func (p *CrashPoints) Create(name string) (f storage.File, err error) {
	err = p.do("create "+name, func() (err error) {
		f, err = p.Disk.Create(name)
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	return &pointedFile{f.(*crashFile), p}, nil
}

// Rename moves a file.
func (p *CrashPoints) Rename(old, name string) error {
	return p.do("rename "+old+" "+name, func() error { return p.Disk.Rename(old, name) }, nil)
}

// Remove deletes a file.
func (p *CrashPoints) Remove(name string) error {
	return p.do("remove "+name, func() error { return p.Disk.Remove(name) }, nil)
}

// Mkdir makes a directory.
func (p *CrashPoints) Mkdir(name string) error {
	return p.do("mkdir "+name, func() error { return p.Disk.Mkdir(name) }, nil)
}

// SyncDir syncs a directory.
func (p *CrashPoints) SyncDir(name string) error {
	return p.do("syncdir "+name, func() error { return p.Disk.SyncDir(name) }, nil)
}

// Read reads a part of a file.
func (p *CrashPoints) Read(name string, off, n int64) ([]byte, error) {
	if err := p.dead(); err != nil {
		return nil, err
	}
	return p.Disk.Read(name, off, n)
}

// ReadDir lists a directory.
func (p *CrashPoints) ReadDir(name string) ([]storage.Entry, error) {
	if err := p.dead(); err != nil {
		return nil, err
	}
	return p.Disk.ReadDir(name)
}

type pointedFile struct {
	file   *crashFile
	points *CrashPoints
}

func (f *pointedFile) Write(data []byte) (n int, err error) {
	err = f.points.do("write "+f.file.name, func() (err error) {
		n, err = f.file.Write(data)
		return err
	}, func() {
		if f.points.Fault == ShortWrite {
			n, _ = f.file.Write(data[:len(data)/2])
		}
	})
	return n, err
}

func (f *pointedFile) Sync() error {
	return f.points.do("sync "+f.file.name, f.file.Sync, f.file.failSync)
}

func (f *pointedFile) Close() error {
	return f.points.do("close "+f.file.name, f.file.Close, func() { _ = f.file.Close() })
}
