package index

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkMillion loads chunks in segments of 5,000, opens the index again and looks chunks up. It
// reports what one load takes and how much memory the process then held at most over its start.
func BenchmarkMillion(b *testing.B) {
	o := testOptions()
	o.flushAt = 0
	benchmarkIndex(b, o)
}

// BenchmarkSizes does the same with other options of badger's tables, and with more or less held in memory, each beside what the
// index does. docs/decisions/0018-index-sizes.md has its table.
func BenchmarkSizes(b *testing.B) {
	chosen := tableOptions
	defer func() { tableOptions = chosen }()
	for _, s := range []struct {
		name string
		set  func(*Options)
	}{
		{"chosen", func(*Options) {}},
		{"block=1024", func(*Options) { tableOptions.BlockSize = 1 << 10 }},
		{"block=2048", func(*Options) { tableOptions.BlockSize = 2 << 10 }},
		{"block=8192", func(*Options) { tableOptions.BlockSize = 8 << 10 }},
		{"block=16384", func(*Options) { tableOptions.BlockSize = 16 << 10 }},
		{"bloom=0.1", func(*Options) { tableOptions.BloomFalsePositive = 0.1 }},
		{"bloom=0.001", func(*Options) { tableOptions.BloomFalsePositive = 0.001 }},
		{"held=8192", func(o *Options) { o.flushAt = 1 << 13 }},
		{"held=131072", func(o *Options) { o.flushAt = 1 << 17 }},
	} {
		b.Run(s.name, func(b *testing.B) {
			o := testOptions()
			o.flushAt, tableOptions = 0, chosen
			s.set(&o)
			benchmarkIndex(b, o)
		})
	}
}

func benchmarkIndex(b *testing.B, o Options) {
	count := 1_000_000
	if given, err := strconv.Atoi(os.Getenv("INDEX_ENTRIES")); err == nil {
		count = given
	}
	for b.Loop() {
		b.StopTimer()
		dir, before := b.TempDir(), fromHere(b)
		b.StartTimer()
		start := time.Now()
		x := open(b, dir, o)
		loadMany(b, x, count)
		shut(b, x)
		b.ReportMetric(time.Since(start).Seconds(), "load-s")
		start = time.Now()
		x = open(b, dir, o)
		x.Segments()
		b.ReportMetric(float64(time.Since(start).Microseconds()), "open-us")
		start = time.Now()
		mustFind(b, x, 1)
		b.ReportMetric(float64(time.Since(start).Microseconds()), "first-find-us")
		findMany(b, x, count)
		b.ReportMetric(float64(memory(b, "VmHWM")-before)/1024, "peak-MB")
		b.ReportMetric(float64(memory(b, "RssAnon"))/1024, "own-MB")
		b.ReportMetric(diskUse(b, dir)/1e6, "disk-MB")
		shut(b, x)
	}
}

func loadMany(b *testing.B, x *Index, count int) {
	const segment = 5000
	for from := 0; from < count; from += segment {
		err := x.Load(name('s', from), func(yield func(Entry) bool) {
			for n := from; n < from+segment; n++ {
				if !yield(Entry{id(n), place(n)}) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func mustFind(b *testing.B, x *Index, n int) {
	if p, found, err := x.Find(id(n)); err != nil || !found || p != place(n) {
		b.Fatal(n, p, found, err)
	}
}

func findMany(b *testing.B, x *Index, count int) {
	const tries = 200_000
	start := time.Now()
	for n := range tries {
		mustFind(b, x, n*7919%count)
	}
	b.ReportMetric(float64(time.Since(start).Nanoseconds())/tries, "hit-ns")
	start = time.Now()
	for n := range tries {
		if _, found, err := x.Find(id(count + n)); found || err != nil {
			b.Fatal(found, err)
		}
	}
	b.ReportMetric(float64(time.Since(start).Nanoseconds())/tries, "miss-ns")
}

// fromHere lets the peak of memory begin anew, and tells what is taken now, in KiB.
func fromHere(b *testing.B) int {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // a wish, of Linux alone
	return memory(b, "VmRSS")
}

// diskUse is what the files below a folder take, in bytes.
func diskUse(b *testing.B, dir string) (bytes float64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += float64(info.Size())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

// memory reads a line of /proc/self/status, in KiB; elsewhere it is 0.
func memory(b *testing.B, what string) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte(what+":"))
	n, err := strconv.Atoi(strings.Fields(string(after))[0])
	if err != nil {
		b.Fatal(err)
	}
	return n
}
