package repo

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"shoebox/repo/guard"
)

// Needs yields every part a record relies on: pages and contents. It is asked only when a prune was at work beside the batch.
type Needs func(ctx context.Context) iter.Seq2[Part, error]

// ErrPruned says that a prune took away what the batch relied on and its source is gone: back up again.
var ErrPruned = errors.New("a prune at the same time removed chunks this backup relied on; run the backup again")

// Commit makes everything durable and then writes the record: steps W3 to W6 of the protocol. It answers with the record's
// name only when the record is confirmed.
func (b *Batch) Commit(ctx context.Context, kind string, body []byte, needs Needs) (name string, err error) {
	if guard.On(guard.RecordOrder) {
		if err := b.Flush(ctx); err != nil {
			return "", err
		}
	}
	if guard.On(guard.LookAgain) {
		if err := b.settle(ctx, needs); err != nil { // W3
			return "", err
		}
	}
	if name, err = b.repo.newName(); err != nil {
		return "", err
	}
	if err := b.repo.writeRecord(ctx, kind, name, b.session, body); err != nil { // W4
		return "", err
	}
	if err := b.confirm(ctx, kind, name, needs); err != nil {
		return "", err
	}
	if !guard.On(guard.RecordOrder) {
		if err := b.Flush(ctx); err != nil {
			return "", err
		}
	}
	b.stop()
	return name, nil
}

// settle looks at marks and packs again, and copies what is about to be deleted into packs of this batch, until nothing
// the record relies on is at risk.
func (b *Batch) settle(ctx context.Context, needs Needs) error {
	quiet := b.Quiet()
	gone, err := b.look(ctx)
	if err != nil {
		return err
	}
	if !gone && quiet && len(b.condemned) == 0 {
		return nil // also what was taken over unlooked-at, such as a page of the parent, is where it was
	}
	for {
		moved, err := b.rehome(ctx, needs)
		if err != nil || !moved {
			return err
		}
	}
}

// look takes a new view of the store, marks before packs, and tells whether a pack that was there before is missing or has
// another size.
func (b *Batch) look(ctx context.Context) (gone bool, err error) {
	marks, err := b.repo.condemned(ctx)
	if err != nil {
		return false, err
	}
	listed, err := b.repo.listPacks(ctx)
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, size := range b.listed {
		if now, ok := listed[name]; !ok || now != size {
			gone = true
		}
	}
	b.condemned, b.listed = marks, listed
	return gone, nil
}

// rehome copies every needed chunk without a safe home into packs of this batch, and tells whether there were any.
func (b *Batch) rehome(ctx context.Context, needs Needs) (moved bool, err error) {
	for part, err := range needs(ctx) {
		if err != nil {
			return moved, fmt.Errorf("look for chunks a prune condemned: %w", err)
		}
		known, err := b.claim(ctx, part)
		if err != nil {
			return moved, err
		}
		if known {
			continue
		}
		data, err := b.repo.Chunk(ctx, part)
		if err != nil {
			return moved, errors.Join(ErrPruned, err)
		}
		if err := b.packer.add(ctx, part, data); err != nil {
			return moved, err
		}
		moved = true
	}
	if !moved {
		return false, nil
	}
	return true, b.Flush(ctx)
}

// confirm is W5 and W6: unless a pruner took this session for dead, it is done. If one did, everything is looked at again; and
// when something cannot be saved, the record is taken back, as it promises what is not there.
func (b *Batch) confirm(ctx context.Context, kind, name string, needs Needs) error {
	revoked, err := b.repo.revoked(ctx, b.session)
	if err != nil {
		return err
	}
	if revoked && guard.On(guard.LookRevoke) {
		if err := b.resettle(ctx, needs); err != nil {
			return errors.Join(err, b.repo.store.Delete(ctx, kind+"/"+name))
		}
	}
	if err := b.repo.putRecord(ctx, sessionKind, b.session+doneSuffix, nil); err != nil && guard.On(guard.DoneLast) {
		return err
	}
	_ = b.repo.dropFrom(ctx, b.session, openSuffix, partSuffix) // .done says it all; what stays here a prune tidies away
	return nil
}

// resettle looks until one whole look finds nothing at risk.
func (b *Batch) resettle(ctx context.Context, needs Needs) error {
	for {
		if _, err := b.look(ctx); err != nil {
			return err
		}
		moved, err := b.rehome(ctx, needs)
		if err != nil || !moved {
			return err
		}
	}
}
