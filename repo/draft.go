package repo

import (
	"context"
	"path"
	"sync"
	"sync/atomic"

	"shoebox/repo/storage"
)

// pieces is in how many pieces a full pack is written. All but the last are written while it is being filled, so that little is left to be waited for
// once it is full, and the disk has something to do meanwhile.
const pieces = 4

// piecesAlign is what the length of a piece is a multiple of, in bytes, so that a disk takes it past the page cache.
const piecesAlign = 4096

// ahead is what the store has of an open pack already.
type ahead struct {
	asked atomic.Int64 // bytes that somebody is to write, or did

	mu      sync.Mutex
	draft   storage.Draft // nil: nothing was written
	written int           // bytes
	over    bool          // nothing is written ahead any more: the pack is staged or discarded, or the store takes no drafts
	failed  error
}

// piece is how much of the pack is written at a time, in bytes.
func (to *openPack) piece() int { return max(cap(to.buf)/pieces/piecesAlign, 1) * piecesAlign }

// due is what of the pack is to be written now: whole pieces.
func (to *openPack) due() []byte {
	settled := to.Settled()
	return settled[:len(settled)/to.piece()*to.piece()]
}

// writeAhead has another goroutine write what became settled, unless all are busy: then it is written later.
func (p *packer) writeAhead(to *openPack) {
	n, asked := int64(len(to.due())), to.asked.Load()
	if n <= asked || !to.asked.CompareAndSwap(asked, n) {
		return
	}
	select {
	case p.pieces <- to:
	default:
		to.asked.CompareAndSwap(n, asked)
	}
}

// writeDue writes what is due of an open pack. Who stages the pack hears of a failure.
func (p *packer) writeDue(to *openPack) {
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.over || to.failed != nil {
		return
	}
	due := to.due()
	if len(due) <= to.written {
		return
	}
	if to.draft == nil {
		if to.draft, to.failed = storage.BeginDraft(p.ctx, p.batch.repo.store, path.Clean(packsDir)); to.draft == nil {
			to.over = to.failed == nil
			return
		}
	}
	if _, to.failed = to.draft.Write(due[to.written:]); to.failed == nil {
		to.written = len(due)
	}
}

// end has nothing more written ahead, waits for who is writing, and gives what was begun.
func (to *openPack) end() (storage.Draft, error) {
	to.mu.Lock()
	defer to.mu.Unlock()
	draft := to.draft
	to.over, to.draft = true, nil
	return draft, to.failed
}

// stage writes what is left of the finished pack.
func (to *openPack) stage(ctx context.Context, store storage.Store, name string, all []byte) (storage.Staged, error) {
	draft, err := to.end()
	switch {
	case draft == nil && err == nil:
		return storage.Stage(ctx, store, name, all)
	case err == nil:
		return draft.Stage(ctx, name, all)
	case draft != nil:
		draft.Discard()
	}
	return nil, err
}

// discard takes back what was written of a pack that will not be finished.
func (to *openPack) discard() {
	if draft, _ := to.end(); draft != nil {
		draft.Discard()
	}
}
