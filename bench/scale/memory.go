package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// heap is how many bytes live on the heap now.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what finalizers let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// someParts are roots that make up chunks which must stay.
type someParts struct{ n int }

// Parts yields them.
func (s *someParts) Parts(context.Context, func(chunk.ID) bool) iter.Seq2[repo.Part, error] {
	return func(yield func(repo.Part, error) bool) {
		for range s.n {
			part := repo.Part{Kind: chunk.Body, Size: 1}
			_, _ = rand.Read(part.ID[:])
			if !yield(part, nil) {
				return
			}
		}
	}
}

// Drop drops nothing.
func (s *someParts) Drop(context.Context) error { return nil }

// measureLive prunes with made-up chunks that must stay, and looks how much memory they take.
func measureLive(ctx context.Context, p *printer) error {
	for _, n := range []int{1_000_000, 2_000_000} {
		err := within(ctx, tiny(10, 0), func(h *real) error {
			if err := h.backup(ctx, 0); err != nil {
				return err
			}
			return h.do(ctx, "prune", func(r *repo.Repo) error {
				before, during := heap(), 0.0
				_, err := r.Prune(ctx, &someParts{n: n}, repo.PruneOptions{DryRun: true, Watch: func(stage repo.PruneStage, _, _ int64) {
					if stage == repo.StageSurvey && during == 0 {
						during = heap()
					}
				}})
				p.say("memory of prune, a live chunk", (during-before)/float64(n), "%d chunks; tables double, so it is 11 to 23", n)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	pages := make(map[chunk.ID]struct{})
	before := heap()
	const n = 200_000
	for range n {
		var id chunk.ID
		_, _ = rand.Read(id[:])
		pages[id] = struct{}{}
	}
	p.say("memory of prune, a page", (heap()-before)/n, "a Go map of %d ids, as snapshot/prune.go keeps one", n)
	runtime.KeepAlive(pages)
	return nil
}

// measureIndex loads made-up segments into an index, in memory and on disk.
func measureIndex(_ context.Context, p *printer) error {
	const chunks, inPack = 400_000, 400
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // only what can be made again
	for _, o := range []struct {
		name string
		index.Options
	}{{"in memory", index.Options{MemoryOnly: true}}, {"on disk", index.Options{}}} {
		before, began := heap(), time.Now()
		x, err := index.Open(dir, o.Options)
		if err != nil {
			return err
		}
		for range chunks / (10 * inPack) {
			if err := x.Load(index.Name(randomID()), someEntries(10*inPack, inPack)); err != nil {
				return err
			}
		}
		took := time.Since(began)
		if _, _, err := x.Find(randomID()); err != nil {
			return err
		}
		p.say("memory of an index "+o.name+", a chunk", (heap()-before)/chunks, "%d chunks in packs of %d, loaded at %.0f chunks a second", chunks, inPack, chunks/took.Seconds())
		if err := x.Close(); err != nil {
			return err
		}
	}
	size := 0.0
	err = filepath.Walk(dir, func(_ string, f os.FileInfo, err error) error {
		if err == nil && !f.IsDir() {
			size += float64(f.Size())
		}
		return err
	})
	p.say("bytes of an index on disk, a chunk", size/chunks, "the same")
	return err
}

func randomID() (id chunk.ID) {
	_, _ = rand.Read(id[:])
	return id
}

func someEntries(n, inPack int) iter.Seq[index.Entry] {
	return func(yield func(index.Entry) bool) {
		var pack index.Name
		for i := range n {
			if i%inPack == 0 {
				pack = index.Name(randomID())
			}
			if !yield(index.Entry{ID: randomID(), Place: index.Place{Pack: pack, Offset: uint32(i), Stored: 100, Plain: 100, Kind: chunk.Body}}) {
				return
			}
		}
	}
}

// phantom is a store that lists packs which are not there.
type phantom struct {
	storage.Store
	packs int
}

// List adds them.
func (s *phantom) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for o, err := range s.Store.List(ctx, prefix) {
			if !yield(o, err) {
				return
			}
		}
		for range s.packs {
			id := randomID()
			name := hex.EncodeToString(id[:])
			if prefix == "packs/" && !yield(storage.Object{Name: prefix + name[:2] + "/" + name, Size: 1 << 24}, nil) {
				return
			}
		}
	}
}

// measureLists begins a batch beside many packs, and then a prune, and looks how much memory their names take.
func measureLists(ctx context.Context, p *printer) error {
	const packs = 100_000
	return within(ctx, tiny(10, 0), func(h *real) error {
		if err := h.backup(ctx, 0); err != nil {
			return err
		}
		h.store.Store = &phantom{h.store.Store, packs}
		return h.do(ctx, "begin", func(r *repo.Repo) error {
			before := heap()
			b, err := r.Begin(ctx, repo.BatchOptions{})
			if err != nil {
				return err
			}
			defer b.Abort()
			p.say("memory of a backup, a pack", (heap()-before)/packs, "what a batch keeps of a listing of %d packs; about twice as much while it looks", packs)
			b.Abort()
			before, during := heap(), 0.0
			_, err = r.Prune(ctx, &someParts{n: 1}, repo.PruneOptions{DryRun: true, Watch: func(stage repo.PruneStage, _, _ int64) {
				if stage == repo.StageSurvey && during == 0 {
					during = heap()
				}
			}})
			p.say("memory of prune, a pack", (during-before)/packs, "the same; 8 more for each segment that tells of it")
			return err
		})
	})
}

// measureTimes lists packs in a folder, and reads tombstones in memory.
func measureTimes(ctx context.Context, p *printer) error {
	const tombstones = 2_000
	return within(ctx, tiny(10, 0), func(h *real) error {
		if err := h.backup(ctx, 0); err != nil {
			return err
		}
		return h.do(ctx, "list", func(r *repo.Repo) error {
			for i := range tombstones {
				if err := r.PutRecord(ctx, "tombstones", fmt.Sprintf("%032x", i), nil); err != nil {
					return err
				}
			}
			began := time.Now()
			_, _, err := snapshot.List(ctx, r)
			p.say("microseconds of a tombstone", float64(time.Since(began).Microseconds())/tombstones, "a listing of snapshots beside %d tombstones, in memory: what the processor does", tombstones)
			return err
		})
	})
}
