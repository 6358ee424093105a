package device

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
)

// Sum is the SHA-256 of a file that Files listed, as the phone itself tells it; where it cannot, the file is read.
func (p *Phone) Sum(ctx context.Context, f File) (sum [32]byte, err error) {
	if f.Type != Regular {
		return sum, pathError("hash", f.Path, fmt.Errorf("%w: only a regular file has content", fs.ErrInvalid))
	}
	sum, err = p.device.Sum(ctx, remote(f.Path))
	if err == nil || ctx.Err() != nil {
		return sum, err
	}
	return sumOf(ctx, p, f)
}

// Sum is the SHA-256 of a file that Files listed.
func (d *Dir) Sum(ctx context.Context, f File) ([32]byte, error) { return sumOf(ctx, d, f) }

func sumOf(ctx context.Context, from interface {
	Open(ctx context.Context, f File) (io.ReadCloser, error)
}, f File) (sum [32]byte, err error) {
	stream, err := from.Open(ctx, f)
	if err != nil {
		return sum, err
	}
	defer stream.Close()
	return hashOf(stream)
}

// hashOf is the SHA-256 of what a stream gives to its end.
func hashOf(r io.Reader) (sum [32]byte, err error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return sum, err
	}
	return [32]byte(hash.Sum(nil)), nil
}
