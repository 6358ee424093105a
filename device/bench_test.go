package device_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// BenchmarkPull pulls 2,000 screenshots from a simulated phone behind the real
// adb server, by ourselves and by `adb pull -a`, in turns, and reports the ratio.
func BenchmarkPull(b *testing.B) {
	d := adbtest.New(adbtest.Config{Storage: adbtest.Screenshots(2000)})
	defer d.Close()
	p, err := adbtest.Listen(d, "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	s, err := adbtest.StartServer(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	serial, err := s.Connect(b.Context(), p)
	if err != nil {
		b.Fatal(err)
	}
	var ours, theirs time.Duration
	for b.Loop() {
		began := time.Now()
		if err := s.Pull(b.Context(), serial, "/sdcard/Pictures", b.TempDir()); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(began)
		began = time.Now()
		pullPhone(b, &adb.Server{Addr: s.Addr()})
		ours += time.Since(began)
	}
	b.ReportMetric(ours.Seconds()/float64(b.N), "ours-s")
	b.ReportMetric(theirs.Seconds()/float64(b.N), "adb-pull-s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
}

func pullPhone(b *testing.B, server *adb.Server) {
	p, err := device.OpenPhone(b.Context(), server, device.PhoneOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	files, _, err := list(b.Context(), p)
	if err != nil || len(files) != 2000 {
		b.Fatal(len(files), err)
	}
	var bad error
	discardAll(b.Context(), p, files, func(_ device.File, n int64, err error) {
		if err != nil {
			bad = err
		}
	})
	if bad != nil {
		b.Fatal(bad)
	}
}

// discardAll reads like readAll, without keeping the bytes.
func discardAll(ctx context.Context, s source, files []device.File, took func(device.File, int64, error)) {
	type opened struct {
		f   device.File
		r   io.ReadCloser
		err error
	}
	ahead := make(chan opened, 32)
	go func() {
		defer close(ahead)
		for _, f := range files {
			r, err := s.Open(ctx, f)
			ahead <- opened{f, r, err}
		}
	}()
	var work sync.WaitGroup
	var mu sync.Mutex
	for range 6 {
		work.Go(func() {
			buf := make([]byte, 128<<10)
			for o := range ahead {
				var n int64
				if o.err == nil {
					n, o.err = io.CopyBuffer(io.Discard, struct{ io.Reader }{o.r}, buf)
					_ = o.r.Close()
				}
				mu.Lock()
				took(o.f, n, o.err)
				mu.Unlock()
			}
		})
	}
	work.Wait()
}
