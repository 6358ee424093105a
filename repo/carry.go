package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

const (
	longestRun = 4<<20 - 2*page // bytes read at once, but for a single chunk that is larger; with the rest of the pages they lie on
	widestGap  = 128 << 10      // bytes of dead chunks that are read along, as another request costs more
)

// runs deals out entries of a pack, which are in order, to reads.
func runs(entries []pack.Entry) iter.Seq[[]pack.Entry] {
	return func(yield func([]pack.Entry) bool) {
		for len(entries) > 0 {
			n, end := 1, entries[0].Offset+entries[0].Stored
			for _, e := range entries[1:] {
				if e.Offset-end > widestGap || e.Offset+e.Stored-entries[0].Offset > longestRun {
					break
				}
				n, end = n+1, e.Offset+e.Stored
			}
			if !yield(entries[:n]) {
				return
			}
			entries = entries[n:]
		}
	}
}

// carry reads chunks that lie side by side in a pack, opens and hashes them, and puts them into a new pack. Damaged ones stay: B3 spares the
// pack, as they have no other home.
func (p *pruner) carry(ctx context.Context, b *Batch, name pack.Name, run []pack.Entry) error {
	first, last := run[0], run[len(run)-1]
	from, length := pagesAround(int64(first.Offset), int64(last.Offset+last.Stored-first.Offset))
	memory := p.memory.Take(int(length))
	defer p.memory.Give(memory)
	err := storage.GetInto(ctx, p.repo.store, packPath(name), from, memory[:length])
	if err != nil && len(run) > 1 { // some of them may be there
		for i := range run {
			if err := p.carry(ctx, b, name, run[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return p.leave(err, "read a chunk from %s", packPath(name))
	}
	for _, e := range run {
		at := int64(e.Offset) - from
		if err := p.reseal(ctx, b, e, memory[at:at+int64(e.Stored):at+int64(e.Stored)]); err != nil {
			if err := p.leave(err, "chunk %v in %s", e.ID, packPath(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// reseal opens a chunk in place, and seals it anew as compressed as it was: with the same bytes a store could tell from an old pack and a new
// one where chunks begin.
func (p *pruner) reseal(ctx context.Context, b *Batch, e pack.Entry, sealed []byte) error {
	data, err := p.repo.unseal(e, sealed)
	if err != nil {
		return err
	}
	if _, err := p.repo.expand(e, data); err != nil {
		return err
	}
	if err := b.packer.seal(ctx, Part{Kind: e.Kind, ID: e.ID, Size: e.Plain}, data, e.Encoding.Compression()); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p.report.Copied += int64(e.Stored)
	return nil
}

// leave tells of what cannot be read and goes on, unless it is the store that fails.
func (p *pruner) leave(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if !errors.Is(err, crypt.ErrDamaged) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: %w", what, err)
	}
	p.options.Log(fmt.Sprintf("%s: %v: it stays as it is; `shoebox heal` may mend it", what, err))
	return nil
}
