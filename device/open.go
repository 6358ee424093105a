package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Open opens a file that Files listed; see the package's words on opening.
func (d *Dir) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkPath(f.Path); err != nil {
		return nil, pathError("open", f.Path, err)
	}
	if f.Type != Regular {
		return nil, pathError("open", f.Path, fmt.Errorf("%w: only a regular file has content", fs.ErrInvalid))
	}
	file, err := d.open(f)
	if err != nil {
		return nil, pathError("open", f.Path, vanished(err))
	}
	after := func() error { return unchanged(file, f) }
	return &fileStream{stream{ctx: ctx, file: f, from: openedAhead(file, f.Size), after: after}}, nil
}

// fileStream is a stream of a file of this computer. It says how long it is, for who has to wait for memory before reading so much: it waits for no other
// stream, and none waits for it. Those of a phone come one behind the other.
type fileStream struct{ stream }

// Len is the size that was listed.
func (s *fileStream) Len() int64 { return s.file.Size }

// open opens what was listed as a regular file, and only that.
func (d *Dir) open(f File) (*os.File, error) {
	dir, name := splitPath(f.Path)
	folder, err := d.folders.get(dir)
	if err != nil {
		return nil, err
	}
	defer folder.done()
	info, err := folder.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is no regular file any more", ErrChanged)
	}
	file, err := folder.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	now, err := file.Stat()
	if err == nil && !os.SameFile(info, now) {
		err = ErrChanged
	}
	if err == nil {
		err = same(now.Size(), now.ModTime(), f)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func vanished(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrVanished, fs.ErrNotExist)
	}
	return err
}

func unchanged(file *os.File, f File) error {
	now, err := file.Stat()
	if err != nil {
		return err
	}
	return same(now.Size(), now.ModTime(), f)
}

// same compares a file as it is now with its listing.
func same(size int64, modTime time.Time, f File) error {
	if size != f.Size {
		return fmt.Errorf("%w: from %d to %d bytes", ErrChanged, f.Size, size)
	}
	if !modTime.Equal(f.ModTime) {
		return fmt.Errorf("%w: its time moved from %s to %s", ErrChanged, f.ModTime.UTC().Format(time.RFC3339Nano), modTime.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// stream counts and checks the bytes of one file.
type stream struct {
	ctx   context.Context
	file  File
	from  io.ReadCloser
	after func() error // is the file still as listed?
	got   int64
	err   error
}

func (s *stream) Read(p []byte) (int, error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.from.Read(p)
	s.got += int64(n)
	switch {
	case s.got > s.file.Size:
		n -= int(s.got - s.file.Size)
		s.err = s.wrong(fmt.Errorf("%w: more than the %d bytes listed came", ErrChanged, s.file.Size))
	case err == io.EOF:
		s.err = s.end()
	case err != nil:
		s.err = s.wrong(err)
	}
	return n, s.err
}

// end decides whether the end of the bytes is the end of the file.
func (s *stream) end() error {
	if err := s.after(); err != nil {
		return s.wrong(err)
	}
	if s.got < s.file.Size {
		return s.wrong(fmt.Errorf("%w: after %d of %d bytes", ErrShort, s.got, s.file.Size))
	}
	return io.EOF
}

func (s *stream) wrong(err error) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	if phone := (*PhoneError)(nil); errors.As(err, &phone) {
		return err
	}
	return pathError("read", s.file.Path, err)
}

func (s *stream) Close() error { return s.from.Close() }
