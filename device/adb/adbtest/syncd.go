package adbtest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"syscall"
	"time"
)

// serveSync is the phone's side of a sync session.
func (d *Daemon) serveSync(rw io.ReadWriter) {
	s := syncd{d: d, in: bufio.NewReader(rw), out: rw}
	for s.next() {
	}
}

type syncd struct {
	d   *Daemon
	in  *bufio.Reader
	out io.Writer
}

// next serves one request; false ends the session.
func (s *syncd) next() bool {
	var head [8]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return false
	}
	op, n := string(head[:4]), binary.LittleEndian.Uint32(head[4:])
	if op == "QUIT" {
		return false
	}
	if n > 1024 {
		s.failed(s.out, "path too long")
		return false
	}
	path := make([]byte, n)
	if _, err := io.ReadFull(s.in, path); err != nil {
		return false
	}
	return s.request(op, string(path))
}

func (s *syncd) request(op, path string) bool {
	s.d.asked(op, path)
	name := path
	if at := strings.LastIndexByte(path, ','); op == "SEND" && at > 0 {
		name = path[:at]
	}
	w := &faulty{syncd: s, fault: s.d.fault(op, name)}
	if w.begin() {
		return w.goOn
	}
	if op == "SEND" {
		return s.receive(w, path) && !w.spent
	}
	ok := s.answer(w, op, path)
	if w.fault != nil && w.fault.Kind == Fail && !w.spent {
		w.spend() // the answer was shorter than At
	}
	return ok && !w.spent
}

func (s *syncd) answer(w io.Writer, op, path string) bool {
	switch {
	case op == "STAT", op == "LST2" && s.d.has("stat_v2"), op == "STA2" && s.d.has("stat_v2"):
		return s.stat(w, op, path)
	case op == "LIST", op == "LIS2" && s.d.has("ls_v2"):
		return s.list(w, op, path)
	case op == "RECV":
		return s.recv(w, path)
	}
	s.failed(w, "unknown command "+op)
	return false
}

// Listing is the whole answer to LIST or LIS2 that lists these nodes and no others, for a Fault's Text.
func Listing(op string, nodes ...Node) string {
	var b []byte
	for _, n := range nodes {
		b = appendEntry(b, op, n)
	}
	return string(appendDone(b, op))
}

// State is the answer to STAT or LST2 about a node, for a Fault's Text.
func State(op string, n Node) string {
	if op == "STAT" {
		return string(appendV1([]byte(op), n))
	}
	return string(appendV2([]byte(op), n))
}

// errnoOf is the number behind an error.
func errnoOf(err error) uint32 {
	errno := syscall.EIO
	errors.As(err, &errno)
	return uint32(errno)
}

func (s *syncd) lookup(path string) (Node, error) {
	t, rest, ok := s.d.tree(path)
	if ok {
		return t.Stat(rest)
	}
	if strings.HasPrefix("/storage/emulated/", strings.TrimRight(path, "/")+"/") {
		return Node{Mode: 0o040755, Time: memTime}, nil
	}
	return Node{}, syscall.ENOENT
}

func (s *syncd) stat(w io.Writer, op, path string) bool {
	n, err := s.lookup(path)
	if err != nil {
		n = Node{Errno: errnoOf(err)}
	}
	b := []byte(op)
	if op == "STAT" {
		if err != nil {
			n.Time = time.Unix(0, 0)
		}
		b = appendV1(b, n)
	} else {
		b = appendV2(b, n)
	}
	return send(w, b)
}

func appendV1(b []byte, n Node) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, n.Mode)
	b = le.AppendUint32(b, uint32(n.Size))
	return le.AppendUint32(b, uint32(n.Time.Unix()))
}

func appendV2(b []byte, n Node) []byte {
	le := binary.LittleEndian
	if n.Errno != 0 {
		n = Node{Errno: n.Errno, Time: time.Unix(0, 0)}
	}
	b = le.AppendUint32(b, n.Errno)
	b = le.AppendUint64(b, 1) // dev
	b = le.AppendUint64(b, 1) // ino
	b = le.AppendUint32(b, n.Mode)
	b = le.AppendUint32(b, 1)    // nlink
	b = le.AppendUint32(b, 1000) // uid
	b = le.AppendUint32(b, 1015) // gid
	b = le.AppendUint64(b, uint64(n.Size))
	for range 3 {
		b = le.AppendUint64(b, uint64(n.Time.Unix()))
	}
	return b
}

func (s *syncd) nodes(path string) ([]Node, error) {
	dots := []Node{{Name: ".", Mode: 0o040771, Time: memTime}, {Name: "..", Mode: 0o040771, Time: memTime}}
	switch strings.TrimRight(path, "/") {
	case "/storage":
		nodes := append(dots, Node{Name: "self", Mode: 0o040755, Time: memTime}, Node{Name: "emulated", Mode: 0o040755, Time: memTime})
		for name := range s.d.Cards {
			nodes = append(nodes, Node{Name: name, Mode: 0o040771, Time: memTime})
		}
		return nodes, nil
	}
	t, rest, ok := s.d.tree(path)
	if !ok {
		return nil, syscall.ENOENT
	}
	nodes, err := t.List(rest)
	return append(dots, nodes...), err
}

func (s *syncd) list(w io.Writer, op, path string) bool {
	nodes, err := s.nodes(path)
	if err != nil {
		nodes = nil // a folder that cannot be read looks like this
	}
	for _, n := range nodes {
		if op == "LIST" && n.Errno != 0 {
			continue
		}
		if !send(w, appendEntry(nil, op, n)) { // one by one, as adbd does
			return false
		}
	}
	return send(w, appendDone(nil, op))
}

func appendEntry(b []byte, op string, n Node) []byte {
	if op == "LIS2" {
		b = appendV2(append(b, "DNT2"...), n)
	} else {
		b = appendV1(append(b, "DENT"...), n)
	}
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(n.Name))), n.Name...)
}

func appendDone(b []byte, op string) []byte {
	size := 12
	if op == "LIS2" {
		size = 68
	}
	return append(append(b, "DONE"...), make([]byte, size+4)...)
}

// dataFrame is what adbd 29 puts into one DATA frame, in bytes.
const dataFrame = 65528

func (s *syncd) recv(w io.Writer, path string) bool {
	t, rest, ok := s.d.tree(path)
	if !ok {
		s.failed(w, "open failed: No such file or directory")
		return s.survives()
	}
	f, err := t.Open(rest)
	if err != nil {
		s.failed(w, s.openError(err))
		return s.survives()
	}
	defer f.Close()
	buf := make([]byte, 8+s.d.Frame)
	for {
		n, err := io.ReadFull(f, buf[8:])
		if n > 0 {
			copy(buf, "DATA")
			binary.LittleEndian.PutUint32(buf[4:], uint32(n))
			if !send(w, buf[:8+n]) {
				return false
			}
			s.d.sent(n)
		}
		if err != nil {
			break
		}
	}
	return send(w, []byte("DONE\x00\x00\x00\x00"))
}

// survives says whether a session goes on after FAIL: only on the oldest phones.
func (s *syncd) survives() bool { return !s.d.has("stat_v2") }

func (s *syncd) openError(err error) string {
	text := "Permission denied"
	switch errnoOf(err) {
	case uint32(syscall.ENOENT):
		text = "No such file or directory"
	case uint32(syscall.EISDIR):
		return "read failed: Is a directory"
	}
	if s.survives() {
		return text
	}
	return "open failed: " + text
}

func (s *syncd) failed(w io.Writer, text string) {
	b := binary.LittleEndian.AppendUint32([]byte("FAIL"), uint32(len(text)))
	send(w, append(b, text...))
}

func send(w io.Writer, b []byte) bool {
	_, err := w.Write(b)
	return err == nil
}
