package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/guard"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// Budget says how much of the packs to read. The zero value reads nothing; All reads everything; else reading ends when one
// of the other bounds is reached. What was read longest ago comes first.
type Budget struct {
	All   bool
	Share float64       // of all bytes of packs, 0 to 1
	Bytes int64         // of packs
	Time  time.Duration // on this machine's clock
}

// None tells whether nothing is to be read.
func (b Budget) None() bool { return !b.All && b.Share == 0 && b.Bytes == 0 && b.Time == 0 }

// Scrubbed says what reading the packs found. Damage is added to the audit.
type Scrubbed struct {
	Packs, Bytes int64
	Chunks       int64
	Oldest       time.Time // every byte was read since then; zero when some never were
}

// Scrub reads packs and opens, expands and hashes every chunk in them. read, when not nil, counts the bytes as they come.
func (a *Audit) Scrub(ctx context.Context, budget Budget, read *atomic.Int64) (done Scrubbed, err error) {
	if read == nil {
		read = new(atomic.Int64)
	}
	ledger := a.repo.openLedger()
	order := ledger.order(a.listed)
	limit := budget.limit(a.PackBytes)
	deadline := a.repo.options.Now().Add(budget.Time)
	var lent memories
	most := a.largest()
	var mu sync.Mutex
	parent := ctx
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(scrubbers)
	for _, name := range order {
		mu.Lock()
		stop := done.Bytes >= limit || budget.Time > 0 && a.repo.options.Now().After(deadline) || ctx.Err() != nil
		if !stop {
			done.Bytes += a.listed[name]
			done.Packs++
		}
		mu.Unlock()
		if stop {
			break
		}
		g.Go(func() error {
			memory := lent.Take(most)
			defer lent.Give(memory)
			chunks, damage, err := a.readPack(ctx, name, memory)
			read.Add(a.listed[name])
			mu.Lock()
			defer mu.Unlock()
			done.Chunks += chunks
			a.Damage = append(a.Damage, damage...)
			if err == nil && len(damage) == 0 {
				ledger.Read[nameText(name)] = a.repo.options.Now().Unix()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return done, err
	}
	if a.vanished { // a prune is at work: what is needed of those packs lies elsewhere by now, or Holds says that it is lost
		if err := a.look(parent); err != nil {
			return done, err
		}
	}
	if err := a.settle(parent); err != nil {
		return done, err
	}
	done.Oldest = ledger.oldest(a.listed)
	return done, a.repo.saveLedger(ledger, a.listed)
}

// scrubbers read packs at once; each holds one pack in memory.
const scrubbers = 3

func (b Budget) limit(total int64) int64 {
	switch {
	case b.All || b.Time > 0:
		return 1 << 62
	case b.Share > 0:
		return int64(b.Share * float64(total))
	}
	return b.Bytes
}

// largest is how many bytes the largest pack has, up to what a pack may have.
func (a *Audit) largest() (most int) {
	for _, size := range a.listed {
		most = max(most, int(min(size, pack.MaxSize)))
	}
	return most
}

// readPack reads one pack whole, into memory that has room for it.
func (a *Audit) readPack(ctx context.Context, name pack.Name, memory []byte) (chunks int64, damage []Damage, err error) {
	path, size := packPath(name), a.listed[name]
	tell := func(err error) { damage = append(damage, Damage{path, err}) }
	if size > pack.MaxSize {
		tell(fmt.Errorf("%w: %d bytes are too many for a pack", crypt.ErrDamaged, size))
		return 0, damage, nil
	}
	data := memory[:size]
	err = storage.GetInto(ctx, a.repo.store, path, 0, data)
	if errors.Is(err, fs.ErrNotExist) {
		a.badMu.Lock()
		defer a.badMu.Unlock()
		a.vanished = true
		return 0, nil, ctx.Err()
	}
	if err != nil {
		tell(fmt.Errorf("it cannot be read: %w", err))
		return 0, damage, ctx.Err()
	}
	if guard.On(guard.PackName) && blake3.Sum256(data) != name {
		tell(fmt.Errorf("%w: its bytes are not those it is named by", crypt.ErrDamaged))
		if err := a.spoilTold(ctx, name, data); err != nil {
			return 0, damage, err
		}
	}
	d, err := pack.ReadDirectory(a.repo.keys, size, func(off, n int64) ([]byte, error) { return data[off : off+n : off+n], nil })
	if err != nil {
		tell(fmt.Errorf("its directory: %w", err))
		return 0, damage, nil
	}
	for _, e := range d.Entries {
		if _, err := a.repo.openChunk(e, data[e.Offset:e.Offset+e.Stored]); err != nil {
			err = fmt.Errorf("chunk %v in %s is %w", e.ID, path, err)
			damage = append(damage, Damage{path, err})
			a.spoil(e, err)
		}
		chunks++
	}
	return chunks, damage, nil
}

// spoilTold tries the chunks that segments place in a damaged pack: its own directory may be damaged, or that of another pack.
func (a *Audit) spoilTold(ctx context.Context, name pack.Name, data []byte) error {
	return a.repo.eachTold(ctx, name, func(told []pack.Entry) {
		for _, e := range told {
			a.tryChunk(name, e, data)
		}
	})
}

// tryChunk opens a chunk where a segment places it.
func (a *Audit) tryChunk(name pack.Name, e pack.Entry, data []byte) {
	end := int64(e.Offset) + int64(e.Stored)
	err := error(crypt.ErrDamaged)
	if end <= int64(len(data)) {
		_, err = a.repo.openChunk(e, slices.Clone(data[e.Offset:end]))
	}
	if err != nil {
		a.spoil(e, fmt.Errorf("chunk %v in %s is %w", e.ID, packPath(name), err))
	}
}

// settle takes back what was said of chunks that come back all the same: they lie in another pack too, or their pack heals.
func (a *Audit) settle(ctx context.Context) error {
	if len(a.bad) == 0 {
		return nil
	}
	homes, err := a.homesOfBad(ctx)
	if err != nil {
		return err
	}
	byPack := slices.SortedFunc(maps.Keys(homes), func(x, y chunk.ID) int { return bytes.Compare(homes[x][0].Pack[:], homes[y][0].Pack[:]) })
	for _, id := range byPack { // a pack is healed once for all its chunks
		for _, place := range homes[id] {
			part := Part{Kind: place.Kind, ID: id, Size: place.Plain}
			_, err := a.repo.chunkAt(ctx, part, place)
			if err != nil {
				_, err = a.repo.mendedChunk(ctx, part, place)
			}
			if err == nil {
				a.settled[id] = place
				break
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// homesOfBad gives every place that is told of for chunks that did not open.
func (a *Audit) homesOfBad(ctx context.Context) (map[chunk.ID][]index.Place, error) {
	homes := make(map[chunk.ID][]index.Place)
	for id := range a.bad {
		place, ok, err := a.repo.ask(ctx, a.index, id)
		if err != nil {
			return nil, err
		}
		if ok {
			homes[id] = append(homes[id], place)
		}
	}
	return homes, a.repo.eachPlace(ctx, func(e index.Entry) {
		if a.bad[e.ID] != nil && !slices.Contains(homes[e.ID], e.Place) {
			homes[e.ID] = append(homes[e.ID], e.Place)
		}
	})
}

func (a *Audit) spoil(e pack.Entry, err error) {
	a.badMu.Lock()
	defer a.badMu.Unlock()
	a.bad[e.ID] = err
}
