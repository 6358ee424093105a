package vigil_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
	"shoebox/device/vigil"
)

// Two phones behind one slow cable: equal ones are done about together, and one with little on it long before one with much, also when
// that one began first.
func TestFairly(t *testing.T) {
	const rate = 8 << 20 // bytes per second, of both together: slow, so that a busy processor is not what they share
	for name, c := range map[string]struct {
		files [2]int                        // on each, of 200 KB
		late  time.Duration                 // after which the second is plugged in
		fair  func(a, b time.Duration) bool // by how long each took
	}{
		"equal":            {[2]int{40, 40}, 0, func(a, b time.Duration) bool { return a < b*3/2 && b < a*3/2 }},
		"large and small":  {[2]int{80, 8}, 0, func(a, b time.Duration) bool { return b < a/3 }},
		"small comes late": {[2]int{160, 8}, 200 * time.Millisecond, func(a, b time.Duration) bool { return b < a/3 }},
	} {
		t.Run(name, func(t *testing.T) {
			x := direct(t, adbtest.Config{Serial: "P1", Storage: filled(c.files[0])})
			second := adbtest.New(adbtest.Config{Serial: "P2", Storage: filled(c.files[1])})
			t.Cleanup(func() { _ = second.Close() })
			x.Rate = rate
			x.Also(2, second)
			one, both := row("P1", "device", 1), row("P1", "device", 1)+row("P2", "device", 2)
			if x.Devices(both); c.late > 0 {
				x.Devices(one)
			}
			w := watchFairly(t, &adb.Server{Addr: x.Addr()}, func() {
				if c.late > 0 {
					time.AfterFunc(c.late, func() { x.Devices(both) })
				}
			})
			took := w.both(t)
			t.Logf("P1 took %v, P2 %v; P1 used %d connections, P2 %d", took["P1"], took["P2"], x.Asked("sync:"), second.Asked("sync:"))
			if !c.fair(took["P1"], took["P2"]) {
				t.Errorf("P1 took %v, P2 %v", took["P1"], took["P2"])
			}
		})
	}
}

func filled(files int) *adbtest.MemTree {
	m := adbtest.NewMemTree()
	for i := range files {
		m.AddSize(fmt.Sprintf("DCIM/%03d.jpg", i), 200_000)
	}
	return m
}

// fairly is a Watch whose turns read a phone whole, as a backup does.
type fairly struct {
	server *adb.Server
	first  func()
	once   sync.Once
	end    chan error

	mu   sync.Mutex
	took map[string]time.Duration
}

func watchFairly(t *testing.T, s *adb.Server, first func()) *fairly {
	t.Helper()
	w := &fairly{server: s, first: first, end: make(chan error, 2), took: make(map[string]time.Duration)}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		_ = vigil.Watch(ctx, vigil.Options{Server: s, Settle: time.Millisecond, Work: w.work, Known: func(p device.PhoneInfo) (string, bool) { return p.Identity, true }})
	})
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	return w
}

func (w *fairly) work(ctx context.Context, info device.PhoneInfo, among func() int) error {
	w.once.Do(w.first)
	began := time.Now()
	err := w.read(ctx, info, among)
	w.mu.Lock()
	w.took[info.Identity] = time.Since(began)
	w.mu.Unlock()
	w.end <- err
	return err
}

// read reads all files, with its share of readers.
func (w *fairly) read(ctx context.Context, info device.PhoneInfo, among func() int) error {
	p, err := device.OpenPhone(ctx, w.server, device.PhoneOptions{Serial: info.Select(), Among: among})
	if err != nil {
		return err
	}
	defer p.Close()
	streams := make(chan io.ReadCloser, 8)
	var all sync.WaitGroup
	defer all.Wait()
	defer close(streams)
	for range max(1, 8/among()) {
		all.Go(func() {
			for s := range streams {
				_, _ = io.Copy(io.Discard, s) // what came is counted by the phone
				_ = s.Close()
			}
		})
	}
	for f, err := range p.Files(ctx) {
		if err != nil {
			return err
		}
		s, err := p.Open(ctx, f)
		if err != nil {
			return err
		}
		streams <- s
	}
	return nil
}

// both waits until both phones had their turns.
func (w *fairly) both(t *testing.T) map[string]time.Duration {
	t.Helper()
	for range 2 {
		select {
		case err := <-w.end:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("not done")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.took
}
