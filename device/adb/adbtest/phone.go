package adbtest

import (
	"bufio"
	"net"
	"slices"
	"sync"
	"time"
)

// Phone is a Daemon that listens for an adb server.
type Phone struct {
	*Daemon
	listen net.Listener
	work   sync.WaitGroup

	mu     sync.Mutex
	links  []*link
	closed bool
}

// Listen puts a phone on a TCP address; "127.0.0.1:0" is a free port. Close ends it.
func Listen(d *Daemon, addr string) (*Phone, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &Phone{Daemon: d, listen: l}
	p.work.Go(p.accept)
	return p, nil
}

// Addr is where an adb server finds the phone, and what it calls it.
func (p *Phone) Addr() string { return p.listen.Addr().String() }

// Close takes the phone away and waits for its services to end.
func (p *Phone) Close() error {
	err := p.Vanish()
	p.work.Wait()
	return err
}

// Vanish takes the phone away for good; a fault may call it.
func (p *Phone) Vanish() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listen.Close()
	p.Unplug()
	return err
}

// Unplug drops all connections. The server may connect again by itself.
func (p *Phone) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.links {
		l.close()
	}
}

func (p *Phone) accept() {
	for {
		c, err := p.listen.Accept()
		if err != nil {
			return
		}
		l := newLink(p.Daemon, c)
		p.mu.Lock()
		if p.closed {
			_ = c.Close()
		}
		p.links = append(p.links, l)
		p.mu.Unlock()
		p.work.Go(func() {
			l.run()
			p.mu.Lock()
			defer p.mu.Unlock()
			p.links = slices.DeleteFunc(p.links, func(o *link) bool { return o == l })
		})
	}
}

// link is one connection to an adb server.
type link struct {
	d    *Daemon
	conn net.Conn
	out  chan timed // packets to be sent
	done chan struct{}
	once sync.Once
	work sync.WaitGroup

	mu      sync.Mutex
	streams map[uint32]*stream // by our id
	lastID  uint32
	maxData int
}

// timed is a packet and when it may be sent.
type timed struct {
	p  packet
	at time.Time
}

func newLink(d *Daemon, c net.Conn) *link {
	return &link{
		d: d, conn: c, out: make(chan timed, 1024), done: make(chan struct{}),
		streams: make(map[uint32]*stream), maxData: d.MaxData,
	}
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		_ = l.conn.Close()
	})
}

// run serves the connection to its end and waits for all its services.
func (l *link) run() {
	l.work.Go(l.sendAll)
	l.receive()
	l.close()
	l.mu.Lock()
	streams := make([]*stream, 0, len(l.streams))
	for _, s := range l.streams {
		streams = append(streams, s)
	}
	l.mu.Unlock()
	for _, s := range streams {
		s.end()
	}
	l.work.Wait()
}

// sendAll writes packets, late and slowly if the phone is so.
func (l *link) sendAll() {
	for {
		select {
		case t := <-l.out:
			l.wait(time.Until(t.at))
			if l.d.Rate > 0 {
				l.wait(time.Duration(int64(time.Second) * int64(24+len(t.p.data)) / l.d.Rate))
			}
			b := net.Buffers{t.p.head(l.d.Version1), t.p.data}
			if _, err := b.WriteTo(l.conn); err != nil {
				l.close()
				return
			}
			if t.p.cmd == cmdWRTE {
				spare.Put(&t.p.data)
			}
		case <-l.done:
			return
		}
	}
}

func (l *link) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-l.done:
	}
}

func (l *link) send(p packet) {
	select {
	case l.out <- timed{p, time.Now().Add(l.d.Delay)}:
	case <-l.done:
	}
}

// arrival is a packet and when it is to be seen.
type arrival struct {
	p  packet
	at time.Time
}

func (l *link) receive() {
	in := make(chan arrival, 1024)
	l.work.Go(func() {
		defer close(in)
		r := bufio.NewReaderSize(l.conn, 64<<10)
		for {
			p, err := readPacket(r)
			if err != nil {
				return
			}
			select {
			case in <- arrival{p, time.Now().Add(l.d.Delay)}:
			case <-l.done:
				return
			}
		}
	})
	for a := range in {
		l.wait(time.Until(a.at))
		l.handle(a.p)
	}
}

func (l *link) handle(p packet) {
	switch p.cmd {
	case cmdCNXN:
		l.maxData = min(l.maxData, int(p.arg1))
		if l.d.authorized() {
			l.connect()
			return
		}
		l.challenge()
		l.work.Go(l.awaitTap)
	case cmdAUTH:
		if p.arg0 == 2 && !l.d.authorized() { // a signature by a key we do not know
			l.challenge()
		}
	case cmdOPEN:
		l.open(p)
	case cmdWRTE, cmdOKAY, cmdCLSE:
		l.mu.Lock()
		s := l.streams[p.arg1]
		l.mu.Unlock()
		if s != nil {
			s.handle(p)
		}
	}
}

func (l *link) challenge() {
	l.send(packet{cmd: cmdAUTH, arg0: authToken, data: make([]byte, 20)})
}

func (l *link) awaitTap() {
	select {
	case <-l.d.allowed:
		l.connect()
	case <-l.done:
	}
}

func (l *link) connect() {
	v := uint32(version)
	if l.d.Version1 {
		v = version1
	}
	l.send(packet{cmd: cmdCNXN, arg0: v, arg1: uint32(l.d.MaxData), data: []byte(l.d.banner())})
}

func (l *link) open(p packet) {
	name := string(p.data)
	for len(name) > 0 && name[len(name)-1] == 0 {
		name = name[:len(name)-1]
	}
	l.d.asked("OPEN "+name, "")
	serve := l.d.service(name)
	if serve == nil {
		l.send(packet{cmd: cmdCLSE, arg1: p.arg0})
		return
	}
	l.mu.Lock()
	l.lastID++
	s := newStream(l, l.lastID, p.arg0)
	l.streams[s.id] = s
	l.mu.Unlock()
	l.send(packet{cmd: cmdOKAY, arg0: s.id, arg1: s.remote})
	l.work.Go(s.pump)
	l.work.Go(func() {
		serve(s)
		s.finish()
	})
}

func (l *link) forget(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, s.id)
}
