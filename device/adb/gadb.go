package adb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/electricbubble/gadb"
)

// gateBytes bounds what gadb may receive in one question: it would hold any
// amount in memory.
const gateBytes = 64 << 10

// Version asks the server for its version, such as 41. ErrNoServer means that
// none answers.
func (s *Server) Version(ctx context.Context) (version int, err error) {
	err = s.viaGadb(ctx, func(c gadb.Client) error {
		version, err = c.ServerVersion()
		return err
	})
	return version, err
}

// Serials lists the serials of all phones the server sees, in whatever state. A
// serial with a space in it is cut there: Devices knows better.
func (s *Server) Serials(ctx context.Context) (serials []string, err error) {
	err = s.viaGadb(ctx, func(c gadb.Client) error {
		serials, err = c.DeviceSerialList()
		return err
	})
	return serials, err
}

// Property asks a phone for one of its properties, such as "ro.serialno". A
// property it does not have is "". The name is a constant of the program, not
// something read from elsewhere.
func (d *Device) Property(ctx context.Context, name string) (string, error) {
	line := "getprop " + Quote(name)
	value, listed, err := d.server.propertyViaGadb(ctx, d.Info, line)
	if !listed && ctx.Err() == nil {
		var out []byte
		out, err = d.Output(ctx, line)
		value = string(out)
	}
	if err != nil {
		return "", fmt.Errorf("property %s: %w", name, orCtx(ctx, err))
	}
	return plain([]byte(value)), nil
}

// propertyViaGadb says listed = false for a phone that gadb cannot address: one
// missing from its list, or one that shares its serial.
func (s *Server) propertyViaGadb(ctx context.Context, info Info, line string) (value string, listed bool, err error) {
	err = s.viaGadb(ctx, func(c gadb.Client) error {
		phones, err := c.DeviceList()
		if err != nil {
			return err
		}
		phone, only := onlyPhone(phones, info)
		if !only {
			return nil
		}
		listed = true
		value, err = phone.RunShellCommand(line)
		return err
	})
	return value, listed, err
}

func onlyPhone(phones []gadb.Device, info Info) (found gadb.Device, only bool) {
	n := 0
	for _, p := range phones {
		if p.Serial() == info.Serial {
			found = p
			n++
		}
	}
	return found, n == 1 && !strings.ContainsAny(info.Serial, " \t")
}

// viaGadb runs one question through gadb, behind a gate: gadb has no context,
// waits a minute for each read, takes any amount of bytes and does not close
// every socket. The gate passes gateBytes within Reply and then shuts.
func (s *Server) viaGadb(ctx context.Context, question func(gadb.Client) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.reply(), ErrStalled)
	defer cancel()
	g, err := openGate(ctx, s)
	if err != nil {
		return err
	}
	client, err := gadb.NewClientWith("127.0.0.1", g.port())
	if err == nil {
		err = question(client)
	}
	if gateErr := g.close(); gateErr != nil {
		return gateErr
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return gadbError(err)
}

// gadbError keeps the text of a FAIL and hides an io.EOF.
func gadbError(err error) error {
	if text, ok := strings.CutPrefix(err.Error(), "command failed: "); ok {
		return &Failure{Op: "adb", Name: "server", Text: plain([]byte(text))}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrBroken
	}
	return fmt.Errorf("%w: %s", ErrProtocol, plain([]byte(err.Error())))
}

// gate stands between gadb and the server for one question.
type gate struct {
	server *Server
	listen net.Listener
	ctx    context.Context
	stop   func() bool
	work   sync.WaitGroup

	mu  sync.Mutex
	err error // why the server could not be reached
}

func openGate(ctx context.Context, s *Server) (*gate, error) {
	c, err := s.dial(ctx) // is anyone there at all?
	if err != nil {
		return nil, err
	}
	c.close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("adb: %w", err)
	}
	g := &gate{server: s, listen: l, ctx: ctx}
	g.stop = context.AfterFunc(ctx, func() { _ = l.Close() })
	g.work.Go(g.accept)
	return g, nil
}

func (g *gate) port() int { return g.listen.Addr().(*net.TCPAddr).Port }

// close ends every connection and waits for them.
func (g *gate) close() error {
	g.stop()
	_ = g.listen.Close()
	g.work.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

func (g *gate) accept() {
	for {
		inner, err := g.listen.Accept()
		if err != nil {
			return
		}
		g.work.Go(func() { g.pass(inner) })
	}
}

// pass carries one connection. gadb's first is a greeting without words.
func (g *gate) pass(inner net.Conn) {
	defer inner.Close()
	outer, err := g.server.dial(g.ctx)
	if err != nil {
		g.mu.Lock()
		g.err = err
		g.mu.Unlock()
		return
	}
	defer outer.close()
	defer context.AfterFunc(g.ctx, func() { _ = inner.Close(); outer.close() })()
	up := make(chan struct{})
	go func() {
		defer close(up)
		_, _ = io.Copy(outer.net, io.LimitReader(inner, gateBytes))
		outer.close() // gadb hung up
	}()
	_, _ = io.Copy(inner, io.LimitReader(outer.r, gateBytes))
	_ = inner.Close()
	outer.close()
	<-up
}
