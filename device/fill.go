package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

const (
	reserveFrom = 1 << 20 // bytes; a smaller file lies together anyway
	reserveTo   = 4 << 30 // a larger one may be mostly holes
	directFrom  = 1 << 18 // a smaller file is written through the page cache,
	plainPiece  = 1 << 17 // so much at once
)

// fill makes a file under its temporary name: its bytes, mode and time, on disk.
func (d *Dir) fill(ctx context.Context, folder *os.Root, temporary string, f File, r io.Reader) error {
	file, err := folder.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = d.fillFile(ctx, file, f, r)
	if err == nil {
		err = setTime(folder, temporary, file, f.ModTime)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (d *Dir) fillFile(ctx context.Context, file *os.File, f File, r io.Reader) error {
	if f.Size >= reserveFrom && f.Size <= reserveTo {
		if err := reserve(file, f.Size); err != nil {
			return err
		}
	}
	if err := d.pour(ctx, file, f.Size, r); err != nil {
		return err
	}
	if err := atEnd(r); err != nil {
		return err
	}
	mode := fs.FileMode(f.Mode) & fs.ModePerm
	if mode == 0 {
		mode = 0o644
	}
	return file.Chmod(mode)
}

// pour writes size bytes of r to a new file, a piece at a time.
func (d *Dir) pour(ctx context.Context, file *os.File, size int64, r io.Reader) error {
	if size < directFrom {
		return pourInto(ctx, &pieceWriter{file: file}, make([]byte, min(size, plainPiece)), size, r)
	}
	piece := d.pieces.take()
	defer d.pieces.give(piece)
	return pourInto(ctx, &pieceWriter{file: file, direct: pastCache(file, true) == nil}, piece, size, r)
}

func pourInto(ctx context.Context, w *pieceWriter, piece []byte, size int64, r io.Reader) error {
	for done := int64(0); done < size; {
		n, err := readPiece(ctx, r, piece[:min(size-done, int64(len(piece)))])
		done += int64(n)
		if err == io.EOF {
			err = fmt.Errorf("%w: %d of %d bytes", ErrShort, done, size)
		}
		if err == nil {
			err = w.write(piece[:n])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readPiece fills p. It is io.EOF when the bytes end before, and no error when they end with p.
func readPiece(ctx context.Context, r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if err = ctx.Err(); err == nil {
			var m int
			m, err = r.Read(p[n:])
			n += m
		}
	}
	if err == io.EOF && n == len(p) {
		err = nil
	}
	return n, err
}

// pieceWriter writes a file past the page cache as far as it goes. What it gets begins on a page, in memory and in
// the file: all but the last fill whole pages.
type pieceWriter struct {
	file   *os.File
	direct bool
}

func (w *pieceWriter) write(p []byte) error {
	if !w.direct {
		_, err := w.file.Write(p)
		return err
	}
	n, err := w.file.Write(p[:len(p)&^(pageSize-1)])
	if err == nil && n == len(p) || n > 0 && err != nil {
		return err
	}
	// The end of the file fills no page; or the file system does not write so after all, which the plain write finds out.
	w.direct = false
	if err := pastCache(w.file, false); err != nil {
		return err
	}
	_, err = w.file.Write(p[n:])
	return err
}

// atEnd makes sure that nothing follows, and that the reader agrees it is whole:
// a reader that verifies what it gives does so at its end.
func atEnd(r io.Reader) error {
	var one [1]byte
	for range 100 {
		n, err := r.Read(one[:])
		switch {
		case n > 0:
			return fmt.Errorf("%w: more bytes than its size", ErrChanged)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}
