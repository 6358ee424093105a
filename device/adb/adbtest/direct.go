package adbtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Direct is a smart socket of our own in front of one phone: what an adb server
// would be, without the daemon protocol in between.
type Direct struct {
	*Daemon
	// Reset makes connections end as a server's do that has unread requests in
	// them: what is still on the way is lost. Set it before the first client.
	Reset  bool
	Rate   int64 // bytes per second towards the computer, of all phones together; 0 is unbounded. Set it likewise.
	listen net.Listener
	work   sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool
	devices string            // the answer to host:devices-l; "" is one phone
	script  map[string]string // raw answers, by service
	away    bool
	changed chan struct{} // closed when the list changes
	others  map[string]*Daemon
	full    time.Time // until when the cable is taken
}

// DirectSerial is the phone's serial behind Direct.
const DirectSerial = "DIRECT01"

// ListenDirect makes a Direct on a free port.
func ListenDirect(d *Daemon) (*Direct, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	x := &Direct{Daemon: d, listen: l, conns: make(map[net.Conn]bool), script: make(map[string]string), changed: make(chan struct{})}
	x.work.Go(x.accept)
	return x, nil
}

// Addr is where it listens.
func (x *Direct) Addr() string { return x.listen.Addr().String() }

// Devices sets the answer to host:devices-l.
func (x *Direct) Devices(text string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.devices = text
	x.change()
}

// change tells those who track the list. The caller holds mu.
func (x *Direct) change() {
	close(x.changed)
	x.changed = make(chan struct{})
}

// list is the answer to host:devices-l, and what is closed when it changes.
func (x *Direct) list() (text string, changed <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.devices == "" && !x.away {
		return fmt.Sprintf("%-22s device usb:1-1 product:%s model:%s device:%s transport_id:1\n",
			DirectSerial, x.Product, x.Model, x.Device), x.changed
	}
	return x.devices, x.changed
}

// Also puts a further phone behind a transport id, which the text given to Devices names.
func (x *Direct) Also(id int, d *Daemon) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.others == nil {
		x.others = make(map[string]*Daemon)
	}
	x.others[strconv.Itoa(id)] = d
}

// behind is the phone that a service such as "host:transport-id:2" or "host-transport-id:2:features" is about.
func (x *Direct) behind(service string) *Daemon {
	_, id, _ := strings.Cut(service, "transport-id:")
	id, _, _ = strings.Cut(id, ":")
	x.mu.Lock()
	defer x.mu.Unlock()
	if serial, ok := strings.CutPrefix(service, "host:transport:"); ok {
		for line := range strings.Lines(x.devices) {
			if strings.HasPrefix(line, serial+" ") {
				_, id, _ = strings.Cut(strings.TrimSpace(line), "transport_id:")
			}
		}
	}
	if d := x.others[id]; d != nil {
		return d
	}
	return x.Daemon
}

// Script sets the raw answer, OKAY and length included, to one service. The
// connection then hangs if the answer ends in "…hang", else it is closed.
func (x *Direct) Script(service, raw string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.script[service] = raw
}

// Unscript lets a service be answered as usual again.
func (x *Direct) Unscript(service string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.script, service)
}

// Unplug drops every connection and takes the phone off the list.
func (x *Direct) Unplug() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.away = true
	x.change()
	for c := range x.conns {
		_ = c.Close()
	}
}

// Plug brings the phone back.
func (x *Direct) Plug() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.away = false
	x.change()
}

// Close ends it.
func (x *Direct) Close() error {
	err := x.listen.Close()
	x.Unplug()
	x.work.Wait()
	return err
}

func (x *Direct) accept() {
	for {
		c, err := x.listen.Accept()
		if err != nil {
			return
		}
		x.mu.Lock()
		x.conns[c] = true
		x.mu.Unlock()
		x.work.Go(func() {
			d := &directConn{Conn: c, x: x, d: x.Daemon, r: bufio.NewReader(c), ended: make(chan struct{})}
			d.serve()
			if t, ok := c.(*net.TCPConn); ok && x.Reset {
				_ = t.SetLinger(0)
			}
			_ = c.Close()
			d.end.Do(func() { close(d.ended) })
			x.mu.Lock()
			defer x.mu.Unlock()
			delete(x.conns, c)
		})
	}
}

// directConn is one client.
type directConn struct {
	net.Conn
	x     *Direct
	d     *Daemon // to which this connection was switched
	r     *bufio.Reader
	ended chan struct{}

	reading sync.Mutex
	end     sync.Once
}

// Read reads behind the requests already taken. A service and who waits for the end may both do so.
func (c *directConn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	return c.r.Read(p)
}

// Write waits for its turn on the cable, which is given in the order of asking.
func (c *directConn) Write(p []byte) (int, error) {
	if c.x.Rate > 0 {
		time.Sleep(time.Until(c.x.take(len(p))))
	}
	return c.Conn.Write(p)
}

// take tells when so many bytes are through.
func (x *Direct) take(n int) time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	if now := time.Now(); x.full.Before(now) {
		x.full = now
	}
	x.full = x.full.Add(time.Duration(n) * time.Second / time.Duration(x.Rate))
	return x.full
}

func (c *directConn) cut() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.Close()
}

// gone is closed when the client hung up.
func (c *directConn) gone() <-chan struct{} {
	c.end.Do(func() {
		go func() {
			_, _ = io.Copy(io.Discard, c)
			close(c.ended)
		}()
	})
	return c.ended
}

func (c *directConn) serve() {
	for {
		service, err := c.request()
		if err != nil || !c.answer(service) {
			return
		}
	}
}

func (c *directConn) request() (string, error) {
	digits := make([]byte, 4)
	if _, err := io.ReadFull(c.r, digits); err != nil {
		return "", err
	}
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return "", err
	}
	service := make([]byte, n)
	_, err = io.ReadFull(c.r, service)
	return string(service), err
}

// answer serves one request; true: another may follow on this connection.
func (c *directConn) answer(service string) bool {
	c.d.asked(service, "")
	c.x.mu.Lock()
	raw, scripted := c.x.script[service]
	away := c.x.away
	c.x.mu.Unlock()
	if scripted {
		return c.play(raw)
	}
	devices, _ := c.x.list()
	switch {
	case service == "host:version":
		return c.say("OKAY", "0029")
	case service == "host:devices-l":
		return c.say("OKAY", devices)
	case service == "host:track-devices-l":
		return c.track()
	case service == "host:devices":
		return c.say("OKAY", shortList(devices))
	case away:
		return c.say("FAIL", "device '"+DirectSerial+"' not found")
	case strings.HasSuffix(service, ":features"):
		return c.say("OKAY", strings.Join(c.x.behind(service).Features, ","))
	case strings.HasSuffix(service, ":get-state"):
		return c.say("OKAY", "device")
	case strings.HasPrefix(service, "host:transport"):
		c.d = c.x.behind(service)
		_, err := io.WriteString(c.Conn, "OKAY")
		return err == nil
	}
	return c.run(service)
}

// track sends the list now and at each change.
func (c *directConn) track() bool {
	_, _ = io.WriteString(c.Conn, "OKAY")
	for {
		text, changed := c.x.list()
		if _, err := fmt.Fprintf(c.Conn, "%04x%s", len(text), text); err != nil {
			return false
		}
		select {
		case <-changed:
		case <-c.gone():
			return false
		}
	}
}

func shortList(devices string) string {
	var b strings.Builder
	for line := range strings.Lines(devices) {
		if words := strings.Fields(line); len(words) > 1 {
			fmt.Fprintf(&b, "%s\t%s\n", words[0], words[1])
		}
	}
	return b.String()
}

func (c *directConn) run(service string) bool {
	serve := c.d.service(service)
	if serve == nil {
		return c.say("FAIL", "closed")
	}
	if _, err := io.WriteString(c.Conn, "OKAY"); err == nil {
		serve(c)
	}
	return false
}

func (c *directConn) say(status, text string) bool {
	_, _ = fmt.Fprintf(c.Conn, "%s%04x%s", status, len(text), text)
	return false
}

func (c *directConn) play(raw string) bool {
	raw, hang := strings.CutSuffix(raw, "…hang")
	_, _ = io.WriteString(c.Conn, raw)
	if hang {
		<-c.gone()
	}
	return false
}
