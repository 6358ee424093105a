package adb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The packets of shell,v2: one byte of kind, four of length, data.
const (
	shellStdin      = 0
	shellStdout     = 1
	shellStderr     = 2
	shellExit       = 3
	shellCloseStdin = 4
)

// Command is one command line for the phone's shell and what to connect it to.
type Command struct {
	Line   string    // quote every name in it with Quote; at most about 4,000 bytes
	Stdin  io.Reader // nil is empty; must end by itself. Needs shell_v2.
	Stdout io.Writer // nil discards, up to MaxOutput bytes
	Stderr io.Writer // nil discards likewise; without shell_v2 it comes mixed into Stdout

	Patience time.Duration // how much longer than Server.Stall it may be silent
}

// NoExit is the exit code of a command on a phone that does not tell it.
const NoExit = -1

// Run runs a command and returns its exit code, or NoExit on a phone without
// shell_v2, whose output also has each line end in "\r\n".
func (d *Device) Run(ctx context.Context, cmd Command) (exit int, err error) {
	if cmd.Stdout == nil {
		cmd.Stdout = &discarded{left: MaxOutput}
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &discarded{left: MaxOutput}
	}
	if !d.Has("shell_v2") {
		return d.runV1(ctx, cmd)
	}
	c, err := d.server.service(ctx, d.Info, "shell,v2,raw:"+cmd.Line)
	if err != nil {
		return NoExit, err
	}
	defer c.closeWith(ctx)()
	c.stall += cmd.Patience
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		feed(c, cmd.Stdin)
	}()
	exit, err = c.shellOutput(cmd)
	c.close() // ends a feed that nobody reads
	<-fed
	return exit, orCtx(ctx, err)
}

// feed sends stdin. A command may end without reading it all, so an error here
// is told by the output.
func feed(c *conn, stdin io.Reader) {
	buf := make([]byte, 5+16<<10)
	for stdin != nil {
		n, err := stdin.Read(buf[5:])
		if n > 0 && c.shellPacket(buf, shellStdin, n) != nil {
			return
		}
		if err != nil {
			break
		}
	}
	_ = c.shellPacket(buf, shellCloseStdin, 0)
}

func (c *conn) shellPacket(buf []byte, kind byte, n int) error {
	buf[0] = kind
	binary.LittleEndian.PutUint32(buf[1:], uint32(n))
	return c.write(buf[:5+n])
}

// shellOutput copies packets until the exit code comes.
func (c *conn) shellOutput(cmd Command) (int, error) {
	for empty := 0; empty <= maxEmpty; {
		var head [5]byte
		if err := c.full(head[:]); err != nil {
			return NoExit, err
		}
		n := int64(binary.LittleEndian.Uint32(head[1:]))
		if n == 0 {
			empty++
		}
		switch head[0] {
		case shellStdout, shellStderr:
			if err := c.copyTo(shellWriter(cmd, head[0]), n); err != nil {
				return NoExit, err
			}
		case shellExit:
			if n != 1 {
				return NoExit, fmt.Errorf("%w: an exit code of %d bytes", ErrProtocol, n)
			}
			var code [1]byte
			if err := c.full(code[:]); err != nil {
				return NoExit, err
			}
			return int(code[0]), nil
		default:
			return NoExit, fmt.Errorf("%w: shell packet %d", ErrProtocol, head[0])
		}
	}
	return NoExit, fmt.Errorf("%w: an answer of empty packets", ErrProtocol)
}

func shellWriter(cmd Command, kind byte) io.Writer {
	if kind == shellStderr {
		return cmd.Stderr
	}
	return cmd.Stdout
}

// copyTo hands n bytes on as they come; their number is only a claim.
func (c *conn) copyTo(w io.Writer, n int64) error {
	buf := make([]byte, min(n, 64<<10))
	for n > 0 {
		got, err := c.r.Read(buf[:min(n, int64(len(buf)))])
		if got > 0 {
			if _, err := w.Write(buf[:got]); err != nil {
				return fmt.Errorf("output of the phone's shell: %w", err)
			}
			n -= int64(got)
			continue
		}
		if err != nil {
			return readError(err)
		}
	}
	return nil
}

func (d *Device) runV1(ctx context.Context, cmd Command) (int, error) {
	if cmd.Stdin != nil {
		return NoExit, fmt.Errorf("%w: input for a command (no shell_v2)", ErrRefused)
	}
	c, err := d.server.service(ctx, d.Info, "shell:"+cmd.Line)
	if err != nil {
		return NoExit, err
	}
	defer c.close()
	defer c.closeWith(ctx)()
	c.stall += cmd.Patience
	_, err = io.Copy(shellWriter(cmd, shellStdout), c.r)
	if err != nil {
		return NoExit, orCtx(ctx, readError(err))
	}
	return NoExit, nil
}

// MaxOutput bounds what Output keeps, in bytes.
const MaxOutput = 4 << 20

// Output runs a command without input and returns what it printed, with "\n"
// at line ends whatever the phone. A failing exit code is an error with the text
// from stderr.
func (d *Device) Output(ctx context.Context, line string) ([]byte, error) {
	return d.LongOutput(ctx, line, MaxOutput)
}

// LongOutput is Output that keeps up to most bytes.
func (d *Device) LongOutput(ctx context.Context, line string, most int) ([]byte, error) {
	out, warn := limited{most: most}, limited{most: MaxOutput}
	exit, err := d.Run(ctx, Command{Line: line, Stdout: &out, Stderr: &warn})
	if err != nil {
		return nil, err
	}
	if exit > 0 {
		return out.Bytes(), &Failure{Op: "shell", Name: line, Text: fmt.Sprintf("exit %d: %s", exit, plain(warn.Bytes()))}
	}
	if exit == NoExit {
		return bytes.ReplaceAll(out.Bytes(), []byte("\r\n"), []byte("\n")), nil
	}
	return out.Bytes(), nil
}

// limited is a buffer that refuses to grow beyond a number of bytes.
type limited struct {
	bytes.Buffer
	most int
}

// discarded takes what nobody wants to read, but not for ever.
type discarded struct{ left int }

func (d *discarded) Write(p []byte) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, errOutput
	}
	return len(p), nil
}

var errOutput = errors.New("more output than a sane answer has")

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.most {
		return 0, errOutput
	}
	return l.Buffer.Write(p)
}

// Quote makes one word of any name, for the phone's shell. The name must not
// hold a zero byte; no file's name does.
func Quote(name string) string {
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
