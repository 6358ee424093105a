package storage

import (
	"io"
	"time"
)

// Disk is the file system below a Folder, as coarse as a Folder needs it. Names are relative, with
// "/" between parts; "." is the folder itself. The real one is OpenDisk's; tests have one in memory
// and lay faults and logs over both. Every step that a power cut can separate is a call of its own:
// written bytes may be lost until File.Sync, and a name made, changed or removed until SyncDir of
// the directory it stands in.
//
// This is the one interface wider than four methods: a file system has no narrower waist.
type Disk interface {
	Create(name string) (File, error) // a new, empty file; fs.ErrExist if the name is taken
	Rename(old, name string) error    // replaces name if it is there
	Remove(name string) error
	Mkdir(name string) error // fs.ErrExist if the name is taken
	SyncDir(name string) error

	// Read is Store.Get for one file.
	Read(name string, off, n int64) ([]byte, error)
	// ReadDir returns all entries of a directory, in any order.
	ReadDir(name string) ([]Entry, error)
}

// File is a file being written. A Sync that failed is never called again: the kernel may have
// dropped the bytes and would then say nil.
type File interface {
	io.WriteCloser
	Sync() error
}

// EntryType is what an Entry is.
type EntryType uint8

// A Folder makes regular files and directories. Anything else was put there by someone else.
const (
	Regular EntryType = iota
	Directory
	Irregular // link, socket, device
)

// Entry is a name in a directory.
type Entry struct {
	Name    string // one part
	Type    EntryType
	Size    int64 // bytes
	ModTime time.Time
}
