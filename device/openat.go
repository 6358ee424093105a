package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"shoebox/device/adb"
)

// ErrNoResume is wrapped when a phone gives files only whole.
var ErrNoResume = errors.New("the phone gives files only from their beginning")

// OpenAt opens a file that Files listed at an offset, for a large one that was cut off. The stream ends in io.EOF only when exactly f.Size-off bytes
// came, and the file's size and time were as listed before the first and after the last of them; that they follow on what was read before is
// for the caller to prove. It waits for the first byte, and not behind files opened by Open. An error wrapping ErrNoResume means that
// the file must be read whole: without shell_v2, or when its tail is missing or says anything else.
func (p *Phone) OpenAt(ctx context.Context, f File, off int64) (io.ReadCloser, error) {
	from, err := p.openAt(ctx, f, off)
	if err == nil {
		rest := f
		rest.Size -= off
		return &stream{ctx: ctx, file: rest, from: from, after: func() error { return from.asListed(ctx, f) }}, nil
	}
	if err = reachError(p.pullError(err), p.Name(), nil); errors.As(err, new(*PhoneError)) || ctx.Err() != nil {
		return nil, err
	}
	return nil, pathError("open", f.Path, err)
}

func (p *Phone) openAt(ctx context.Context, f File, off int64) (*tailed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkPath(f.Path); err != nil {
		return nil, err
	}
	if f.Type != Regular || off < 0 || off > f.Size {
		return nil, fmt.Errorf("%w: byte %d of a regular file of %d bytes", fs.ErrInvalid, off, f.Size)
	}
	if !p.device.Has("shell_v2") {
		return nil, ErrNoResume
	}
	t := &tailed{ctx: ctx, phone: p}
	if err := t.asListed(ctx, f); err != nil {
		return nil, err
	}
	var err error
	t.Tail, err = p.device.Tail(ctx, remote(f.Path), off)
	if errors.Is(err, adb.ErrNoTail) {
		return nil, fmt.Errorf("%w: %w", ErrNoResume, err)
	}
	if err != nil {
		return nil, t.broken(ctx, err)
	}
	return t, nil
}

// tailed is the rest of a file on its way from a phone.
type tailed struct {
	*adb.Tail
	ctx   context.Context
	phone *Phone
}

func (r *tailed) Read(b []byte) (int, error) {
	n, err := r.Tail.Read(b)
	if err != nil && err != io.EOF {
		err = r.broken(r.ctx, err)
	}
	return n, err
}

// broken finds out whether only this stream broke, or the phone is gone.
func (r *tailed) broken(ctx context.Context, err error) error {
	if !errors.Is(err, adb.ErrBroken) && !errors.Is(err, adb.ErrStalled) {
		return r.phone.pullError(err)
	}
	if _, asked := r.phone.stat(ctx, primary); errors.As(asked, new(*PhoneError)) {
		return asked
	}
	return fmt.Errorf("%w: %v", ErrShort, err)
}

// asListed asks whether the file is still what was listed.
func (r *tailed) asListed(ctx context.Context, f File) error {
	st, err := r.phone.stat(ctx, remote(f.Path))
	if err != nil {
		return r.phone.pullError(err)
	}
	return r.phone.asListed(st, f)
}
