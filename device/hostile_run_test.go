package device_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/bench/proof/tried"
	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

func TestHostilePhones(t *testing.T) {
	cases := hostilePhones()
	for _, v2 := range []bool{true, false} {
		for _, h := range cases {
			t.Run(fmt.Sprintf("%s/v2=%v", h.name, v2), func(t *testing.T) { h.run(t, v2) })
		}
	}
	tried.Cases(t, 13, 2*len(cases))
}

func (h hostile) run(t *testing.T, v2 bool) {
	m := adbtest.NewMemTree()
	m.AddSize("DCIM/a.jpg", sizeOfA)
	m.AddSize("DCIM/b.jpg", 90000)
	m.AddSize("Pictures/p.png", 4000)
	for i := range 38 {
		m.AddSize(fmt.Sprintf("DCIM/Camera/%02d.jpg", i), int64(i*500))
	}
	c := adbtest.Config{Storage: m}
	if !v2 {
		c.Features = adbtest.FeaturesA
	}
	x, s := directPhone(t, c)
	if strings.Contains(h.name, "hang") || strings.Contains(h.name, "drip") {
		s.Stall, s.Reply = 400*time.Millisecond, time.Second
	}
	h.setup(m, x, v2)
	above := t.TempDir()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	o := backUp(t, s, filepath.Join(above, "target"))
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 700<<20 {
		t.Errorf("took %d MiB of memory", grown>>20)
	}
	if entries, _ := os.ReadDir(above); len(entries) != 1 {
		t.Errorf("something was written beside the target: %v", entries)
	}
	h.check(t, o)
}

// backUp lists the phone, reads everything and writes it below a folder, as a
// backup and a restore would.
func backUp(t *testing.T, s *adb.Server, target string) (o outcome) {
	t.Helper()
	if err := os.Mkdir(target, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := device.OpenPhone(t.Context(), s, device.PhoneOptions{})
	if err != nil {
		return outcome{open: err}
	}
	defer p.Close()
	files, problems, end := list(t.Context(), p)
	o = outcome{end: end, problems: problems, failed: map[string]error{}}
	if !slices.IsSorted(paths(files)) {
		t.Error("the listing is not in order")
	}
	dir := openDir(t, target, device.DirOptions{})
	readAll(t.Context(), p, files, func(f device.File, data []byte, err error) {
		if errors.Is(err, io.EOF) {
			t.Errorf("%s: io.EOF came out as %v", f.Path, err)
		}
		if err != nil {
			o.failed[f.Path] = err
			return
		}
		want, _ := io.ReadAll(adbtest.Content(f.Path, f.Size))
		if int64(len(data)) != f.Size || !bytes.Equal(data, want) {
			t.Errorf("%s: wrong bytes passed for right ones (%d of %d)", f.Path, len(data), f.Size)
		}
		o.good = append(o.good, f.Path)
		if err := dir.Write(t.Context(), f, bytes.NewReader(data)); err != nil && f.Path != "DCIM/b.jpg" {
			t.Errorf("write %s: %v", f.Path, err)
		}
	})
	return o
}
