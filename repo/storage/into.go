package storage

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Filler is a Store that reads into memory that is there, which costs less than making some for each read.
type Filler interface {
	// GetInto fills p with the bytes of an object from off on. Its errors are those of Get; after one, p holds anything.
	GetInto(ctx context.Context, name string, off int64, p []byte) error
}

// GetInto fills p with the bytes of an object from off on, whatever the store can.
func GetInto(ctx context.Context, s Store, name string, off int64, p []byte) error {
	if s, ok := s.(Filler); ok {
		return s.GetInto(ctx, name, off, p)
	}
	data, err := s.Get(ctx, name, off, int64(len(p)))
	copy(p, data)
	return err
}

// GetInto reads a part of a file. Much of it at once, on page borders in the file and into an AlignedBuffer, goes past the page cache.
func (f *Folder) GetInto(ctx context.Context, name string, off int64, p []byte) error {
	if err := ready(ctx, name); err != nil {
		return fmt.Errorf("get: %w", err)
	}
	if err := f.readInto(name, off, p); err != nil {
		return fmt.Errorf("get %s: %w", name, err)
	}
	return nil
}

func (f *Folder) readInto(name string, off int64, p []byte) error {
	if d, ok := f.disk.(*OSDisk); ok {
		return d.ReadInto(name, off, p)
	}
	data, err := f.disk.Read(name, off, int64(len(p)))
	copy(p, data)
	return err
}

// ReadInto is Read into memory that is there.
func (d *OSDisk) ReadInto(name string, off int64, p []byte) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := spanOf(f, off, int64(len(p))); err != nil {
		return err
	}
	direct := len(p) >= directLeast && off%page == 0 && aligned(p) && setDirect(f, true) == nil
	n, err := f.ReadAt(p, off)
	if direct && n < len(p) && setDirect(f, false) == nil { // the file system does not read so after all, or an error is to be seen again
		n, err = f.ReadAt(p, off)
	}
	if n == len(p) {
		return nil
	}
	if err == io.EOF { // it shrank meanwhile
		err = io.ErrUnexpectedEOF
	}
	return err
}

// directLeast is the smallest read, in bytes, for which going past the page cache pays.
const directLeast = 256 << 10

func (d *OSDisk) open(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, openToRead, 0)
	return f, notHere(err)
}
