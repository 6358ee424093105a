package repo

import (
	"runtime"
	"testing"
)

// Batches that are over leave no buffers behind, not even until the collection after the next: a process that makes many would grow and
// grow, as the collector waits the longer the more it finds alive.
func TestBatchesLetGoOfTheirBuffers(t *testing.T) {
	p := newPlay(t)
	alive := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := alive()
	for i := range uint64(20) {
		b, err := p.repo.Begin(t.Context(), BatchOptions{}) // packs of 16 MiB
		if err != nil {
			t.Fatal(err)
		}
		c, _ := p.put(b, noise(i, 40_000))
		if err := p.commit(b, c); err != nil {
			t.Fatal(err)
		}
	}
	if grown := alive() - before; grown > 40<<20 {
		t.Errorf("20 batches that are over hold %d MiB", grown>>20)
	}
}
