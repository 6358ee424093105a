package adb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrNoTail is what Device.Tail says of a phone that cannot give the rest of a file alone.
var ErrNoTail = errors.New("the phone cannot give the end of a file alone")

// skipSpeed is what a slow phone passes over in a second before the first byte comes, in bytes.
const skipSpeed = 16 << 20

// Tail is the rest of a file on its way. Read returns io.EOF only after the phone's tail ended without a word of complaint; how many bytes
// were to come is for the caller to know. One goroutine reads; Close may come from another.
type Tail struct {
	ctx   context.Context
	path  string
	c     *conn
	stop  func() bool
	left  int64 // bytes left of this packet; the phone's claim
	empty int   // packets with nothing in them
	err   error
}

// Tail asks for the bytes of a file from off on, over shell,v2,raw. ErrNoTail: without shell_v2, or when tail says anything but bytes
// first. It follows a symlink at path.
func (d *Device) Tail(ctx context.Context, path string, off int64) (*Tail, error) {
	if !d.Has("shell_v2") {
		return nil, fmt.Errorf("%w: it has no shell_v2", ErrNoTail)
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	c, err := d.server.service(ctx, d.Info, fmt.Sprintf("shell,v2,raw:tail -c +%d %s", off+1, Quote(path)))
	if errors.Is(err, ErrRefused) && !Unreachable(err) || errors.Is(err, ErrTooLong) {
		return nil, fmt.Errorf("%w: %w", ErrNoTail, err)
	}
	if err != nil {
		return nil, err
	}
	patience := time.Duration(off/skipSpeed) * time.Second
	c.stall += patience
	t := &Tail{ctx: ctx, path: path, c: c, stop: c.closeWith(ctx)}
	_ = c.shellPacket(make([]byte, 5), shellCloseStdin, 0)
	err = t.packet()
	c.progress()
	c.stall -= patience
	if errors.As(err, new(*Failure)) {
		err = fmt.Errorf("%w: %w", ErrNoTail, err)
	}
	if err != nil && err != io.EOF {
		_ = t.Close()
		return nil, orCtx(ctx, err)
	}
	t.err = err
	return t, nil
}

// Read reads on.
func (t *Tail) Read(b []byte) (int, error) {
	for t.err == nil && t.left == 0 {
		t.err = t.packet()
	}
	if t.err != nil || len(b) == 0 {
		return 0, t.failed()
	}
	n, err := t.c.r.Read(b[:min(int64(len(b)), t.left)])
	t.left -= int64(n)
	if n == 0 {
		t.err = readError(err)
	}
	return n, t.failed()
}

func (t *Tail) failed() error {
	if t.err == io.EOF {
		return io.EOF
	}
	return orCtx(t.ctx, t.err)
}

// packet reads up to the next bytes of the file, or to the end.
func (t *Tail) packet() error {
	var head [5]byte
	if err := t.c.full(head[:]); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(head[1:]))
	switch head[0] {
	case shellStdout:
		if t.left = n; n == 0 {
			t.empty++
		}
		if t.empty > maxEmpty {
			return fmt.Errorf("%w: a file of empty pieces", ErrProtocol)
		}
		return nil
	case shellStderr:
		return t.complaint(n)
	case shellExit:
		return t.exit(n)
	}
	return fmt.Errorf("%w: shell packet %d", ErrProtocol, head[0])
}

func (t *Tail) complaint(n int64) error {
	text := make([]byte, min(n, MaxText))
	if err := t.c.full(text); err != nil {
		return err
	}
	return &Failure{Op: "tail", Name: t.path, Text: plain(text)}
}

func (t *Tail) exit(n int64) error {
	if n != 1 {
		return fmt.Errorf("%w: an exit code of %d bytes", ErrProtocol, n)
	}
	var code [1]byte
	if err := t.c.full(code[:]); err != nil {
		return err
	}
	if code[0] != 0 {
		return &Failure{Op: "tail", Name: t.path, Text: fmt.Sprintf("exit %d", code[0])}
	}
	return io.EOF
}

// Close ends the connection.
func (t *Tail) Close() error {
	t.stop()
	t.c.close()
	return nil
}
