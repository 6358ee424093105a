package garbage

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	for _, c := range []struct {
		room uint64
		heap heap
		want int
	}{
		{32 << 20, heap{0, 0}, 1000}, {32 << 20, heap{1 << 20, 1 << 20}, 1000}, {32 << 20, heap{32 << 20, 32 << 20}, 100}, {32 << 20, heap{32 << 20, 0}, 85}, {32 << 20, heap{100 << 20, 100 << 20}, 30},
		{32 << 20, heap{1 << 40, 1 << 40}, 15}, {32 << 20, heap{1 << 40, 0}, 5}, {16 << 20, heap{128 << 20, 8 << 20}, 5},
	} {
		if got := percentFor(c.room, c.heap); got != c.want {
			t.Errorf("%d of room and %+v give %d percent and not %d", c.room, c.heap, got, c.want)
		}
	}
}

// What may stand follows what is alive, both ways.
func TestBoundFollows(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	b := &bound{room: 32 << 20}
	b.collected()
	until := func(ok func(percent int) bool) {
		t.Helper()
		for range 500 {
			runtime.GC()
			now := debug.SetGCPercent(100)
			debug.SetGCPercent(now)
			if ok(now) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("the bound does not follow")
	}
	until(func(percent int) bool { return percent >= 400 })
	held := make([]byte, 64<<20)
	until(func(percent int) bool { return percent <= 50 })
	runtime.KeepAlive(held)
	held = nil
	until(func(percent int) bool { return percent >= 400 })
}
