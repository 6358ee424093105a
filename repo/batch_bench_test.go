package repo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// discard keeps what is small and forgets packs: what is measured is the batch, not the memory of a store.
type discard struct{ storage.Memory }

func (d *discard) Put(ctx context.Context, name string, data []byte) error {
	if len(name) > 6 && name[:6] == "packs/" {
		return nil
	}
	return d.Memory.Put(ctx, name, data)
}

// BenchmarkBatch puts photos as large as cameras make them, with the sizes of chunks and packs that are used: cut, named, probed, sealed, and packed.
func BenchmarkBatch(b *testing.B) {
	const size = 4 << 20
	for _, workers := range []int{1, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			r := createFull(b, new(discard))
			batch, err := r.Begin(b.Context(), repo.BatchOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer batch.Abort()
			photos := make([][]byte, workers)
			for i := range photos {
				photos[i] = noise(uint64(i), size)
			}
			n := uint64(0)
			b.SetBytes(int64(size * workers))
			b.ReportAllocs()
			for b.Loop() {
				done := make(chan error)
				for _, one := range photos {
					n++
					for at := 0; at < size; at += 1 << 16 { // nowhere what it was
						binary.LittleEndian.PutUint64(one[at:], n)
					}
					go func() {
						_, _, err := batch.Put(b.Context(), bytes.NewReader(one))
						done <- err
					}()
				}
				for range workers {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkBatchKnown puts what is stored already: cut, named and found.
func BenchmarkBatchKnown(b *testing.B) {
	r := createFull(b, new(storage.Memory))
	photo := noise(1, 4<<20)
	batch, err := r.Begin(b.Context(), repo.BatchOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer batch.Abort()
	if _, _, err := batch.Put(b.Context(), bytes.NewReader(photo)); err != nil {
		b.Fatal(err)
	}
	if err := batch.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(photo)))
	b.ReportAllocs()
	for b.Loop() {
		if _, fresh, err := batch.Put(b.Context(), bytes.NewReader(photo)); err != nil || fresh > 0 {
			b.Fatal(fresh, err)
		}
	}
}

// createFull makes a repository with the sizes that are used.
func createFull(b *testing.B, store storage.Store) *repo.Repo {
	b.Helper()
	r, err := repo.Create(b.Context(), store, repo.Setup{Slots: map[string]crypt.Lock{"password": lockFor(b, password)}, Chunks: chunk.DefaultSizes}, repo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	return r
}

// farAway takes its time to give something.
type farAway struct {
	storage.Memory
	delay time.Duration
}

func (f *farAway) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	time.Sleep(f.delay)
	return f.Memory.Get(ctx, name, off, n)
}

// BenchmarkRecords reads 500 small records, as every command reads the tombstones and the snapshots: from memory, and from a store a millisecond away.
func BenchmarkRecords(b *testing.B) {
	for _, delay := range []time.Duration{0, time.Millisecond} {
		b.Run(fmt.Sprint("away=", delay), func(b *testing.B) {
			store := new(farAway)
			r := createFull(b, store)
			for i := range 500 {
				if err := r.PutRecord(b.Context(), "tombstones", fmt.Sprintf("%032x", i), noise(uint64(i), 40)); err != nil {
					b.Fatal(err)
				}
			}
			store.delay = delay
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, err := range r.Records(b.Context(), "tombstones") {
					if n++; err != nil {
						b.Fatal(err)
					}
				}
				if n != 500 {
					b.Fatal(n)
				}
			}
		})
	}
}
