package adb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// conn is a connection to the server whose deadline follows progress: it gives
// up when less than floor bytes came in stall of waiting. Time in which nobody
// reads does not count.
type conn struct {
	net    net.Conn
	r      *bufio.Reader
	stall  time.Duration
	floor  int
	waited time.Duration // spent waiting since the last progress
	got    int           // bytes since then
	raw    syscall.RawConn
}

func newConn(c net.Conn, stall time.Duration, floor int) *conn {
	k := &conn{net: c, stall: stall, floor: floor}
	if t, ok := c.(*net.TCPConn); ok {
		k.raw, _ = t.SyscallConn()
	}
	k.r = bufio.NewReaderSize(wire{k}, 64<<10)
	return k
}

// wire reads from the network itself, below the buffer.
type wire struct{ c *conn }

func (w wire) Read(p []byte) (int, error) {
	c := w.c
	began := time.Now()
	if err := c.net.SetReadDeadline(began.Add(c.stall - c.waited)); err != nil {
		return 0, err
	}
	// The server answers in small writes and never sets TCP_NODELAY: a delayed
	// acknowledgment here would cost 40 ms an answer. The kernel forgets the
	// option, so it is set again before each read.
	quickAck(c.raw)
	n, err := c.net.Read(p)
	c.waited += time.Since(began)
	if c.got += n; c.got >= c.floor {
		c.progress()
	}
	return n, err
}

// progress grants a new stall period; a complete answer is progress whatever its size.
func (c *conn) progress() { c.waited, c.got = 0, 0 }

func (c *conn) write(p []byte) error {
	if err := c.net.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return readError(err)
	}
	_, err := c.net.Write(p)
	return readError(err)
}

func (c *conn) full(p []byte) error {
	_, err := io.ReadFull(c.r, p)
	return readError(err)
}

func (c *conn) close() { _ = c.net.Close() }

// closeWith closes the connection when ctx ends, so that a blocked read returns.
// The function it returns ends that watch.
func (c *conn) closeWith(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, c.close)
}

// readError names what the network says. io.EOF never gets out of here: to a
// reader of files it would look like the end of one.
func readError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrStalled, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrBroken
	default:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
}

// orCtx prefers the context's own error to what its end did to the connection.
func orCtx(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
