package proof

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
)

// mostErrors is how many failures Spread tells of.
const mostErrors = 10

// Spread does n cases, each once, on all processors, and fails the test for those that fail. It ends early after ten.
func Spread(tb testing.TB, n int, do func(i int) error) {
	tb.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(500)) // a case makes garbage of some MB, and keeps next to nothing
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(2 << 30))
	var next, failed atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || failed.Load() >= mostErrors {
					return
				}
				if err := do(i); err != nil {
					failed.Add(1)
					tb.Errorf("case %d: %v", i, err)
				}
			}
		})
	}
	workers.Wait()
}
