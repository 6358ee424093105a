package adbtest

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fillable is a Tree that takes files.
type Fillable interface {
	Create(path string, perm uint32) (io.WriteCloser, error) // missing folders are made; what was there is gone, as adbd unlinks first
	Settle(path string, mtime time.Time) error               // after the last byte
	Remove(path string) error
}

// Create implements Fillable.
func (d DirTree) Create(path string, perm uint32) (io.WriteCloser, error) {
	at := d.path(path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return nil, err
	}
	_ = os.Remove(at)
	return os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, os.FileMode(perm))
}

// Settle implements Fillable.
func (d DirTree) Settle(path string, mtime time.Time) error {
	return os.Chtimes(d.path(path), mtime, mtime)
}

// Remove implements Fillable.
func (d DirTree) Remove(path string) error { return os.Remove(d.path(path)) }

// receive is the phone's side of SEND: "PATH,MODE", DATA frames, DONE with the time.
func (s *syncd) receive(w *faulty, request string) bool {
	at := strings.LastIndexByte(request, ',')
	if at < 0 {
		return s.refuse(w, "bad mode")
	}
	path := request[:at]
	mode, err := strconv.ParseUint(request[at+1:], 10, 32)
	if err != nil {
		return s.refuse(w, "bad mode")
	}
	t, rest, ok := s.d.tree(path)
	to, fillable := t.(Fillable)
	if !ok || !fillable || s.d.readOnly(path) {
		return s.refuse(w, "couldn't create file: Read-only file system")
	}
	perm := uint32(mode) & 0o700
	perm |= perm>>3 | perm>>6 // the owner's bits are everybody's
	f, err := to.Create(rest, perm)
	if err != nil {
		return s.refuse(w, "couldn't create file: "+reason(err))
	}
	mtime, err := s.fill(w, f)
	err = errors.Join(err, f.Close())
	if w.spent { // the phone went dark: what was there stays
		return false
	}
	if err == nil {
		err = to.Settle(rest, time.Unix(int64(mtime), 0))
	}
	if err != nil {
		_ = to.Remove(rest)
		s.failed(w, "write failed: "+reason(err))
		return s.survives()
	}
	return send(w, []byte("OKAY\x00\x00\x00\x00"))
}

func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		text := errno.Error()
		return strings.ToUpper(text[:1]) + text[1:]
	}
	return "I/O error"
}

// refuse answers at once, and takes what was sent ahead.
func (s *syncd) refuse(w *faulty, text string) bool {
	s.failed(w, text)
	_, _ = s.frames(func([]byte) error { return nil })
	return s.survives()
}

// fill writes the frames to a file until the fault's place or DONE.
func (s *syncd) fill(w *faulty, f io.Writer) (mtime uint32, err error) {
	got := int64(0)
	var full error
	mtime, err = s.frames(func(data []byte) error {
		if full == nil && !s.d.takeRoom(int64(len(data))) {
			full = syscall.ENOSPC
		}
		if full == nil {
			_, full = f.Write(data)
		}
		if got += int64(len(data)); w.fault != nil && got >= w.fault.At {
			return w.midway()
		}
		return nil
	})
	return mtime, errors.Join(err, full)
}

// midway does what a fault is about while bytes come in.
func (w *faulty) midway() error {
	switch w.fault.Kind {
	case Cut, Hang, Fail, EndSession:
		w.spend()
		return errSpoiled
	case Do:
		w.fault.Func()
		w.fault = nil
	}
	return nil
}

// frames reads DATA until DONE and gives its time.
func (s *syncd) frames(take func([]byte) error) (mtime uint32, err error) {
	var head [8]byte
	buf := make([]byte, 64<<10)
	for {
		if _, err := io.ReadFull(s.in, head[:]); err != nil {
			return 0, err
		}
		n := binary.LittleEndian.Uint32(head[4:])
		switch {
		case string(head[:4]) == "DONE":
			return n, nil
		case string(head[:4]) != "DATA" || int(n) > len(buf):
			return 0, errors.New("invalid data message")
		}
		if _, err := io.ReadFull(s.in, buf[:n]); err != nil {
			return 0, err
		}
		if err := take(buf[:n]); err != nil {
			return 0, err
		}
	}
}

// takeRoom is false when the phone is full.
func (d *Daemon) takeRoom(n int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Room == 0 {
		return true
	}
	if d.Room -= n; d.Room <= 0 {
		d.Room = -1
		return false
	}
	return true
}
