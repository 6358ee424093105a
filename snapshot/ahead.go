package snapshot

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"shoebox/repo"
	"shoebox/repo/crypt"
)

// entryPage is a page of entries in its place.
type entryPage struct {
	part repo.Part
	*readPage
}

// step is a page on the way through a tree, as the page above tells of it. Once ready is closed it was read, or failed.
type step struct {
	childForm
	level int
	page  *readPage
	err   error
	ready chan struct{}
}

// leaves yields the pages of entries below a root that may hold what is wanted, in order, and reads some of them ahead, several at once. Errors and
// order are those of walk.
func (r *pageReader) leaves(ctx context.Context, root repo.Part, want wanted) iter.Seq2[*entryPage, error] {
	return func(yield func(*entryPage, error) bool) {
		if root.Size == 0 {
			return
		}
		top, err := r.read(ctx, rootOf(root), anyLevel)
		switch {
		case err != nil:
			yield(nil, err)
		case top.first() == "":
			yield(nil, errDisorder(rootOf(root)))
		case top.level == 0:
			yield(&entryPage{root, top}, nil)
		default:
			r.leavesBelow(ctx, top, want, yield)
		}
	}
}

func errDisorder(c childForm) error {
	return fmt.Errorf("page %v is %w: its entries come before those of the page before it", c.Part.ID, crypt.ErrDamaged)
}

// leavesBelow lets one goroutine find the way and several read.
func (r *pageReader) leavesBelow(ctx context.Context, top *readPage, want wanted, yield func(*entryPage, error) bool) {
	readers := min(runtime.NumCPU(), len(top.children))
	reading, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	d := &descent{reader: r, ctx: reading, want: want, order: make(chan *step, 4*readers), leaves: make(chan *step, 4*readers)}
	all.Go(func() {
		defer close(d.order)
		defer close(d.leaves)
		d.below(top, "")
	})
	for range readers {
		all.Go(d.read)
	}
	meetLeaves(ctx, d.order, yield)
}

// descent goes down a tree and tells of its pages in order.
type descent struct {
	reader *pageReader
	ctx    context.Context
	want   wanted
	order  chan *step // all pages
	leaves chan *step // those of entries, to be read
	last   string     // the first path of the page of entries, or of the damaged one, that was told of last
}

// below tells of the pages below a page, and whether to go on. What comes behind the page begins with the path next, or nothing does. No page is entered whose first path does not come after all that went before: so this ends,
// whatever the pages say.
func (d *descent) below(p *readPage, next string) bool {
	for i, c := range p.children {
		end := next
		if i+1 < len(p.children) {
			end = string(p.children[i+1].First)
		}
		if !d.want.between(string(c.First), end) {
			continue
		}
		s := &step{childForm: c, level: p.level - 1, ready: make(chan struct{})}
		switch {
		case string(c.First) <= d.last:
			s.err = errDisorder(c)
		case s.level > 0:
			s.page, s.err = d.reader.read(d.ctx, c, p.level)
		}
		if s.level == 0 || s.err != nil {
			d.last = max(d.last, string(c.First))
		}
		inner := s.page // a page of entries has none yet, and is its reader's from here on
		if !d.tell(s) || inner != nil && !d.below(inner, end) {
			return false
		}
	}
	return true
}

// tell puts a page into the order, and into the hands of a reader when it is to be read yet.
func (d *descent) tell(s *step) bool {
	toRead := d.leaves
	if s.level > 0 || s.err != nil {
		close(s.ready)
		toRead = nil
	}
	select {
	case d.order <- s:
	case <-d.ctx.Done():
		return false
	}
	if toRead == nil {
		return true
	}
	select {
	case toRead <- s:
		return true
	case <-d.ctx.Done():
		return false
	}
}

func (d *descent) read() {
	for s := range d.leaves {
		s.page, s.err = d.reader.read(d.ctx, s.childForm, s.level+1)
		close(s.ready)
	}
}

// meetLeaves yields what is told of in order. What stands below a page that is not in its place is left out with it.
func meetLeaves(ctx context.Context, order <-chan *step, yield func(*entryPage, error) bool) {
	last, out := "", 0 // the path yielded last; the level of the page left out
	for s := range order {
		if s.level < out {
			continue
		}
		out = 0
		select {
		case <-s.ready:
		case <-ctx.Done():
			yield(nil, context.Cause(ctx))
			return
		}
		if s.err == nil && string(s.page.first()) <= last {
			s.err = errDisorder(s.childForm)
		}
		switch {
		case s.err != nil:
			out = s.level
			if !yield(nil, s.err) || ctx.Err() != nil {
				return
			}
		case s.level == 0:
			last = s.page.entries[len(s.page.entries)-1].Path
			if !yield(&entryPage{s.Part, s.page}, nil) {
				return
			}
		}
	}
	if ctx.Err() != nil {
		yield(nil, context.Cause(ctx))
	}
}
