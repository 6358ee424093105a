package post

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startBus runs Debian's dbus-daemon as the bus of a session.
func startBus(t *testing.T) (path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path = filepath.Join(dir, "bus")
	config := write(t, "bus.conf", `<busconfig><type>session</type><listen>unix:path=`+path+`</listen><auth>EXTERNAL</auth>`+
		`<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`)
	cmd := exec.Command("dbus-daemon", "--nofork", "--nosyslog", "--print-address=1", "--config-file="+config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: the package dbus-daemon is needed", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal("dbus-daemon did not start:", err)
	}
	return path
}

// shown is a notification as the desktop got it.
type shown struct {
	app, summary, body string
	urgency            byte
}

// desktop is a small notification server on a bus, https://dbus.freedesktop.org/doc/dbus-specification.html.
type desktop struct {
	conn   net.Conn
	read   *bufio.Reader
	serial uint32
	shown  chan shown
}

func startDesktop(t *testing.T, bus string) *desktop {
	t.Helper()
	conn, err := net.Dial("unix", bus)
	if err != nil {
		t.Fatal(err)
	}
	d := &desktop{conn: conn, read: bufio.NewReader(conn), shown: make(chan shown, 10)}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	fmt.Fprintf(conn, "\x00AUTH EXTERNAL %s\r\n", hex.EncodeToString([]byte(strconv.Itoa(os.Getuid()))))
	if line, err := d.read.ReadString('\n'); err != nil || !strings.HasPrefix(line, "OK ") {
		t.Fatal(line, err)
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
		defer close(done)
		d.serve(owned)
	}()
	select {
	case <-owned:
	case <-time.After(10 * time.Second):
		t.Fatal("the bus does not give the name")
	}
	return d
}

// serve answers until the connection ends. The second answer of the bus is that to RequestName.
func (d *desktop) serve(owned chan struct{}) {
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
			d.shown <- readNotify(body)
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

func readNotify(body []byte) (s shown) {
	m := reader{b: body}
	s.app = m.text()
	m.number()
	m.text()
	s.summary, s.body = m.text(), m.text()
	if _, after, ok := bytes.Cut(body, []byte("urgency\x00\x01y\x00")); ok && len(after) > 0 {
		s.urgency = after[0]
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

func (d *desktop) send(kind byte, fields []field, body []byte) {
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
func (d *desktop) receive() (kind byte, serial uint32, fields map[byte]string, body []byte, err error) {
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
