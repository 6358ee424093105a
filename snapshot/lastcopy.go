package snapshot

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
)

// LastCopy is a file whose content stands in no snapshot that stays.
type LastCopy struct {
	Entry
	Snapshot Snapshot // the newest of those that leave and hold it
}

// content tells the bytes of a file from all others.
type content struct {
	hash [32]byte
	size int64
}

func contentOf(e Entry) content { return content{e.Hash, e.Size} }

// share is a snapshot, or the entries of it that pass.
type share struct {
	Snapshot
	pass func(Entry) bool // nil for all
}

func wholes(snapshots []Snapshot) (all []share) {
	for _, s := range snapshots {
		all = append(all, share{s, nil})
	}
	return all
}

// search looks for last copies. Its memory is that of the page ids of what stays, of the contents that are not found yet, and in the
// end of the last copies.
type search struct {
	reader  *pageReader
	sought  map[content]struct{}
	found   []LastCopy
	missing []lostPage // pages of what leaves that could not be read
}

// lostPage is a place in a snapshot that cannot be read.
type lostPage struct {
	snapshot Snapshot
	err      error
}

// lastCopies finds the files of leaving snapshots whose content is in none of the staying ones, each content once, under the path it has
// in the first of leaving that holds it. Pages both sides share are not looked into, so its time is that of what differs, and
// that of all pages of the staying side only while something was not found there.
func lastCopies(ctx context.Context, r *repo.Repo, leaving, staying []share) (*search, error) {
	s := &search{reader: newPageReader(r, false), sought: make(map[content]struct{})}
	if len(leaving) == 0 {
		return s, nil
	}
	shared := make(map[chunk.ID]struct{})
	for _, one := range staying {
		if one.pass != nil {
			continue
		}
		if s.reader.pageIDs(ctx, rootOf(one.root), anyLevel, shared); ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if err := s.gather(ctx, leaving, shared, func(c LastCopy) { s.sought[contentOf(c.Entry)] = struct{}{} }); err != nil {
		return nil, err
	}
	if err := s.strike(ctx, staying); err != nil || len(s.sought) == 0 {
		return s, err
	}
	s.missing = nil // or they would be told twice
	return s, s.gather(ctx, leaving, shared, s.take)
}

// gather visits the files of what leaves.
func (s *search) gather(ctx context.Context, leaving []share, shared map[chunk.ID]struct{}, visit func(LastCopy)) error {
	visited := make(map[chunk.ID]struct{})
	for _, one := range leaving {
		for e, err := range s.reader.walk(ctx, one.root, one.once(shared, visited)) {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil && !isLost(err):
				return err
			case err != nil:
				s.missing = append(s.missing, lostPage{one.Snapshot, err})
			case e.Type == device.Regular && one.has(*e.Entry):
				visit(LastCopy{*e.Entry, one.Snapshot})
			}
		}
	}
	return nil
}

// take takes one of those still sought.
func (s *search) take(c LastCopy) {
	key := contentOf(c.Entry)
	if _, ok := s.sought[key]; ok {
		delete(s.sought, key)
		s.found = append(s.found, c)
	}
}

// isLost tells whether something is damaged or gone, and not only out of reach for now.
func isLost(err error) bool {
	return errors.Is(err, crypt.ErrDamaged) || errors.Is(err, repo.ErrMissing) || errors.Is(err, fs.ErrNotExist)
}

// strike takes out what is found in a snapshot that stays. A page that is lost holds nothing.
func (s *search) strike(ctx context.Context, staying []share) error {
	visited := make(map[chunk.ID]struct{})
	for _, one := range slices.Backward(staying) { // the newest first: most of it is there
		if len(s.sought) == 0 {
			break
		}
		for e, err := range s.reader.walk(ctx, one.root, one.once(nil, visited)) {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil && !isLost(err):
				return err
			}
			if err == nil && e.Type == device.Regular && one.has(*e.Entry) {
				delete(s.sought, contentOf(*e.Entry))
			}
		}
	}
	return nil
}

func (s share) has(e Entry) bool { return s.pass == nil || s.pass(e) }

// once leaves out pages that are shared or were visited. Of a snapshot of which only some entries count every page is looked at.
func (s share) once(shared, visited map[chunk.ID]struct{}) func(childForm) bool {
	if s.pass != nil {
		return nil
	}
	return func(c childForm) bool {
		_, there := shared[c.Part.ID]
		_, seen := visited[c.Part.ID]
		visited[c.Part.ID] = struct{}{}
		return there || seen
	}
}

// pageIDs adds the ids of a page and of all below. It reads only pages that tell of others; what cannot be read tells of none.
func (r *pageReader) pageIDs(ctx context.Context, c childForm, below int, into map[chunk.ID]struct{}) {
	if _, ok := into[c.Part.ID]; ok || c.Part.Size == 0 || ctx.Err() != nil {
		return
	}
	p, err := r.read(ctx, c, below)
	if err != nil {
		return
	}
	into[c.Part.ID] = struct{}{}
	for _, child := range p.children {
		if p.level == 1 {
			into[child.Part.ID] = struct{}{}
		} else {
			r.pageIDs(ctx, child, p.level, into)
		}
	}
}
