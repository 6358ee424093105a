package adb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// DefaultAddr is where an adb server listens unless told otherwise.
const DefaultAddr = "127.0.0.1:5037"

// MaxService is the longest service string that is sent, in bytes. A string
// longer than the phone's packet (4,096 bytes on old phones) ends the whole
// server, not only the request.
const MaxService = 4000

// Server is where an adb server listens, and how long to wait for it.
// The zero value is the server every adb program shares, with the usual patience.
type Server struct {
	Addr    string        // host:port; "" is DefaultAddr
	Program string        // the adb program that Start runs; "" is looked up in PATH
	Env     []string      // the environment of Program; nil is this process's own
	Reply   time.Duration // the longest wait for a connection or a short answer; 0 is 10 s
	Stall   time.Duration // the longest wait for Floor bytes of an answer; 0 is 60 s
	Floor   int           // bytes that count as progress; 0 is 256 KiB
}

func (s *Server) addr() string {
	if s.Addr == "" {
		return DefaultAddr
	}
	return s.Addr
}

func (s *Server) reply() time.Duration {
	if s.Reply <= 0 {
		return 10 * time.Second
	}
	return s.Reply
}

func (s *Server) stall() time.Duration {
	if s.Stall <= 0 {
		return 60 * time.Second
	}
	return s.Stall
}

func (s *Server) floor() int {
	if s.Floor <= 0 {
		return 256 << 10
	}
	return s.Floor
}

// dial connects to the server. ErrNoServer means that nothing listens there.
func (s *Server) dial(ctx context.Context) (*conn, error) {
	d := net.Dialer{Timeout: s.reply()}
	c, err := d.DialContext(ctx, "tcp", s.addr())
	if err != nil {
		return nil, dialError(ctx, s.addr(), err)
	}
	return newConn(c, s.stall(), s.floor()), nil
}

func dialError(ctx context.Context, addr string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if isRefused(err) {
		return fmt.Errorf("%w at %s: %w", ErrNoServer, addr, err)
	}
	return fmt.Errorf("adb server at %s: %w", addr, err)
}

func isRefused(err error) bool {
	const windowsRefused = syscall.Errno(10061) // WSAECONNREFUSED
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, windowsRefused)
}
