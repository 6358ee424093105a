package snapshot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"strings"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
)

// pageReader reads pages. With a memo, a page that several snapshots share is read once, and one goroutine alone may use it, to look paths up.
type pageReader struct {
	chunk func(context.Context, repo.Part) ([]byte, error)
	memo  map[chunk.ID]*readPage // nil to remember nothing
}

// readPage is a page that was checked.
type readPage struct {
	level    int
	entries  []Entry
	children []childForm
	count    int64 // entries in it and below
}

// first is the path of the first entry in the page or below.
func (p *readPage) first() wire.Bytes {
	if p.level > 0 {
		return p.children[0].First
	}
	return wire.Bytes(p.entries[0].Path)
}

func newPageReader(r *repo.Repo, remember bool) *pageReader {
	p := &pageReader{chunk: r.Chunk}
	if remember {
		p.memo = make(map[chunk.ID]*readPage)
	}
	return p
}

// rootOf is a root as a page above it would tell of it.
func rootOf(part repo.Part) childForm { return childForm{Part: part} }

// read reads a page and holds it against what the page above says of it; below is that page's level, or beyond any for a root.
func (r *pageReader) read(ctx context.Context, c childForm, below int) (*readPage, error) {
	p, err := r.load(ctx, c.Part)
	if err != nil {
		return nil, err
	}
	return c.checked(p, below)
}

// checked gives a page that is what the page above, on level below, says of it.
func (c childForm) checked(p *readPage, below int) (*readPage, error) {
	switch {
	case below <= maxLevel && p.level != below-1:
		return nil, fmt.Errorf("page %v is %w: it stands on level %d below level %d", c.Part.ID, crypt.ErrDamaged, p.level, below)
	case below <= maxLevel && (p.first() != c.First || p.count != c.Count):
		return nil, fmt.Errorf("page %v is %w: it is not the one the page above speaks of", c.Part.ID, crypt.ErrDamaged)
	}
	return p, nil
}

// anyLevel stands above every page.
const anyLevel = maxLevel + 1

func (r *pageReader) load(ctx context.Context, part repo.Part) (*readPage, error) {
	if p, ok := r.memo[part.ID]; ok {
		return p, nil
	}
	data, err := r.bytes(ctx, part)
	if err != nil {
		return nil, err
	}
	p, err := pageOf(part, data)
	if err == nil && r.memo != nil {
		r.memo[part.ID] = p
	}
	return p, err
}

// pageOf takes the bytes of a page apart.
func pageOf(part repo.Part, data []byte) (*readPage, error) {
	p, err := decodePage(data)
	if err != nil {
		return nil, fmt.Errorf("page %v is %w", part.ID, err)
	}
	return p, nil
}

// bytes reads a page as it is stored.
func (r *pageReader) bytes(ctx context.Context, part repo.Part) ([]byte, error) {
	if part.Size > maxPageBytes {
		return nil, fmt.Errorf("a page of %d bytes: %w", part.Size, crypt.ErrDamaged)
	}
	data, err := r.chunk(ctx, part)
	if err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	return data, nil
}

// located is an entry with the place it stands in. It may be one of a page that others look at: it is not changed.
type located struct {
	*Entry
	origin
}

// nowhere goes with an error.
func nowhere() located { return located{Entry: new(Entry)} }

// walk yields all entries below a page, in order. skip, when not nil, is asked before a page is read and may leave it out.
// A page that cannot be read is yielded as an error, and the walk goes on behind it. Whatever a page says, paths come in strictly
// growing order, so the walk ends.
func (r *pageReader) walk(ctx context.Context, root repo.Part, skip func(childForm) bool) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		switch {
		case root.Size == 0:
		case skip != nil:
			w := &walk{pageReader: r, ctx: ctx, skip: skip, yield: yield}
			w.page(rootOf(root), anyLevel)
		default:
			r.walkAhead(ctx, root, yield)
		}
	}
}

// walkAhead walks where nobody is asked which pages to leave out, so that pages can be read before their turn.
func (r *pageReader) walkAhead(ctx context.Context, root repo.Part, yield func(located, error) bool) {
	for l, err := range r.leaves(ctx, root, nil) {
		if err != nil {
			if !yield(nowhere(), err) {
				return
			}
			continue
		}
		if !l.yield(yield) {
			return
		}
	}
}

// yield yields the entries of a page, and reports whether to go on.
func (l *entryPage) yield(yield func(located, error) bool) bool {
	for i := range l.entries {
		if !yield(located{&l.entries[i], origin{l, i}}, nil) {
			return false
		}
	}
	return true
}

// walk is one walk under way.
type walk struct {
	*pageReader
	ctx   context.Context
	skip  func(childForm) bool
	yield func(located, error) bool
	last  string // the path yielded last
}

// page walks one page and those below it, and reports whether to go on.
func (w *walk) page(c childForm, below int) bool {
	if w.skip(c) {
		return true
	}
	p, err := w.read(w.ctx, c, below)
	if err == nil && string(p.first()) <= w.last {
		err = errDisorder(c)
	}
	if err != nil {
		return w.yield(nowhere(), err) && w.ctx.Err() == nil
	}
	if p.level == 0 {
		w.last = p.entries[len(p.entries)-1].Path
		return (&entryPage{c.Part, p}).yield(w.yield)
	}
	for _, child := range p.children {
		if !w.page(child, p.level) {
			return false
		}
	}
	return true
}

// parts yields every chunk a snapshot needs: its pages and what their entries hold.
func (r *pageReader) parts(ctx context.Context, root repo.Part) iter.Seq2[repo.Part, error] {
	return func(yield func(repo.Part, error) bool) {
		goOn := true
		note := func(c childForm) bool {
			goOn = goOn && yield(c.Part, nil)
			return !goOn
		}
		for e, err := range r.walk(ctx, root, note) {
			if err != nil {
				yield(repo.Part{}, err)
				return
			}
			for _, p := range e.Content {
				if goOn = goOn && yield(p, nil); !goOn {
					return
				}
			}
		}
	}
}

// ErrNoSuchPath is wrapped when a snapshot holds nothing under a path.
var ErrNoSuchPath = errors.New("is not in the snapshot")

// lookup finds one path by reading one page of each level.
func (r *pageReader) lookup(ctx context.Context, root repo.Part, path string) (Entry, error) {
	at, below := rootOf(root), anyLevel
	for at.Part.Size > 0 {
		p, err := r.read(ctx, at, below)
		if err != nil {
			return Entry{}, err
		}
		if p.level == 0 {
			i := sort.Search(len(p.entries), func(i int) bool { return p.entries[i].Path >= path })
			if i < len(p.entries) && p.entries[i].Path == path {
				return p.entries[i], nil
			}
			break
		}
		i := sort.Search(len(p.children), func(i int) bool { return string(p.children[i].First) > path })
		if i == 0 {
			break
		}
		at, below = p.children[i-1], p.level
	}
	return Entry{}, fmt.Errorf("%q %w", path, ErrNoSuchPath)
}

// Entries yields the entries of a snapshot in order of path. A damaged page is yielded as an error that wraps
// crypt.ErrDamaged or tells what is missing, and the entries behind it still come.
func Entries(ctx context.Context, r *repo.Repo, s Snapshot) iter.Seq2[Entry, error] {
	return EntriesAt(ctx, r, s)
}

// EntriesAt yields, in order of path, the entries that have one of the paths, or lie in a folder of that name; all when there are none. It reads the
// pages alone that may hold them: damage elsewhere it does not see.
func EntriesAt(ctx context.Context, r *repo.Repo, s Snapshot, paths ...string) iter.Seq2[Entry, error] {
	return newPageReader(r, false).entries(ctx, s.root, wantedAt(paths))
}

func (r *pageReader) entries(ctx context.Context, root repo.Part, want wanted) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for l, err := range r.leaves(ctx, root, want) {
			if err != nil {
				if !yield(Entry{}, err) {
					return
				}
				continue
			}
			for i := range l.entries {
				if want.has(l.entries[i].Path) && !yield(l.entries[i], nil) {
					return
				}
			}
		}
	}
}

// Lookup finds one path in a snapshot; the error wraps ErrNoSuchPath when it is not there.
func Lookup(ctx context.Context, r *repo.Repo, s Snapshot, path string) (Entry, error) {
	return newPageReader(r, false).lookup(ctx, s.root, strings.Trim(path, "/"))
}
