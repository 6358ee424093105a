package adbtest

import (
	"io"
	"sync"
)

// socketBytes is how much a service can write or be sent ahead, like the
// socket pair between adbd and its services.
const socketBytes = 208 << 10

// stream is one service's connection through the link.
type stream struct {
	link       *link
	id, remote uint32
	ended      chan struct{}
	endOnce    sync.Once

	mu       sync.Mutex
	changed  *sync.Cond
	in       []byte // from the computer
	out      []byte // to the computer
	unacked  bool   // a WRTE of ours is on its way
	owed     bool   // an OKAY for one of theirs is held back
	finished bool   // the service is done
	dead     bool
}

func newStream(l *link, id, remote uint32) *stream {
	s := &stream{link: l, id: id, remote: remote, ended: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// Read is the service reading what the computer sent.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.in) == 0 && !s.dead {
		s.changed.Wait()
	}
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	if s.owed && len(s.in) < socketBytes {
		s.owed = false
		s.ok()
	}
	return n, nil
}

// Write is the service writing to the computer.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for len(p) > 0 {
		for s.full() && !s.dead {
			s.changed.Wait()
		}
		if s.dead {
			return n, io.ErrClosedPipe
		}
		k := min(len(p), socketBytes-len(s.out))
		s.out = append(s.out, p[:k]...)
		p = p[k:]
		n += k
		s.changed.Broadcast()
	}
	return n, nil
}

// full says whether a write must wait. The caller holds mu.
func (s *stream) full() bool {
	if s.link.d.Chatty {
		return len(s.out) > 0 || s.unacked
	}
	return len(s.out) >= socketBytes
}

// pump sends what the service wrote, one packet in flight at a time.
func (s *stream) pump() {
	for {
		s.mu.Lock()
		for !s.dead && (s.unacked || len(s.out) == 0) && !(s.finished && len(s.out) == 0 && !s.unacked) {
			s.changed.Wait()
		}
		if s.dead || len(s.out) == 0 {
			s.mu.Unlock()
			break
		}
		data := s.take()
		s.unacked = true
		s.changed.Broadcast()
		s.mu.Unlock()
		s.link.send(packet{cmd: cmdWRTE, arg0: s.id, arg1: s.remote, data: data})
	}
	s.link.send(packet{cmd: cmdCLSE, arg0: s.id, arg1: s.remote})
	s.end()
	s.link.forget(s)
}

// spare holds buffers for data on its way.
var spare = sync.Pool{New: func() any {
	b := make([]byte, 0, socketBytes)
	return &b
}}

// take takes the data of one packet out of what waits. The caller holds mu.
func (s *stream) take() []byte {
	fresh := (*spare.Get().(*[]byte))[:0]
	if len(s.out) <= s.link.maxData {
		data := s.out
		s.out = fresh
		return data
	}
	data := append(fresh, s.out[:s.link.maxData]...)
	s.out = append(s.out[:0], s.out[s.link.maxData:]...)
	return data
}

func (s *stream) handle(p packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p.cmd {
	case cmdWRTE:
		s.in = append(s.in, p.data...)
		if len(s.in) < socketBytes {
			s.ok()
		} else {
			s.owed = true
		}
	case cmdOKAY:
		s.unacked = false
	case cmdCLSE:
		s.die()
	}
	s.changed.Broadcast()
}

func (s *stream) ok() { s.link.send(packet{cmd: cmdOKAY, arg0: s.id, arg1: s.remote}) }

// finish says that the service has nothing more to write.
func (s *stream) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = true
	s.changed.Broadcast()
}

// end kills the stream.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.die()
	s.changed.Broadcast()
}

func (s *stream) die() {
	s.dead = true
	s.endOnce.Do(func() { close(s.ended) })
}

// cut drops the whole phone, after what was written got out.
func (s *stream) cut() {
	s.mu.Lock()
	for len(s.out) > 0 && !s.dead {
		s.changed.Wait()
	}
	s.mu.Unlock()
	s.link.close()
}

func (s *stream) gone() <-chan struct{} { return s.ended }
