package index

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkMillion loads chunks in segments of 5,000, opens the index again and looks chunks up. It
// reports what one load takes and how much memory the process then held at most over its start.
func BenchmarkMillion(b *testing.B) {
	count := 1_000_000
	if given, err := strconv.Atoi(os.Getenv("INDEX_ENTRIES")); err == nil {
		count = given
	}
	o := testOptions()
	o.flushAt = 0
	for b.Loop() {
		b.StopTimer()
		dir, before := b.TempDir(), memory(b, "VmRSS")
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
