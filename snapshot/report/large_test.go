package report_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/snapshot/report"
)

// many is a camera roll of so many files with the same few bytes.
type many struct {
	files int
	skip  int // every so many is left out
}

func (m many) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for i := range m.files {
			f := device.File{Path: fmt.Sprintf("DCIM/Camera/IMG_%08d.jpg", i), Size: 4, ModTime: someday.Add(time.Duration(i) * time.Second), Mode: 0o644}
			if (m.skip == 0 || i%m.skip > 0) && !yield(f, nil) {
				return
			}
		}
	}
}

func (m many) Open(context.Context, device.File) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader([]byte("this")[:4])), nil
}

// A roll of 20,000 pictures, in the long run of 200,000, is reported on in the same little memory: pages come and go.
func TestManyFiles(t *testing.T) {
	const most = 32 << 20
	files := 20_000
	if os.Getenv("SHOEBOX_LONG") != "" {
		files = 200_000
	}
	l := newLab(t)
	l.backup("anna", "phone", many{files, 10})
	l.now = l.now.AddDate(0, 0, 1)
	l.backup("anna", "phone", many{files, 0})
	l.read(report.Options{Examine: -1}) // what stays: the index
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak.Store(max(peak.Load(), now.HeapAlloc))
		}
	}()
	start := time.Now()
	r := l.read(report.Options{})
	took := time.Since(start)
	close(done)
	<-watched
	d := of(t, r, "anna")
	if d.Files != int64(files) || d.New.Files != int64(files/10) || d.Examined != 1000 || d.Unexamined != int64(files/10-1000) {
		t.Errorf("%+v", d)
	}
	grown := int64(peak.Load()) - int64(before.HeapAlloc)
	t.Logf("%d files in %v, %.1f MiB more memory at most", files, took, float64(grown)/(1<<20))
	if grown > most {
		t.Errorf("%d bytes of memory more", grown)
	}
}
