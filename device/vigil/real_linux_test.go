package vigil_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
	"shoebox/device/vigil"
)

// realWatch is a Watch with a real adb server and the real clock, with little patience.
type realWatch struct {
	mu     sync.Mutex
	turns  []string
	kinds  []vigil.Kind
	cancel context.CancelFunc
	end    chan error
}

func watchReally(t *testing.T, s *adb.Server, change func(*vigil.Options)) *realWatch {
	t.Helper()
	w := &realWatch{end: make(chan error, 1)}
	o := vigil.Options{
		Server: s, Settle: 300 * time.Millisecond, Every: 1500 * time.Millisecond,
		Known: func(p device.PhoneInfo) (string, bool) { return p.Identity, true },
		Work: func(_ context.Context, p device.PhoneInfo, _ func() int) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.turns = append(w.turns, p.Identity)
			return nil
		},
		Tell: func(e vigil.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.kinds = append(w.kinds, e.Kind)
		},
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.end <- vigil.Watch(ctx, o) }()
	return w
}

func (w *realWatch) stop(t *testing.T) {
	t.Helper()
	w.cancel()
	if err := <-w.end; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// turnsOf waits until a phone had n turns.
func (w *realWatch) turnsOf(t *testing.T, id string, n int) {
	t.Helper()
	for range 3000 {
		w.mu.Lock()
		had := 0
		for _, turn := range w.turns {
			if turn == id {
				had++
			}
		}
		w.mu.Unlock()
		if had >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not have %d turns: %q, events %v", id, n, w.turns, w.kinds)
}

func listen(t *testing.T, serial string) *adbtest.Phone {
	t.Helper()
	d := adbtest.New(adbtest.Config{Serial: serial})
	p, err := adbtest.Listen(d, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Close()
		_ = d.Close()
	})
	return p
}

// Behind the real adb server phones come, break off, come back and go, each with its turns; when the server dies another is
// started, finds them again, and is alive when the watch is over.
func TestRealServer(t *testing.T) {
	server, err := adbtest.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	s := &adb.Server{Addr: server.Addr(), Env: adbtest.Env(t.TempDir(), port)}
	defer func() { _ = adbtest.Stop(context.Background(), s.Addr) }()
	one, two := listen(t, "ONE"), listen(t, "TWO")
	w := watchReally(t, s, nil)
	if err := s.Connect(t.Context(), one.Addr()); err != nil {
		t.Fatal(err)
	}
	w.turnsOf(t, "ONE", 2)
	if err := s.Connect(t.Context(), two.Addr()); err != nil {
		t.Fatal(err)
	}
	w.turnsOf(t, "TWO", 1)
	for range 3 {
		one.Unplug() // the server connects again
		time.Sleep(100 * time.Millisecond)
	}
	w.mu.Lock()
	n := len(w.turns)
	w.mu.Unlock()
	w.turnsOf(t, "ONE", n/2)
	_ = two.Vanish()
	if err := server.Close(); err != nil { // it dies
		t.Fatal(err)
	}
	w.mu.Lock()
	w.turns = nil
	w.mu.Unlock()
	w.turnsOf(t, "ONE", 2)
	w.stop(t)
	if v, err := s.Version(t.Context()); v != 41 || err != nil {
		t.Error("no server is left:", v, err)
	}
	if !slices.Contains(w.kinds, vigil.Lost) && !slices.Contains(w.kinds, vigil.Left) {
		t.Error(w.kinds)
	}
}

// A phone on the network that nobody connected to is found by its address, also after it was away.
func TestAddresses(t *testing.T) {
	server, err := adbtest.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := &adb.Server{Addr: server.Addr()}
	one := listen(t, "ONE")
	free, err := adbtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	w := watchReally(t, s, func(o *vigil.Options) {
		o.Addresses = func() []string { return []string{free, "no address\n", one.Addr()} }
		o.Now, o.Sleep = c.Now, c.Sleep
	})
	steps := func(n int) {
		for range 400 {
			w.mu.Lock()
			had := len(w.turns)
			w.mu.Unlock()
			if had >= n {
				return
			}
			c.step(t, time.Minute)
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("%d turns did not come: %v", n, w.kinds)
	}
	steps(1)
	if err := s.Disconnect(t.Context(), one.Addr()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.turns = nil
	w.mu.Unlock()
	steps(1)
	w.stop(t)
}

// Where a server hangs instead of dying, the watch goes on once it answers.
func TestHangingServer(t *testing.T) {
	server, err := adbtest.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := &adb.Server{Addr: server.Addr(), Reply: 500 * time.Millisecond, Stall: time.Second}
	one := listen(t, "ONE")
	w := watchReally(t, s, nil)
	if err := s.Connect(t.Context(), one.Addr()); err != nil {
		t.Fatal(err)
	}
	w.turnsOf(t, "ONE", 1)
	if err := syscall.Kill(server.Pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	one.Unplug()
	time.Sleep(2 * time.Second)
	if err := syscall.Kill(server.Pid(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.turns = nil
	w.mu.Unlock()
	w.turnsOf(t, "ONE", 2)
	w.stop(t)
}

// Without adb there is nothing to wait for.
func TestNoADB(t *testing.T) {
	addr, err := adbtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := exec.LookPath("adb"); err == nil {
		t.Fatal("adb is still found")
	}
	w := watchReally(t, &adb.Server{Addr: addr}, nil)
	if err := <-w.end; !errors.Is(err, device.ErrNoADB) {
		t.Error(err)
	}
}
