package repo

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"

	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/guard"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// evacuate copies the live chunks of doomed packs that have no home elsewhere into new packs, makes those durable, and then
// a segment of them. Each is read back as soon as it is durable. Packs that cannot be read are taken off the list: they stay for check and heal.
func (p *pruner) evacuate(ctx context.Context, packs []*packState) error {
	b := p.repo.carrier(ctx, p.options.Batch)
	back, ctx := errgroup.WithContext(ctx)
	back.SetLimit(readers)
	b.durable = func(name pack.Name, size int64) {
		back.Go(func() error { return p.readBack(ctx, name, size) })
	}
	err := p.moveAll(ctx, b, packs)
	if err == nil {
		err = b.Flush(ctx)
	}
	b.packer.stop()
	if wrong := back.Wait(); wrong != nil {
		return wrong // it ended the copying, if that was not over
	}
	if err != nil {
		return fmt.Errorf("copy out of mostly dead packs: %w", err)
	}
	p.report.Freed -= b.Count().StoredBytes + b.Count().MetaBytes
	return nil
}

// carrier is a batch that belongs to no session: it carries chunks from pack to pack and never writes a record. It asks no index, and teaches none:
// what it carries is known to be wanted, and the next reader learns of its segments.
func (r *Repo) carrier(ctx context.Context, o BatchOptions) *Batch {
	b := &Batch{repo: r, options: o.filled(), listed: make(map[pack.Name]int64), durable: tellNobody}
	b.packer = newPacker(ctx, b)
	return b
}

// Each holds one run of bytes in memory.
const (
	movers  = 3 // read packs that chunks are copied out of
	readers = 2 // read new packs back, as soon as they are durable
)

func (p *pruner) moveAll(ctx context.Context, b *Batch, packs []*packState) error {
	var mu sync.Mutex
	copied, done := make(map[chunk.ID]bool), int64(0)
	first := func(id chunk.ID) bool { // a chunk that lies in several doomed packs is copied once
		mu.Lock()
		defer mu.Unlock()
		if copied[id] {
			return false
		}
		copied[id] = true
		return true
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(movers)
	visit := func(s *packState, entries []pack.Entry) {
		if s.used == 0 {
			return
		}
		g.Go(func() error {
			if err := p.move(ctx, b, s, entries, first); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			p.options.Watch(StageCopy, done, int64(len(packs)))
			return nil
		})
	}
	err := p.lookAgain(ctx, packs, visit)
	return errors.Join(g.Wait(), err)
}

// move copies what is needed of one pack.
func (p *pruner) move(ctx context.Context, b *Batch, s *packState, entries []pack.Entry, first func(chunk.ID) bool) error {
	var needed []pack.Entry
	for _, e := range entries {
		if p.live.has(e.ID) && !p.livesElsewhere(e.ID) && first(e.ID) {
			needed = append(needed, e)
		}
	}
	for run := range runs(needed) {
		if err := p.carry(ctx, b, s.name, run); err != nil {
			return err
		}
	}
	return nil
}

// livesElsewhere tells whether a live chunk has a home in a pack that nobody is about to delete.
func (p *pruner) livesElsewhere(id chunk.ID) bool {
	for _, h := range p.shared[id] {
		if !h.doomed && !h.condemned {
			return true
		}
	}
	return false
}

// readBack reads a new pack whole, before what it was copied from is deleted.
func (p *pruner) readBack(ctx context.Context, name pack.Name, size int64) error {
	if !guard.On(guard.ReadBack) {
		return nil
	}
	is, err := p.nameOf(ctx, packPath(name), size)
	if err != nil {
		return fmt.Errorf("read back a new pack: %w", err)
	}
	if is != name {
		return fmt.Errorf("read back %s: %w: the store gives other bytes than it was given; nothing was deleted", packPath(name), crypt.ErrDamaged)
	}
	return nil
}

// nameOf reads what the store holds, a run at a time.
func (p *pruner) nameOf(ctx context.Context, path string, size int64) (name pack.Name, err error) {
	memory := p.memory.Take(int(min(longestRun, size)))
	defer p.memory.Give(memory)
	hash := blake3.New()
	for at := int64(0); at < size; at += longestRun {
		piece := memory[:min(longestRun, size-at)]
		if err := storage.GetInto(ctx, p.repo.store, path, at, piece); err != nil {
			return name, err
		}
		_, _ = hash.Write(piece) // never fails
	}
	hash.Sum(name[:0])
	return name, nil
}
