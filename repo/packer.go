package repo

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"shoebox/repo/guard"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// packer fills the open packs of a batch and sends full ones to the store, several at a time. Chunks of data are
// spread at random over two open packs, so that the order of a file's chunks is not the order in a pack.
type packer struct {
	batch  *Batch
	ctx    context.Context // of the batch: an upload outlives the Put that filled the pack
	cancel context.CancelCauseFunc
	group  *errgroup.Group // uploaders, hashers and writers
	full   chan *openPack
	sealed chan *openPack             // with something to be hashed
	pieces chan *openPack             // with something to be written ahead
	spare  map[pack.Class]chan []byte // buffers; taking one waits until an upload is over
	codes  sync.Pool                  // scratch for compression

	mu   sync.Mutex
	open map[pack.Class][]*openPack

	flying map[*openPack]struct{} // full and not yet stored
}

type openPack struct {
	*pack.Builder
	class  pack.Class
	buf    []byte
	stored chan struct{} // closed when the upload is over
	behind atomic.Bool   // somebody is to hash it on
	ahead
}

const (
	dataPacks    = 2 // open at once
	hashers      = 2 // goroutines that hash open packs
	writersAhead = 2 // and that write what is settled of them
)

func newPacker(ctx context.Context, b *Batch) *packer {
	p := &packer{batch: b, full: make(chan *openPack), sealed: make(chan *openPack, dataPacks+1), pieces: make(chan *openPack, dataPacks+1), open: make(map[pack.Class][]*openPack),
		spare: make(map[pack.Class]chan []byte), flying: make(map[*openPack]struct{})}
	// Uploads outlive the caller's patience: a backup that is interrupted still makes safe what it has read.
	p.ctx, p.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	p.group = new(errgroup.Group)
	p.open[pack.Data] = make([]*openPack, dataPacks)
	p.open[pack.Meta] = make([]*openPack, 1)
	for class, packs := range p.open {
		p.spare[class] = make(chan []byte, len(packs)+min(b.options.Uploads, b.options.InMemory))
		for range cap(p.spare[class]) {
			p.spare[class] <- nil // made when first needed
		}
	}
	for range b.options.Uploads {
		p.group.Go(func() error { return p.serve(p.full, p.upload) })
	}
	for range hashers {
		p.group.Go(func() error { return p.serve(p.sealed, p.hashOn) })
	}
	for range writersAhead {
		p.group.Go(func() error { return p.serve(p.pieces, p.writeDue) })
	}
	return p
}

// add compresses a chunk where that pays and seals it into an open pack.
func (p *packer) add(ctx context.Context, part Part, plain []byte) error {
	var scratch []byte
	if s, ok := p.codes.Get().(*[]byte); ok {
		scratch = *s
	}
	data, how, err := p.batch.repo.compress.Compress(scratch, plain, part.Kind)
	if err != nil {
		return fmt.Errorf("compress chunk %v: %w", part.ID, err)
	}
	if how != pack.None {
		defer func() { p.codes.Put(&data) }()
	}
	return p.seal(ctx, part, data, how)
}

// seal puts what may be compressed already into an open pack.
func (p *packer) seal(ctx context.Context, part Part, data []byte, how pack.Compression) error {
	class := pack.ClassOf(part.Kind)
	slot := 0
	if class == pack.Data {
		slot = rand.IntN(dataPacks)
	}
	for {
		to, err := p.current(ctx, class, slot)
		if err != nil {
			return err
		}
		ok, err := to.Add(part.Kind, part.ID, data, how, int(part.Size))
		if ok {
			p.follow(to)
		}
		if err != nil || ok {
			return err
		}
		if to.Size() == 0 {
			return fmt.Errorf("chunk %v of %d bytes is larger than a pack", part.ID, part.Size)
		}
		p.replace(class, slot, to)
	}
}

// current gives the open pack of a slot, beginning one when there is none. It may wait for an upload to be over.
func (p *packer) current(ctx context.Context, class pack.Class, slot int) (*openPack, error) {
	p.mu.Lock()
	to := p.open[class][slot]
	p.mu.Unlock()
	if to != nil {
		return to, nil
	}
	buf, err := p.buffer(ctx, class)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if to := p.open[class][slot]; to != nil { // somebody else was faster
		p.spare[class] <- buf
		return to, nil
	}
	to = &openPack{Builder: pack.NewBuilder(p.batch.repo.keys, class, buf), class: class, buf: buf, stored: make(chan struct{})}
	p.open[class][slot] = to
	return to, nil
}

func (p *packer) buffer(ctx context.Context, class pack.Class) ([]byte, error) {
	select {
	case buf := <-p.spare[class]:
		if buf == nil {
			size := p.batch.options.DataPack
			if class == pack.Meta {
				size = p.batch.options.MetaPack
			}
			buf = storage.AlignedBuffer(size)
		}
		return buf, nil
	case <-p.ctx.Done():
		return nil, context.Cause(p.ctx)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// replace sends a full pack on its way, unless somebody did already.
func (p *packer) replace(class pack.Class, slot int, was *openPack) {
	p.mu.Lock()
	if p.open[class][slot] != was {
		p.mu.Unlock()
		return
	}
	p.open[class][slot] = nil
	p.flying[was] = struct{}{}
	p.mu.Unlock()
	p.send(was)
}

func (p *packer) send(to *openPack) {
	select {
	case p.full <- to:
	case <-p.ctx.Done():
	}
}

// serve does something with each of the packs that come, until the batch ends.
func (p *packer) serve(packs <-chan *openPack, do func(*openPack)) error {
	for {
		select {
		case <-p.ctx.Done():
			return nil
		case to := <-packs:
			do(to)
		}
	}
}

// follow has another goroutine hash what was sealed, so that who sealed it can let go of what it read. When many are behind, whoever adds the next
// chunk asks again, and at last Finish hashes all.
func (p *packer) follow(to *openPack) {
	if !to.behind.CompareAndSwap(false, true) {
		return
	}
	select {
	case p.sealed <- to:
	default:
		to.behind.Store(false)
	}
}

func (p *packer) hashOn(to *openPack) {
	to.behind.Store(false)
	to.HashOn()
	p.writeAhead(to)
}

// upload stores a full pack.
func (p *packer) upload(to *openPack) {
	if err := p.store(to); err != nil {
		p.cancel(err)
	}
	p.landed(to)
}

func (p *packer) landed(to *openPack) {
	p.mu.Lock()
	delete(p.flying, to)
	p.mu.Unlock()
	close(to.stored)
}

// store writes a pack, lets others have its memory, and then waits until it is durable.
func (p *packer) store(to *openPack) error {
	e, staged, err := p.stage(to)
	p.spare[to.class] <- to.buf
	if err != nil {
		return err
	}
	if err := staged.Commit(p.ctx); err != nil {
		return fmt.Errorf("store %s: %w", packPath(e.Name), err)
	}
	if guard.On(guard.SegmentOrder) {
		p.batch.wasStored(e)
	}
	p.batch.durable(e.Name, e.Size)
	return nil
}

func (p *packer) stage(to *openPack) (e packEntry, s storage.Staged, err error) {
	done, err := to.Finish()
	if err != nil {
		to.discard()
		return e, nil, err
	}
	e = packEntry{Name: done.Name, Size: int64(len(done.Bytes)), Class: done.Class, Lines: pack.AppendEntries(nil, done.Entries)}
	if !guard.On(guard.SegmentOrder) {
		p.batch.wasStored(e)
		if err := p.batch.writeSegment(p.ctx); err != nil {
			to.discard()
			return e, nil, err
		}
	}
	if s, err = to.stage(p.ctx, p.batch.repo.store, packPath(done.Name), done.Bytes); err != nil {
		return e, nil, fmt.Errorf("store %s: %w", packPath(done.Name), err)
	}
	return e, s, nil
}

// wasStored notes a pack that is durable.
func (b *Batch) wasStored(e packEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stored = append(b.stored, e)
	b.listed[e.Name] = e.Size
	b.count.Packs++
	if e.Class == pack.Meta {
		b.count.MetaBytes += e.Size
	} else {
		b.count.StoredBytes += e.Size
	}
}

// drain sends every open pack on its way and waits until all that were sent by then are durable.
func (p *packer) drain(ctx context.Context) error {
	for _, to := range p.takeOpen() {
		p.send(to)
	}
	p.mu.Lock()
	flying := slices.Collect(maps.Keys(p.flying))
	p.mu.Unlock()
	for _, to := range flying {
		select {
		case <-to.stored:
		case <-p.ctx.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(p.ctx)
}

// takeOpen closes the slots of all packs that hold something.
func (p *packer) takeOpen() (taken []*openPack) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, packs := range p.open {
		for slot, to := range packs {
			if to != nil && to.Size() > 0 {
				taken, packs[slot] = append(taken, to), nil
				p.flying[to] = struct{}{}
			}
		}
	}
	return taken
}

// stop ends the uploaders and waits for them. What is in open packs is lost, with what was written of them ahead, which is right: no
// record needs it. The buffers are let go of here: the runtime knows the pool in this packer, and with it the packer, until some
// collections later.
func (p *packer) stop() {
	p.cancel(context.Canceled)
	_ = p.group.Wait() // uploads return no error: the context's cause has it
	p.mu.Lock()
	defer p.mu.Unlock()
	for class, packs := range p.open {
		for _, to := range packs {
			if to != nil {
				p.flying[to] = struct{}{}
			}
		}
		clear(packs)
		empty(p.spare[class])
	}
	empty(p.sealed)
	empty(p.pieces)
	for to := range p.flying {
		to.discard()
	}
	clear(p.flying)
}

// empty takes out what lies in a channel that nobody uses any more.
func empty[T any](c chan T) {
	for {
		select {
		case <-c:
		default:
			return
		}
	}
}
