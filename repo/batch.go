package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/guard"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// BatchOptions tune a batch. The zero value works.
type BatchOptions struct {
	DataPack int // bytes a data pack may reach; 0 for 16 MiB
	MetaPack int // bytes a meta pack may reach; 0 for 4 MiB
	Uploads  int // packs on their way to the store at once; 0 for 4
	InMemory int // of these, held in memory because the store has not all their bytes yet: the others only wait to be durable; 0 for 2
}

func (o BatchOptions) filled() BatchOptions {
	if o.DataPack == 0 {
		o.DataPack = 16 << 20
	}
	if o.MetaPack == 0 {
		o.MetaPack = 4 << 20
	}
	if o.Uploads == 0 {
		o.Uploads = 4
	}
	if o.InMemory == 0 {
		o.InMemory = 2
	}
	return o
}

// Batch writes streams and in the end one record that needs them. Put may be called by many goroutines at once.
// Every batch ends in Commit or Abort; Abort after Commit does nothing, so `defer b.Abort()` follows Begin.
type Batch struct {
	repo    *Repo
	index   *index.Index // nil in a carrier
	options BatchOptions
	session string

	listed    map[pack.Name]int64     // packs in the store when the batch began, and those it wrote
	condemned map[index.Name]struct{} // by marks, as last read
	missing   bool                    // segments told of packs that were not there when the batch began

	packer  *packer
	durable func(pack.Name, int64) // told of packs, with their sizes

	mu      sync.Mutex
	pending map[chunk.ID]struct{} // chunks of this batch that the index does not know yet
	stored  []packEntry           // packs that are durable but in no segment yet
	count   Count
	notes   int
	ended   bool
}

// Count is what a batch has done so far.
type Count struct {
	Chunks, Fresh          int64 // chunks seen, and those that were new
	Bytes, FreshBytes      int64 // of plaintext
	StoredBytes, MetaBytes int64 // of finished packs of data and of meta
	Packs                  int64
}

// Begin opens a session: steps W0 and W1 of the protocol in docs/format.md.
func (r *Repo) Begin(ctx context.Context, o BatchOptions) (*Batch, error) {
	if err := r.config.errReadOnly(); err != nil {
		return nil, err
	}
	sid, err := r.openSession(ctx)
	if err != nil {
		return nil, err
	}
	b := &Batch{repo: r, options: o.filled(), session: sid, pending: make(map[chunk.ID]struct{}), durable: tellNobody}
	if err := b.firstLook(ctx); err != nil {
		r.closeSession(ctx, sid)
		return nil, err
	}
	b.packer = newPacker(ctx, b)
	return b, nil
}

func tellNobody(pack.Name, int64) {}

// firstLook is W1: what this batch may rely on.
func (b *Batch) firstLook(ctx context.Context) (err error) {
	if guard.On(guard.MarksFirst) {
		if b.condemned, err = b.repo.condemned(ctx); err != nil {
			return err
		}
	}
	if b.listed, err = b.repo.listPacks(ctx); err != nil {
		return err
	}
	if b.index, err = b.repo.freshIndex(ctx); err != nil {
		return err
	}
	return b.adoptOrphans(ctx)
}

// adoptOrphans takes over packs that no segment tells of, so that what an interrupted batch stored is not stored again.
func (b *Batch) adoptOrphans(ctx context.Context) error {
	known, err := b.index.Packs()
	if errors.Is(err, index.ErrDamaged) {
		if err = b.repo.restart(ctx, b.index); err == nil {
			known, err = b.index.Packs()
		}
	}
	if err != nil {
		return fmt.Errorf("ask the local index for its packs: %w", err)
	}
	for name := range known {
		if _, there := b.listed[pack.Name(name)]; !there {
			b.missing = true
		}
	}
	for name := range b.condemned {
		known[name] = struct{}{}
	}
	orphans, err := b.repo.adopt(ctx, b.listed, known)
	if err != nil || len(orphans) == 0 {
		return err
	}
	for _, p := range orphans { // whoever put it may have died before its name was durable
		if err := storage.Settle(ctx, b.repo.store, path.Dir(packPath(p.Name))+"/"); err != nil {
			return err
		}
	}
	b.stored = orphans
	return b.writeSegment(ctx)
}

// Put reads r to its end and stores what the repository does not have. It answers with the stream's parts and how many of
// its bytes were new. An error of r comes back as it is; any other error means that the batch cannot go on.
func (b *Batch) Put(ctx context.Context, r io.Reader) (c Content, fresh int64, err error) {
	err = b.PutEach(ctx, r, func(p Part, isNew bool) error {
		c = append(c, p)
		if isNew {
			fresh += int64(p.Size)
		}
		return nil
	})
	return c, fresh, err
}

// PutEach is Put for who wants to know of each part as soon as it is taken: it is durable after the next Flush. An error of each ends it, as one of
// the store.
func (b *Batch) PutEach(ctx context.Context, r io.Reader, each func(p Part, isNew bool) error) error {
	return b.repo.cutter.Cut(r, func(p chunk.Piece) error {
		part, isNew, err := b.PutChunk(ctx, p.Kind, p.Data)
		if err == nil {
			err = each(part, isNew)
		}
		if err != nil {
			return &storeError{err}
		}
		return nil
	})
}

// storeError tells errors of the store from errors of the source in what Put returns.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

// IsStoreError tells whether an error of Put came from the repository rather than from the stream.
func IsStoreError(err error) bool {
	var e *storeError
	return errors.As(err, &e)
}

// Part names data as a chunk, and stores nothing.
func (r *Repo) Part(kind chunk.Kind, data []byte) Part {
	return Part{Kind: kind, ID: r.keys.ChunkID(kind, data), Size: uint32(len(data))}
}

// PutChunk stores data as one chunk, uncut: at most pack.MaxChunk bytes, at least one.
func (b *Batch) PutChunk(ctx context.Context, kind chunk.Kind, data []byte) (Part, bool, error) {
	part := b.repo.Part(kind, data)
	known, err := b.claim(ctx, part)
	if err != nil || known {
		return part, false, err
	}
	if err := b.packer.add(ctx, part, data); err != nil {
		return part, false, err
	}
	return part, true, nil
}

// claim tells whether a chunk is stored or being stored already; if not, it is the caller's to store.
func (b *Batch) claim(ctx context.Context, p Part) (known bool, err error) {
	known, err = b.has(ctx, p)
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count.Chunks++
	b.count.Bytes += int64(p.Size)
	if _, ours := b.pending[p.ID]; ours || known {
		return true, nil
	}
	b.pending[p.ID] = struct{}{}
	b.count.Fresh++
	b.count.FreshBytes += int64(p.Size)
	return false, nil
}

// has tells whether a chunk lies, in full, in a pack that is in the store and that nobody is about to delete.
// A wrong yes would lose data, so the pack must stand in a listing, not only in the index.
func (b *Batch) has(ctx context.Context, p Part) (bool, error) {
	place, ok, err := b.repo.ask(ctx, b.index, p.ID)
	if err != nil || !ok || place.Kind != p.Kind || place.Plain != p.Size {
		return false, err
	}
	return b.safe(place), nil
}

func (b *Batch) safe(place index.Place) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	size, there := b.listed[pack.Name(place.Pack)]
	if !guard.On(guard.PackListed) {
		size, there = 1<<62, true
	}
	_, going := b.condemned[place.Pack]
	return there && !going && int64(place.Offset)+int64(place.Stored) < size
}

// Has tells whether every part of a content is safely stored: then its source need not be read.
func (b *Batch) Has(ctx context.Context, c Content) (bool, error) {
	for _, p := range c {
		known, err := b.has(ctx, p)
		if err != nil {
			return false, err
		}
		b.mu.Lock()
		_, ours := b.pending[p.ID]
		b.mu.Unlock()
		if !known && !ours {
			return false, nil
		}
	}
	return true, nil
}

// Quiet tells whether no pruner was at work when the batch began, and no pack was missing: then what a confirmed snapshot
// holds is safe unlooked-at.
func (b *Batch) Quiet() bool { return len(b.condemned) == 0 && !b.missing }

// Session names the session.
func (b *Batch) Session() string { return b.session }

// Count tells what was done so far.
func (b *Batch) Count() Count {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// Checkpoint makes everything durable that was Put before it was called, and then leaves note for whoever finds the
// session unfinished. Put may go on meanwhile.
func (b *Batch) Checkpoint(ctx context.Context, note []byte) error {
	if err := b.Flush(ctx); err != nil {
		return err
	}
	b.notes++
	return b.repo.putRecord(ctx, sessionKind, fmt.Sprintf("%s.%06d%s", b.session, b.notes, partSuffix), note)
}

// Flush makes packs durable and then writes a segment of them: in this order. Put may go on meanwhile.
func (b *Batch) Flush(ctx context.Context) error {
	if err := b.packer.drain(ctx); err != nil {
		return err
	}
	return b.writeSegment(ctx)
}

func (b *Batch) writeSegment(ctx context.Context) error {
	b.mu.Lock()
	packs := b.stored
	b.stored = nil
	b.mu.Unlock()
	for some := range segmentsOf(packs) {
		name, err := b.repo.putSegment(ctx, segment{Packs: some, Session: b.session})
		if err != nil {
			return err
		}
		if b.index == nil { // a carrier
			continue
		}
		if err := load(b.index, name, some); err != nil {
			return err
		}
		if err := b.forgetPending(some); err != nil {
			return err
		}
	}
	return nil
}

// forgetPending lets the index answer for the chunks of these packs from now on.
func (b *Batch) forgetPending(packs []packEntry) error {
	var damaged error
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := range indexEntries(packs, &damaged) {
		delete(b.pending, e.ID)
	}
	return damaged
}

// Abort ends the batch without a record. What is durable stays and will be found again, by its notes too. The session ends, so that
// no prune waits for it, as far as the store still works.
func (b *Batch) Abort() {
	if !b.stop() {
		return
	}
	b.repo.closeSession(b.packer.ctx, b.session)
}

// stop ends the uploaders, and tells whether they were at work.
func (b *Batch) stop() bool {
	b.mu.Lock()
	ended := b.ended
	b.ended = true
	b.mu.Unlock()
	if !ended {
		b.packer.stop()
	}
	return !ended
}
