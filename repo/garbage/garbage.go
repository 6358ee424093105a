// Package garbage bounds how much garbage stands in memory before it is collected: more than the runtime lets stand while little is alive,
// which saves time, and less when much is. It does not know who makes it.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Room is what the program lets stand, in bytes. See docs/decisions/0013-garbage.md.
const Room = 16 << 20

const (
	share = 15   // percent of what a collection walks through that may always stand: below that, collecting costs more than it saves
	most  = 1000 // percent of what is alive
)

// Bound lets about room bytes of garbage stand from now on, but never less than a seventh of what a collection walks through: all that is
// alive but what has no pointers, such as buffers. Where the environment sets GOGC, that holds instead. It is for the program as a whole: whoever calls it is main.
func Bound(room uint64) {
	if os.Getenv("GOGC") == "" {
		(&bound{room: room}).collected()
	}
}

type bound struct {
	room    uint64
	percent int // as set last
}

// cycle is garbage at once: what is to be done when it was collected is done once a cycle. The runtime puts smaller things together with others.
type cycle [32]byte

func (b *bound) collected() {
	if percent := percentFor(b.room, measured()); percent != b.percent {
		b.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(new(cycle), func(b *bound) { b.collected() }, b)
}

// heap is what the last collection found, in bytes.
type heap struct {
	alive  uint64
	walked uint64 // of that, what may have pointers
}

func measured() heap {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(samples)
	return heap{samples[0].Value.Uint64(), samples[1].Value.Uint64()}
}

// percentFor tells how much garbage may stand, in percent of what is alive. It is in steps of a twentieth: to set it stops the program for a moment.
// Beside large buffers, which cost a collection nothing, a third of the room is enough: memory is at its peak then.
func percentFor(room uint64, h heap) int {
	const step = 5
	buffers := h.alive - min(h.walked, h.alive)
	room -= min(buffers/8, room-room/3)
	percent := max(100*room, share*h.walked) / max(h.alive, 1) / step * step
	return int(min(max(percent, step), most))
}
