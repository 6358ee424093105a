package snapshot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"shoebox/device"
	"shoebox/repo"
)

// resumable is a source that gives files from the middle on, and tells hashes. A phone is one.
type resumable interface {
	OpenAt(ctx context.Context, f device.File, off int64) (io.ReadCloser, error)
	Sum(ctx context.Context, f device.File) ([32]byte, error)
}

// openFile opens a file to be read, one that was cut off where it stopped.
func (b *backup) openFile(ctx context.Context, t *task) (io.ReadCloser, error) {
	begun := b.past.begun[t.Path]
	if begun == nil || t.tries > 0 || !sameBytes(begun.File, t.File) {
		return b.source.Open(ctx, t.File)
	}
	stream, err := b.resume(ctx, t.File, begun.Content)
	if stream == nil && err == nil {
		return b.source.Open(ctx, t.File)
	}
	return stream, err
}

// resume gives a file whose beginning is in the repository: that is read from there, and the rest from the device. nil when it
// must be read whole.
func (b *backup) resume(ctx context.Context, f device.File, begun repo.Content) (io.ReadCloser, error) {
	src, ok := b.source.(resumable)
	if !ok {
		return nil, nil
	}
	if ok, err := b.batch.Has(ctx, begun); err != nil || !ok {
		return nil, err
	}
	rest, err := src.OpenAt(ctx, f, begun.Size())
	if errors.Is(err, device.ErrNoResume) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b.options.Progress.Read.Add(-begun.Size()) // which will pass, and not over the cable
	return &resumed{ctx: ctx, from: src, file: f, begin: b.repo.NewReader(ctx, begun), rest: rest, hash: sha256.New()}, nil
}

// resumed is a file in two pieces. It ends only when the device tells the hash of both together: nothing else proves that they are one
// file.
type resumed struct {
	ctx   context.Context
	from  resumable
	file  device.File
	begin *repo.Reader // nil when it was read
	rest  io.ReadCloser
	hash  hash.Hash
	done  error // how it ended
}

func (r *resumed) Read(p []byte) (int, error) {
	if r.done != nil {
		return 0, r.done
	}
	n, err := r.read(p)
	_, _ = r.hash.Write(p[:n]) // never fails
	if err == io.EOF {
		err = r.prove()
	}
	r.done = err
	return n, err
}

func (r *resumed) read(p []byte) (int, error) {
	if r.begin == nil {
		return r.rest.Read(p)
	}
	n, err := r.begin.Read(p)
	if err == io.EOF {
		r.begin, err = nil, nil
	}
	if err != nil && r.ctx.Err() == nil {
		err = fmt.Errorf("%w: its beginning does not come back from the repository: %w", device.ErrChanged, err) // so it is read again, whole
	}
	return n, err
}

// prove gives io.EOF when the bytes that passed are those of the file.
func (r *resumed) prove() error {
	is, err := r.from.Sum(r.ctx, r.file)
	if err != nil {
		return err
	}
	if is != [32]byte(r.hash.Sum(nil)) {
		return fmt.Errorf("%w: it does not begin as it did when it was cut off", device.ErrChanged)
	}
	return io.EOF
}

func (r *resumed) Close() error { return r.rest.Close() }
