// Package posttest is a desktop for tests: a private session bus, and who shows notifications on it. It does not know who sends them, nor what they
// should say.
package posttest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bus is the bus of a session, and nobody else's.
type Bus struct {
	Path string // of its socket
	dir  string
	cmd  *exec.Cmd
}

// Start runs Debian's dbus-daemon; Close ends it.
func Start() (*Bus, error) {
	dir, err := os.MkdirTemp("", "bus") // the path of a socket must be short
	if err != nil {
		return nil, err
	}
	b := &Bus{Path: filepath.Join(dir, "bus"), dir: dir}
	if err := b.run(filepath.Join(dir, "bus.conf")); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Bus) run(config string) error {
	err := os.WriteFile(config, []byte(`<busconfig><type>session</type><listen>unix:path=`+b.Path+`</listen><auth>EXTERNAL</auth>`+
		`<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`), 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command("dbus-daemon", "--nofork", "--nosyslog", "--print-address=1", "--config-file="+config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: the package dbus-daemon is needed", err)
	}
	b.cmd = cmd
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return fmt.Errorf("dbus-daemon did not start: %w", err)
	}
	return nil
}

// Close ends the bus.
func (b *Bus) Close() error {
	if b.cmd != nil {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait() // it was killed
	}
	return os.RemoveAll(b.dir)
}

// Shown is a notification as the desktop got it.
type Shown struct {
	App, Summary, Body string
	Urgency            byte // 0 low, 1 normal, 2 critical
}

// Desktop is a small notification server on a bus, https://dbus.freedesktop.org/doc/dbus-specification.html.
type Desktop struct {
	Shown chan Shown // what is shown; there is room for ten

	conn   net.Conn
	read   *bufio.Reader
	serial uint32
	done   chan struct{}
}

// Desktop shows what is sent over the bus, until Close.
func (b *Bus) Desktop() (*Desktop, error) {
	conn, err := net.Dial("unix", b.Path)
	if err != nil {
		return nil, err
	}
	d := &Desktop{conn: conn, read: bufio.NewReader(conn), Shown: make(chan Shown, 10), done: make(chan struct{})}
	fmt.Fprintf(conn, "\x00AUTH EXTERNAL %s\r\n", hex.EncodeToString([]byte(strconv.Itoa(os.Getuid()))))
	if line, err := d.read.ReadString('\n'); err != nil || !strings.HasPrefix(line, "OK ") {
		return nil, errors.Join(fmt.Errorf("the bus says %q", line), err, conn.Close())
	}
	fmt.Fprint(conn, "BEGIN\r\n")
	const bus1, path1 = "org.freedesktop.DBus", "/org/freedesktop/DBus"
	d.send(1, []field{{1, 'o', path1}, {2, 's', bus1}, {3, 's', "Hello"}, {6, 's', bus1}}, nil)
	var name message
	name.text("org.freedesktop.Notifications")
	name.number(4) // do not queue
	d.send(1, []field{{1, 'o', path1}, {2, 's', bus1}, {3, 's', "RequestName"}, {6, 's', bus1}, {8, 'g', "su"}}, name.Bytes())
	owned := make(chan struct{})
	go func() {
		defer close(d.done)
		d.serve(owned)
	}()
	select {
	case <-owned:
		return d, nil
	case <-time.After(10 * time.Second):
		d.Close()
		return nil, errors.New("the bus does not give the name")
	}
}

// Close ends it.
func (d *Desktop) Close() {
	_ = d.conn.Close()
	<-d.done
}

// serve answers until the connection ends. The second answer of the bus is that to RequestName.
func (d *Desktop) serve(owned chan struct{}) {
	answers := 0
	for {
		kind, serial, fields, body, err := d.receive()
		if err != nil {
			return
		}
		switch {
		case kind == 2:
			if answers++; answers == 2 {
				close(owned)
			}
		case kind == 1 && fields[3] == "Notify":
			d.Shown <- readNotify(body)
			var id message
			id.number(7)
			d.send(2, []field{{5, 'u', serial}, {6, 's', fields[7]}, {8, 'g', "u"}}, id.Bytes())
		case kind == 1 && fields[3] == "GetServerInformation":
			var info message
			for _, text := range []string{"a desktop", "shoebox", "1", "1.2"} {
				info.text(text)
			}
			d.send(2, []field{{5, 'u', serial}, {6, 's', fields[7]}, {8, 'g', "ssss"}}, info.Bytes())
		case kind == 1:
			d.send(3, []field{{4, 's', "org.freedesktop.DBus.Error.UnknownMethod"}, {5, 'u', serial}, {6, 's', fields[7]}}, nil)
		}
	}
}

func readNotify(body []byte) (s Shown) {
	m := reader{b: body}
	s.App = m.text()
	m.number()
	m.text()
	s.Summary, s.Body = m.text(), m.text()
	if _, after, ok := bytes.Cut(body, []byte("urgency\x00\x01y\x00")); ok && len(after) > 0 {
		s.Urgency = after[0]
	}
	return s
}

// field is one of the header.
type field struct {
	code, kind byte
	value      any // uint32 for u, else a string
}

// message is bytes with the alignment that D-Bus asks for.
type message struct{ bytes.Buffer }

func (m *message) align(n int) {
	for m.Len()%n > 0 {
		m.WriteByte(0)
	}
}

func (m *message) number(v uint32) {
	m.align(4)
	m.Write(binary.LittleEndian.AppendUint32(nil, v))
}

func (m *message) text(s string) {
	m.number(uint32(len(s)))
	m.WriteString(s + "\x00")
}

func (d *Desktop) send(kind byte, fields []field, body []byte) {
	var array message // begins at a multiple of 8, as it does in the message
	for _, f := range fields {
		array.align(8)
		array.Write([]byte{f.code, 1, f.kind, 0})
		switch v := f.value.(type) {
		case uint32:
			array.number(v)
		case string:
			if f.kind == 'g' {
				array.WriteByte(byte(len(v)))
				array.WriteString(v + "\x00")
			} else {
				array.text(v)
			}
		}
	}
	d.serial++
	var m message
	m.Write([]byte{'l', kind, 0, 1})
	m.number(uint32(len(body)))
	m.number(d.serial)
	m.number(uint32(array.Len()))
	m.Write(array.Bytes())
	m.align(8)
	m.Write(body)
	_, _ = d.conn.Write(m.Bytes()) // the reader sees that the connection ended
}

// reader takes apart what message puts together.
type reader struct {
	b  []byte
	at int
}

func (r *reader) number() uint32 {
	r.at = (r.at + 3) &^ 3
	if r.at+4 > len(r.b) {
		r.at = len(r.b)
		return 0
	}
	r.at += 4
	return binary.LittleEndian.Uint32(r.b[r.at-4:])
}

func (r *reader) text() string {
	n := int(r.number())
	if n < 0 || r.at+n+1 > len(r.b) {
		return ""
	}
	r.at += n + 1
	return string(r.b[r.at-n-1 : r.at-1])
}

// receive gives the kind, the serial number, the header's fields that are texts, and the body.
func (d *Desktop) receive() (kind byte, serial uint32, fields map[byte]string, body []byte, err error) {
	start := make([]byte, 16)
	if _, err := io.ReadFull(d.read, start); err != nil {
		return 0, 0, nil, nil, err
	}
	if start[0] != 'l' {
		return 0, 0, nil, nil, fmt.Errorf("a message in the other order of bytes")
	}
	le := binary.LittleEndian
	length := int(le.Uint32(start[12:]))
	array := make([]byte, (length+7)&^7)
	body = make([]byte, le.Uint32(start[4:]))
	if _, err := io.ReadFull(d.read, array); err != nil {
		return 0, 0, nil, nil, err
	}
	if _, err := io.ReadFull(d.read, body); err != nil {
		return 0, 0, nil, nil, err
	}
	fields = make(map[byte]string)
	r := reader{b: array[:length]}
	for r.at = 0; r.at+4 <= length; r.at = (r.at + 7) &^ 7 {
		code, kind := array[r.at], array[r.at+2]
		r.at += 4
		switch kind {
		case 'u':
			r.number()
		case 'g':
			r.at += int(array[r.at]) + 2
		default:
			fields[code] = r.text()
		}
	}
	return start[1], le.Uint32(start[8:]), fields, body, nil
}
