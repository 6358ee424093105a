// Package index tells in which pack a chunk lies. It is a local copy of what the segments of a
// repository say and may be deleted at any time.
// It does not know encryption, photos or the network.
//
// An Index is a few sorted runs of badger tables below one slot of a directory, plus a map of what
// was learned since. Tables are never changed: a flush writes new ones, syncs them, and then
// replaces the head file that lists them, so a crash leaves the old state or the new one. Whatever
// goes wrong with the directory (held by another process, read-only, full, damaged, of another
// repository) the Index goes on in memory: it forgets, but it never fails a backup and never gives
// a wrong answer. docs/decisions/0003-badger-tables.md says why it does not open a badger.DB.
package index

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"

	"shoebox/chunk"
)

// Name is the name of a pack or of a segment.
type Name [32]byte

// Place is where a chunk lies: Stored bytes at Offset of a pack, Plain bytes when opened.
type Place struct {
	Pack                  Name
	Offset, Stored, Plain uint32
	Kind                  chunk.Kind
	Encoding              uint8
}

// Entry is one chunk of a segment.
type Entry struct {
	ID    chunk.ID
	Place Place
}

// Options say whose index it is and how large it may be.
type Options struct {
	Repository [16]byte // an index of another repository is deleted
	Key        [32]byte // tags every entry, so that no flipped bit can become an answer
	Slots      int      // how many processes may keep an index on disk at once; 0: 4
	CacheBytes int64    // room for chunks kept by Cache; 0: 64 MiB
	MemoryOnly bool     // touch no disk

	flushAt int // entries held in memory before they go to disk; 0: 32,768. Tests set it.
}

var (
	// ErrDamaged says that the index on disk cannot be trusted. Every call gives it from then on,
	// until Reset: then load all segments again.
	ErrDamaged = errors.New("the local index is damaged")
	// ErrClosed is the answer of a closed Index.
	ErrClosed = errors.New("the local index is closed")
)

// Index may be used by several goroutines at once.
type Index struct {
	options Options
	key     chunk.Key
	damaged atomic.Bool

	mu       sync.RWMutex // held for writing only to change what follows
	closed   bool
	slot     *slot // nil: in memory only
	why      error // why slot is nil, or is written no more
	recent   map[chunk.ID]spot
	segments map[Name]struct{}
	packs    packNames
	cached   map[chunk.ID]clip // kept by Cache, not yet in a table
}

// spot is a Place with the pack as a number.
type spot struct {
	pack, offset, stored, plain uint32
	kind                        chunk.Kind
	encoding                    uint8
}

// Open opens the index below dir, or makes one. The state of dir never makes it fail; only
// impossible options do. Opening reads one small file: tables are opened by the first Find.
func Open(dir string, o Options) (*Index, error) {
	if o.Slots < 0 || o.CacheBytes < 0 || o.flushAt < 0 {
		return nil, fmt.Errorf("open index: %d slots, %d bytes of cache: %w", o.Slots, o.CacheBytes, errors.ErrUnsupported)
	}
	if o.Slots == 0 {
		o.Slots = 4
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	o.CacheBytes = min(o.CacheBytes, 4<<30) // offsets within a file, half of it, are 32 bits
	if o.flushAt == 0 {
		o.flushAt = 1 << 15
	}
	x := &Index{options: o, key: chunk.Key(o.Key)}
	x.clear()
	if !o.MemoryOnly {
		x.slot, x.why = openSlot(dir, o)
	}
	if x.slot != nil {
		x.segments = x.slot.head.segments()
		x.packs.stored = x.slot.head.Packs
	}
	return x, nil
}

// clear makes an empty index in memory.
func (x *Index) clear() {
	x.recent = map[chunk.ID]spot{}
	x.segments = map[Name]struct{}{}
	x.packs = packNames{}
	x.cached = map[chunk.ID]clip{}
}

// Find tells where a chunk lies. ErrDamaged means that nothing is known, not that it is absent.
func (x *Index) Find(id chunk.ID) (Place, bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.usable(); err != nil {
		return Place{}, false, err
	}
	if s, found := x.recent[id]; found {
		return s.place(x.packs.name(s.pack)), true, nil
	}
	if x.slot == nil {
		return Place{}, false, nil
	}
	value, found, err := x.slot.find(chunkKey(id))
	if err != nil || !found {
		return Place{}, false, x.damage(err)
	}
	p, err := x.open(id, value)
	return p, err == nil, x.damage(err)
}

// usable is asked with mu held.
func (x *Index) usable() error {
	if x.closed {
		return ErrClosed
	}
	if x.damaged.Load() {
		return ErrDamaged
	}
	return nil
}

// damage remembers that the disk gave something wrong.
func (x *Index) damage(err error) error {
	if err == nil {
		return nil
	}
	x.damaged.Store(true)
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Segments returns the segments that are loaded completely.
func (x *Index) Segments() map[Name]struct{} {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return maps.Clone(x.segments)
}

// Load takes in the entries of one segment. It counts as loaded once all are in. Nothing is read
// from entries with a lock held. A disk that cannot be written is no error: see Where.
func (x *Index) Load(segment Name, entries iter.Seq[Entry]) error {
	const some = 4096
	var batch []Entry // grows: most segments are small
	for e := range entries {
		if batch = append(batch, e); len(batch) == some {
			if err := x.add(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := x.add(batch); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	x.segments[segment] = struct{}{}
	return nil
}

func (x *Index) add(batch []Entry) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	for _, e := range batch {
		p := e.Place
		x.recent[e.ID] = spot{x.packs.number(p.Pack), p.Offset, p.Stored, p.Plain, p.Kind, p.Encoding}
	}
	if len(x.recent) >= x.options.flushAt {
		return x.flush()
	}
	return nil
}

// Reset forgets everything, on disk too: when a segment vanished from the store, or after ErrDamaged.
func (x *Index) Reset() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return ErrClosed
	}
	x.clear()
	x.damaged.Store(false)
	if x.slot == nil {
		return nil
	}
	x.why = nil // there may be room now
	if err := x.slot.wipe(); err != nil {
		x.abandon(err)
	}
	return nil
}

// abandon goes on in memory. What is only on disk is forgotten: the segments say it again.
func (x *Index) abandon(why error) {
	_ = x.slot.close() // nothing of it is needed any more
	x.slot, x.why = nil, why
}

// Where tells where the index lies, for people: a directory, or memory and why.
func (x *Index) Where() string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	switch {
	case x.slot == nil && x.why == nil:
		return "in memory"
	case x.slot == nil:
		return fmt.Sprintf("in memory (%v)", x.why)
	case x.why != nil:
		return fmt.Sprintf("%s, and in memory what came since (%v)", x.slot.path, x.why)
	}
	return x.slot.path
}

// Close writes what is new to disk, where that works, and lets go of the slot.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if x.slot == nil {
		return nil
	}
	if !x.damaged.Load() {
		_ = x.flush() // an index that is behind is still right
		return x.slot.close()
	}
	_ = x.slot.wipe() // if that fails the next Open meets the damage again
	return x.slot.close()
}
