package adb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"time"
)

// Start starts an adb server where none answers. It needs the adb program, and
// is ErrNotInstalled without one. It never ends a server.
func (s *Server) Start(ctx context.Context) error {
	program, err := s.program()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(s.addr())
	if err != nil {
		return fmt.Errorf("adb server address %q: %w", s.addr(), err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w at %s, and one on another computer cannot be started from here", ErrNoServer, s.addr())
	}
	args := []string{"start-server"}
	if port != "5037" {
		args = []string{"-P", port, "start-server"}
	}
	return s.run(ctx, program, args)
}

func (s *Server) program() (string, error) {
	if s.Program != "" {
		return s.Program, nil
	}
	path, err := exec.LookPath("adb")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	return path, nil
}

func (s *Server) run(ctx context.Context, program string, args []string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = s.Env
	cmd.Stderr = &said
	// The server it leaves behind may hold our end of stderr open.
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	return orCtx(ctx, fmt.Errorf("adb start-server: %w: %s", err, plain(said.Bytes())))
}

// Ready makes sure that a server answers, starting one if need be.
func (s *Server) Ready(ctx context.Context) error {
	_, err := s.Version(ctx)
	if !errors.Is(err, ErrNoServer) {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	_, err = s.Version(ctx)
	return err
}
