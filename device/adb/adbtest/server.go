package adbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is Debian's real adb server, on a port and with a HOME of its own.
type Server struct {
	addr string
	home string
	cmd  *exec.Cmd
	log  *lockedBuffer
	dead chan struct{}
}

// StartServer starts a server as a child process. Close ends it.
func StartServer(ctx context.Context) (*Server, error) {
	adb, err := exec.LookPath("adb")
	if err != nil {
		return nil, fmt.Errorf("the tests need the real adb (apt install adb): %w", err)
	}
	home, err := os.MkdirTemp("", "adbtest-home-")
	if err != nil {
		return nil, err
	}
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &Server{addr: addr, home: home, log: &lockedBuffer{}, dead: make(chan struct{})}
	s.cmd = exec.Command(adb, "-P", s.Port(), "nodaemon", "server")
	s.cmd.Env = Env(home, s.Port())
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.dead)
	}()
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// FreeAddr is a loopback address on which nothing listens.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Env is the environment of an adb program with a HOME of its own.
func Env(home, port string) []string {
	return []string{
		"HOME=" + home, "ANDROID_SDK_HOME=" + home, "TMPDIR=" + home, "PATH=" + os.Getenv("PATH"),
		"ANDROID_ADB_SERVER_PORT=" + port, "ADB_MDNS=0", "ADB_MDNS_AUTO_CONNECT=0",
	}
}

func (s *Server) await(ctx context.Context) error {
	for range 500 {
		if _, err := Ask(ctx, s.addr, "host:version"); err == nil {
			return nil
		}
		select {
		case <-s.dead:
			return fmt.Errorf("adb server ended: %s", s.log)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("adb server does not answer: %s", s.log)
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.addr }

// Port is the port of Addr.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

// Environ is the environment in which an adb program finds this server.
func (s *Server) Environ() []string { return Env(s.home, s.Port()) }

// Log is what the server said.
func (s *Server) Log() string { return s.log.String() }

// Pid is the server's process.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Close ends the server and removes its HOME.
func (s *Server) Close() error {
	_ = s.cmd.Process.Kill()
	<-s.dead
	return os.RemoveAll(s.home)
}

// Connect makes the server connect to a phone, waits until it is in the state
// "device" (or, for an unauthorized one, "unauthorized") and returns its serial.
func (s *Server) Connect(ctx context.Context, p *Phone) (serial string, err error) {
	answer, err := Ask(ctx, s.addr, "host:connect:"+p.Addr())
	if err != nil {
		return "", err
	}
	want := p.Banner
	if !p.authorized() {
		want = "unauthorized"
	}
	for range 500 {
		list, err := Ask(ctx, s.addr, "host:devices")
		if err != nil {
			return "", err
		}
		if strings.Contains(list, p.Addr()+"\t"+want+"\n") {
			return p.Addr(), nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "", fmt.Errorf("the phone never became %s: %s", want, answer)
}

// Disconnect makes the server drop a phone.
func (s *Server) Disconnect(ctx context.Context, serial string) error {
	_, err := Ask(ctx, s.addr, "host:disconnect:"+serial)
	return err
}

// Ask asks an adb server one thing and returns its text.
func Ask(ctx context.Context, addr, service string) (string, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(c, "%04x%s", len(service), service); err != nil {
		return "", err
	}
	status := make([]byte, 4)
	if _, err := io.ReadFull(c, status); err != nil {
		return "", err
	}
	text, err := io.ReadAll(c)
	if len(text) >= 4 {
		text = text[4:]
	}
	if string(status) != "OKAY" {
		return "", fmt.Errorf("adb server: %s", text)
	}
	return string(text), err
}

// Pull runs the real `adb pull -a`, for comparison.
func (s *Server) Pull(ctx context.Context, serial, from, to string) error {
	adb, err := exec.LookPath("adb")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, adb, "-P", s.Port(), "-s", serial, "pull", "-a", from, filepath.Clean(to))
	cmd.Env = s.Environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("adb pull: %w: %s", err, out)
	}
	return nil
}

// Shell runs the real `adb shell` on the only phone of the server at addr.
func Shell(ctx context.Context, addr, command string) (string, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "adb", "-P", port, "shell", command)
	out, err := cmd.Output()
	return string(out), err
}

// Stop ends a server that a program left behind on addr. It refuses the port
// that every adb shares.
func Stop(ctx context.Context, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if n, numErr := strconv.Atoi(port); err != nil || numErr != nil || n == 5037 {
		return fmt.Errorf("adbtest: not stopping the server at %s", addr)
	}
	_, err = Ask(ctx, addr, "host:kill")
	return err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
