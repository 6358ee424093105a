package snapshot

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"

	"shoebox/device"
	"shoebox/repo"
)

// lossOf remembers the first reason why the device is out of reach.
type lossOf struct {
	mu  sync.Mutex
	err error
}

func (l *lossOf) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

func (l *lossOf) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// scan lists the source beside the parent's entries; both come in order of path.
func (b *backup) scan(ctx context.Context, stop *lossOf) error {
	defer b.order.close()
	defer close(b.jobs)
	defer func() { <-b.fed }()
	m := newMerge(ctx, b.repo, b.past.parent.root)
	defer m.close()
	for f, err := range b.listing(ctx) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if stop.reason() != nil && b.held == nil {
			return nil
		}
		if err := b.meet(ctx, m, f, err, stop); err != nil {
			return err
		}
	}
	if stop.reason() == nil {
		for old := m.next(); old.Entry != nil; old = m.next() {
			if err := b.absent(ctx, old); err != nil {
				return err
			}
		}
		b.options.Progress.Scanned.Store(true)
	}
	return context.Cause(ctx)
}

// meet makes tasks of one line of the listing, and of the parent's entries before it, which are gone.
func (b *backup) meet(ctx context.Context, m *merge, f device.File, err error, stop *lossOf) error {
	var problem *device.Problem
	switch {
	case errors.As(err, &problem):
		b.unknown = append(b.unknown, problem.Path)
		return b.pass(ctx, &task{located: located{Entry: &Entry{File: device.File{Path: problem.Path}}}, what: Failed, err: problem.Err})
	case err != nil:
		stop.set(err)
		return nil
	}
	for old := m.before(f.Path); old.Entry != nil; old = m.before(f.Path) {
		if err := b.absent(ctx, old); err != nil {
			return err
		}
	}
	if b.held == nil {
		b.found(f)
	}
	if err := storable(f); err != nil {
		return b.pass(ctx, &task{located: located{Entry: &Entry{File: f}}, what: Failed, err: err})
	}
	here := m.here(f.Path)
	if t := b.early[f.Path]; t != nil {
		return b.pass(ctx, t)
	}
	t, err := b.compare(ctx, f, here)
	switch {
	case err != nil:
		return err
	case t.what != "":
		return b.pass(ctx, t)
	case stop.reason() != nil:
		return nil // it was listed before the device was lost, and cannot be read any more
	}
	return b.queue(ctx, t)
}

func (b *backup) found(f device.File) {
	b.options.Progress.Found.Add(1)
	b.options.Progress.FoundBytes.Add(f.Size)
}

// absent hands on an entry that was not listed again: gone; or unknown, when it lies below a folder that could not be
// listed. What is unknown is kept as it was, so that it need not be read again when the folder can.
func (b *backup) absent(ctx context.Context, old located) error {
	if !below(b.unknown, old.Path) {
		return b.pass(ctx, &task{located: old, what: Gone})
	}
	ok, err := b.stillThere(ctx, old.Entry)
	if err != nil {
		return err
	}
	if !ok {
		return b.pass(ctx, &task{located: old, what: Failed, err: errHalfLost})
	}
	return b.pass(ctx, &task{located: old, what: Unchanged})
}

var errHalfLost = errors.New("its folder could not be listed, and what an older snapshot holds of it is damaged")

// below tells whether a path is one of the folders, or in one of them.
func below(folders []string, path string) bool {
	for _, dir := range folders {
		if dir == "" || path == dir || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

// stillThere tells whether the content of a parent's entry can be relied on.
func (b *backup) stillThere(ctx context.Context, old *Entry) (bool, error) {
	if b.batch.Quiet() {
		return true, nil
	}
	return b.batch.Has(ctx, old.Content)
}

// pass hands on a task that needs no reading.
func (b *backup) pass(ctx context.Context, t *task) error {
	return b.order.put(ctx, t)
}

// queue hands on a task that is to be read: its place in the order first.
func (b *backup) queue(ctx context.Context, t *task) error {
	b.toRead(t)
	if err := b.order.put(ctx, t); err != nil {
		return err
	}
	select {
	case <-b.fed: // what is to be read first is on its way
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return send(ctx, b.jobs, t)
}

func (b *backup) toRead(t *task) {
	t.done = make(chan struct{})
	b.left.Add(1)
	b.options.Progress.ToRead.Add(t.Size)
}

func send(ctx context.Context, to chan<- *task, t *task) error {
	select {
	case to <- t:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// compare decides whether a file must be read: not when the parent, or an interrupted backup, has it with the same size
// and time of change.
func (b *backup) compare(ctx context.Context, f device.File, old located) (*task, error) {
	t := &task{old: old.Entry}
	if err := b.recognize(ctx, t, f, old); err != nil {
		return nil, err
	}
	if t.Entry == nil {
		t.Entry = &Entry{File: f}
	}
	return t, nil
}

// recognize settles what becomes of a file that need not be read.
func (b *backup) recognize(ctx context.Context, t *task, f device.File, old located) error {
	if f.Type == device.Symlink {
		t.what = t.newOrChanged()
		if old.Entry != nil && sameFile(old.File, f) {
			t.located, t.what = old, Unchanged
		}
		return nil
	}
	if b.options.Force {
		return nil
	}
	if old.Entry != nil && sameBytes(old.File, f) {
		if t.again = b.recheck(f); t.again {
			return nil
		}
		ok, err := b.stillThere(ctx, old.Entry)
		if err != nil {
			return err
		}
		if ok {
			t.located, t.what = keep(old, f), Unchanged
			return nil
		}
	}
	return b.fromKnown(ctx, t, f)
}

// fromKnown looks at what interrupted backups left; every part must be found before it counts.
func (b *backup) fromKnown(ctx context.Context, t *task, f device.File) error {
	known := b.past.known[f.Path]
	if known == nil || !sameBytes(known.File, f) {
		return nil
	}
	ok, err := b.batch.Has(ctx, known.Content)
	if err != nil || !ok {
		return err
	}
	t.located = keep(located{Entry: known}, f)
	t.what = t.newOrChanged()
	return nil
}

func (t *task) newOrChanged() What {
	if t.old == nil {
		return New
	}
	return Changed
}

// sameBytes: the same size and time of change are taken for the same bytes. Never the inode: phones give new ones at will.
func sameBytes(a, b device.File) bool {
	return a.Type == b.Type && a.Size == b.Size && a.ModTime.Equal(b.ModTime)
}

func sameFile(a, b device.File) bool {
	return sameBytes(a, b) && a.Mode == b.Mode && a.Target == b.Target
}

// keep takes an older entry over for a file; its page can serve again only when nothing at all differs.
func keep(old located, f device.File) located {
	if sameFile(old.File, f) {
		return old
	}
	e := *old.Entry
	e.File = f
	return located{Entry: &e}
}

// merge walks the parent's entries beside a listing.
type merge struct {
	pull  func() (*entryPage, error, bool)
	close func()
	leaf  *entryPage // nil at the end
	at    int        // in the leaf
}

func newMerge(ctx context.Context, r *repo.Repo, root repo.Part) *merge {
	m := new(merge)
	m.pull, m.close = iter.Pull2(newPageReader(r, false).leaves(ctx, root, nil))
	m.turn()
	return m
}

// turn turns to the next page. A damaged page of the parent is passed over: its files are read again.
func (m *merge) turn() {
	for {
		l, err, ok := m.pull()
		if !ok || err == nil {
			m.leaf, m.at = l, 0
			return
		}
	}
}

// next gives the current entry and moves on; one without Entry at the end.
func (m *merge) next() (e located) {
	if m.leaf == nil {
		return located{}
	}
	e = located{&m.leaf.entries[m.at], origin{m.leaf, m.at}}
	if m.at++; m.at == len(m.leaf.entries) {
		m.turn()
	}
	return e
}

// before gives the current entry if it stands before the path, and moves on.
func (m *merge) before(path string) located {
	if m.leaf == nil || m.leaf.entries[m.at].Path >= path {
		return located{}
	}
	return m.next()
}

// here gives the entry of the path itself, and moves on.
func (m *merge) here(path string) located {
	if m.leaf == nil || m.leaf.entries[m.at].Path != path {
		return located{}
	}
	return m.next()
}
