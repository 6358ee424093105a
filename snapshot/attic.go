package snapshot

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"shoebox/device"
	"shoebox/repo"
)

// An attic is a snapshot of last copies: the files of forgotten snapshots of one device whose content no other snapshot holds. A new
// one takes the place of the one before, with all of its entries. When two computers write one each at the same time, both stay until
// the next takes the place of both.

// atticWork is an attic that is to be written.
type atticWork struct {
	device Device
	old    []Snapshot         // attics of the device whose place it takes, oldest first
	leave  func(Entry) bool   // entries of the old ones that are let go; nil for none
	extras []LastCopy         // what it takes in, in any order
	names  map[content]string // of extras, once they are placed
}

// gatherOld takes in what the other old attics hold and the first does not.
func (a *atticWork) gatherOld(ctx context.Context, r *repo.Repo) error {
	have := make(map[content]bool)
	for _, x := range a.extras {
		have[contentOf(x.Entry)] = true
	}
	for _, other := range a.old[min(1, len(a.old)):] {
		for c, err := range Diff(ctx, r, a.old[0], other) {
			if err != nil {
				return fmt.Errorf("read the attics %s and %s: %w", a.old[0].Name[:8], other.Name[:8], err)
			}
			if c.What == Gone || c.What == Changed && !c.Content || have[contentOf(c.New)] || a.leaves(c.New) {
				continue
			}
			have[contentOf(c.New)] = true
			a.extras = append(a.extras, LastCopy{c.New, other})
		}
	}
	if err := a.dropKnown(ctx, r); err != nil {
		return err
	}
	slices.SortFunc(a.extras, func(x, y LastCopy) int {
		if c := strings.Compare(x.Path, y.Path); c != 0 {
			return c
		}
		if c := y.Snapshot.Start.Compare(x.Snapshot.Start); c != 0 {
			return c // the newest keeps the plain name
		}
		return slices.Compare(x.Hash[:], y.Hash[:])
	})
	return nil
}

// dropKnown takes out of the extras what the first old attic holds already.
func (a *atticWork) dropKnown(ctx context.Context, r *repo.Repo) error {
	known := make(map[content]bool)
	for e, err := range a.kept(ctx, r) {
		if err != nil {
			return err
		}
		known[contentOf(*e.Entry)] = true
	}
	a.extras = slices.DeleteFunc(a.extras, func(x LastCopy) bool { return known[contentOf(x.Entry)] })
	return nil
}

func (a *atticWork) leaves(e Entry) bool { return a.leave != nil && a.leave(e) }

// kept yields the entries of the first old attic that stay.
func (a *atticWork) kept(ctx context.Context, r *repo.Repo) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		if len(a.old) == 0 {
			return
		}
		for e, err := range newPageReader(r, false).walk(ctx, a.old[0].root, nil) {
			if err != nil {
				yield(e, fmt.Errorf("read the attic %s: %w", a.old[0].Name[:8], err))
				return
			}
			if !a.leaves(*e.Entry) && !yield(e, nil) {
				return
			}
		}
	}
}

func (a *atticWork) empty(ctx context.Context, r *repo.Repo) (bool, error) {
	for _, err := range a.kept(ctx, r) {
		return false, err
	}
	return len(a.extras) == 0, nil
}

// merged yields all entries of the new attic in order of path.
func (a *atticWork) merged(ctx context.Context, r *repo.Repo) iter.Seq2[located, error] {
	extras := make([]located, 0, len(a.extras))
	for _, x := range a.extras {
		x.Path = a.names[contentOf(x.Entry)]
		extras = append(extras, located{Entry: &x.Entry})
	}
	slices.SortFunc(extras, func(x, y located) int { return strings.Compare(x.Path, y.Path) })
	return func(yield func(located, error) bool) {
		for e, err := range a.kept(ctx, r) {
			for err == nil && len(extras) > 0 && extras[0].Path < e.Path {
				if !yield(extras[0], nil) {
					return
				}
				extras = extras[1:]
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		for _, e := range extras {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// writeAttic stores the attic and gives it back; a zero Snapshot when it would hold nothing.
func (f *forgetting) writeAttic(ctx context.Context, a *atticWork) (Snapshot, error) {
	if err := a.gatherOld(ctx, f.repo); err != nil {
		return Snapshot{}, err
	}
	if err := a.place(ctx, f.repo); err != nil {
		return Snapshot{}, err
	}
	if empty, err := a.empty(ctx, f.repo); empty || err != nil {
		return Snapshot{}, err
	}
	batch, err := f.repo.Begin(ctx, f.options.Batch)
	if err != nil {
		return Snapshot{}, fmt.Errorf("begin the attic: %w", err)
	}
	defer batch.Abort()
	if err := f.stored(ctx, batch, a); err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Confirmed: true, Attic: true, Device: a.device, Host: f.options.Host, Start: f.now, Program: f.options.Program, Writer: f.writer}
	if len(a.old) > 0 {
		s.Parent = a.old[0].Name
	}
	s.Count.New = int64(len(a.extras))
	if err := f.writePages(ctx, batch, a, &s); err != nil {
		return Snapshot{}, err
	}
	return f.commitAttic(ctx, batch, s)
}

// stored makes sure that what the attic takes in is there.
func (f *forgetting) stored(ctx context.Context, batch *repo.Batch, a *atticWork) error {
	for _, x := range a.extras {
		if err := f.storeAgain(ctx, batch, x.Content); err != nil {
			return fmt.Errorf("%s of snapshot %s cannot be carried into the attic: %w; `shoebox heal` may mend it", device.Printable(x.Path), x.Snapshot.Name[:8], err)
		}
	}
	return nil
}

// storeAgain copies chunks that are about to be deleted by a prune.
func (f *forgetting) storeAgain(ctx context.Context, batch *repo.Batch, c repo.Content) error {
	for _, part := range c {
		ok, err := batch.Has(ctx, repo.Content{part})
		if err != nil {
			return err
		}
		if ok {
			continue
		}
		data, err := f.repo.Chunk(ctx, part)
		if err != nil {
			return err
		}
		if _, _, err := batch.PutChunk(ctx, part.Kind, data); err != nil {
			return err
		}
	}
	return nil
}

func (f *forgetting) writePages(ctx context.Context, batch *repo.Batch, a *atticWork, s *Snapshot) (err error) {
	pages := newPageWriter(f.repo, func(data []byte) (repo.Part, error) {
		part, _, err := batch.PutChunk(ctx, pageKind, data)
		return part, err
	})
	for e, err := range a.merged(ctx, f.repo) {
		if err == nil {
			err = pages.add(e.Entry, e.origin)
		}
		if err != nil {
			return fmt.Errorf("write the attic: %w", err)
		}
		s.Count.Files++
		s.Count.Bytes += e.Size
	}
	s.root, err = pages.finish()
	return err
}

func (f *forgetting) commitAttic(ctx context.Context, batch *repo.Batch, s Snapshot) (Snapshot, error) {
	if err := batch.Flush(ctx); err != nil {
		return Snapshot{}, fmt.Errorf("store the pages of the attic: %w", err)
	}
	did := batch.Count()
	s.Count.Fresh, s.Count.Stored, s.End = did.FreshBytes, did.StoredBytes+did.MetaBytes, f.options.Now()
	body, err := s.encode()
	if err != nil {
		return Snapshot{}, fmt.Errorf("write the attic: %w", err)
	}
	needs := needsOf(f.repo, s.root)
	if err := sure(ctx, batch, needs); err != nil { // the old attic was read before the session was open
		return Snapshot{}, fmt.Errorf("commit the attic: %w; run forget again, or `shoebox heal` if that says the same", err)
	}
	if s.Name, err = batch.Commit(ctx, Kind, body, needs); err != nil {
		return Snapshot{}, fmt.Errorf("commit the attic: %w; `shoebox check` tells whether something is damaged", err)
	}
	f.writer = Writer{ID: f.writer.ID, Seq: f.writer.Seq + 1, Prev: s.Name}
	return s, nil
}

// needsOf is all that a snapshot with this root relies on.
func needsOf(r *repo.Repo, root repo.Part) repo.Needs {
	pages := newPageReader(r, false)
	return func(ctx context.Context) iter.Seq2[repo.Part, error] { return pages.parts(ctx, root) }
}
