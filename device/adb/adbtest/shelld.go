package adbtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// shell is where the phone's programs are.
type shell struct{ dir string }

// programs prepares a folder with toybox under its programs' names, and getprop.
func (d *Daemon) programs() (shell, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shell.dir == "" && d.shellErr == nil {
		d.shell, d.shellErr = makeShell(d)
	}
	return d.shell, d.shellErr
}

// applets are the programs the phone has: of toybox's 240 those that someone may
// ask a phone for.
var applets = []string{
	"[", "base64", "basename", "cat", "chmod", "cksum", "cmp", "cp", "cut", "date", "dd", "df", "dirname", "du", "echo", "env", "expr", "false",
	"find", "grep", "head", "id", "ln", "ls", "md5sum", "mkdir", "mv", "od", "printf", "ps", "pwd", "readlink", "realpath", "rm", "rmdir",
	"sed", "seq", "sha1sum", "sha256sum", "sleep", "sort", "stat", "sync", "tail", "tar", "tee", "test", "touch", "true", "truncate",
	"uname", "uniq", "uptime", "wc", "which", "xargs", "xxd", "yes",
}

func makeShell(d *Daemon) (shell, error) {
	toybox, err := exec.LookPath("toybox")
	if err != nil {
		return shell{}, fmt.Errorf("the simulated phone needs toybox (apt install toybox): %w", err)
	}
	dir, err := os.MkdirTemp("", "adbtest-shell-")
	if err != nil {
		return shell{}, err
	}
	sh := shell{dir}
	programs := map[string]string{
		"getprop": d.getprop(), "content": d.contentProgram(dir), "am": d.amProgram(dir), "settings": "echo f00d" + d.Serial,
		"dumpsys": dumpsysProgram(dir),
	}
	maps.Copy(programs, d.spacePrograms(toybox))
	maps.Copy(programs, d.Programs)
	for name, text := range programs {
		if !slices.Contains(d.Without, name) {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
		}
	}
	for _, name := range applets {
		if _, ours := programs[name]; !ours && !slices.Contains(d.Without, name) {
			err = errors.Join(err, os.Symlink(toybox, filepath.Join(dir, name)))
		}
	}
	return sh, err
}

// properties is what getprop knows.
func (d *Daemon) properties() map[string]string {
	props := map[string]string{
		"ro.serialno": d.Serial, "ro.product.model": d.Model, "ro.product.name": d.Product, "ro.product.device": d.Device,
	}
	maps.Copy(props, d.Props)
	return props
}

// getprop is a program that knows the phone's properties.
func (d *Daemon) getprop() string {
	var b strings.Builder
	b.WriteString("case \"$1\" in\n")
	for k, v := range d.properties() {
		fmt.Fprintf(&b, "%s) echo '%s';;\n", k, strings.ReplaceAll(v, "'", `'\''`))
	}
	b.WriteString("*) echo;;\nesac\n")
	return b.String()
}

// asksProperty knows the one command that every client begins with, which then
// needs no shell.
func (d *Daemon) asksProperty(line string) (value string, ok bool) {
	name, ok := strings.CutPrefix(line, "getprop '")
	name, ended := strings.CutSuffix(name, "'")
	return d.properties()[name] + "\n", ok && ended && !strings.Contains(name, "'")
}

// command prepares a line for the shell. The phone's storage lies elsewhere on
// this computer, so its names are replaced in the line.
func (d *Daemon) command(line string) (*exec.Cmd, error) {
	sh, err := d.programs()
	if err != nil {
		return nil, err
	}
	if err := d.writeBattery(sh.dir); err != nil {
		return nil, err
	}
	for name, tree := range d.Cards {
		if dir, ok := tree.(DirTree); ok {
			line = strings.ReplaceAll(line, "/storage/"+name, string(dir))
		}
	}
	if dir, ok := d.Storage.(DirTree); ok {
		line = strings.ReplaceAll(line, "/storage/emulated/0", string(dir))
		line = strings.ReplaceAll(line, "/sdcard", string(dir))
	}
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Env = []string{"PATH=" + sh.dir, "HOME=/", "TERM=dumb"}
	cmd.Dir = sh.dir
	cmd.WaitDelay = 100 * time.Millisecond // what the command left behind may hold its output open
	return cmd, nil
}

// shellV1 has output and errors in one stream, and on old phones a terminal
// that turns each line end into two bytes.
func (d *Daemon) shellV1(rw io.ReadWriter, line string) {
	var out io.Writer = rw
	if !d.has("shell_v2") {
		out = crlf{rw}
	}
	if value, ok := d.asksProperty(line); ok {
		_, _ = io.WriteString(out, value)
		return
	}
	cmd, err := d.command(line)
	if err != nil {
		_, _ = io.WriteString(out, err.Error())
		return
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return
	}
	go func() { // ends with the stream
		_, _ = io.Copy(io.Discard, rw)
		_ = cmd.Process.Kill()
	}()
	_ = cmd.Wait()
}

type crlf struct{ w io.Writer }

func (c crlf) Write(p []byte) (int, error) {
	_, err := c.w.Write([]byte(strings.ReplaceAll(string(p), "\n", "\r\n")))
	return len(p), err
}

// shellV2 has packets of one byte of kind, four of length, and data.
func (d *Daemon) shellV2(rw io.ReadWriter, line string) {
	w := &faulty{syncd: &syncd{d: d, out: rw}, fault: d.fault("SHELL", line)}
	if w.begin() {
		return
	}
	p := &packets{w: w}
	if value, ok := d.asksProperty(line); ok {
		_ = p.send(1, []byte(value))
		_ = p.send(3, []byte{0})
		return
	}
	cmd, err := d.command(line)
	if err != nil {
		_ = p.send(2, []byte(err.Error()))
		_ = p.send(3, []byte{127})
		return
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	cmd.Stdout, cmd.Stderr = kindWriter{p, 1}, kindWriter{p, 2}
	if err := cmd.Start(); err != nil {
		_ = p.send(3, []byte{127})
		return
	}
	go func() { // ends with the stream
		feedStdin(rw, stdin)
		_ = cmd.Process.Kill()
	}()
	_ = cmd.Wait()
	if !w.spent {
		_ = p.send(3, []byte{byte(cmd.ProcessState.ExitCode())})
	}
}

// feedStdin passes input on until the computer hangs up.
func feedStdin(r io.Reader, stdin io.WriteCloser) {
	defer stdin.Close()
	for {
		var head [5]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		n := int64(binary.LittleEndian.Uint32(head[1:]))
		var to io.Writer = stdin
		if head[0] != 0 {
			to = io.Discard
		}
		if head[0] == 4 {
			_ = stdin.Close()
		}
		if _, err := io.CopyN(to, r, n); err != nil {
			_, _ = io.Copy(io.Discard, r) // the command reads no more
			return
		}
	}
}

type packets struct {
	mu sync.Mutex
	w  io.Writer
}

func (p *packets) send(kind byte, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(data)))
	_, err := p.w.Write(append(b, data...))
	return err
}

type kindWriter struct {
	p    *packets
	kind byte
}

func (k kindWriter) Write(b []byte) (int, error) {
	return len(b), k.p.send(k.kind, b)
}
