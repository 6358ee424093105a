package snapshot

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
)

// reach tells which snapshots hold something, by their place in a list: the first, the last, and how many.
type reach struct{ first, last, in int }

func (r *reach) add(more reach) {
	if r.in == 0 {
		*r = more
		return
	}
	r.first, r.last, r.in = min(r.first, more.first), max(r.last, more.last), r.in+more.in
}

// leafPage is a page of entries below some snapshots of one device.
type leafPage struct {
	device string
	page   *readPage
	reach
}

// gathering reads the pages of many snapshots: each page once, however many snapshots share it, several at once. It goes down level by level, so
// that by the time a page is read it is known which snapshots hold it.
type gathering struct {
	reader *pageReader
	sought []Pattern
	levels [maxLevel + 1]map[ofDevice]*held
	failed []error

	mu   sync.Mutex
	read map[chunk.ID]*readPage
}

// ofDevice is a page below snapshots of one device: what two devices share is counted for each.
type ofDevice struct {
	device string
	id     chunk.ID
}

// held is such a page, as the pages above tell of it, with the snapshots that hold it.
type held struct {
	childForm
	reach
}

// gather gives the pages of entries of the snapshots, in the order of the first that holds each, and the errors of the pages that could not be
// read. Pages without what is sought may be missing.
func gather(ctx context.Context, r *repo.Repo, snapshots []Snapshot, sought []Pattern) (leaves []leafPage, failed []error, err error) {
	g := &gathering{reader: newPageReader(r, false), sought: sought, read: make(map[chunk.ID]*readPage)}
	for i := range g.levels {
		g.levels[i] = make(map[ofDevice]*held)
	}
	if err := g.roots(ctx, snapshots); err != nil {
		return nil, nil, err
	}
	for level := maxLevel; level > 0; level-- {
		if err := g.down(ctx, level); err != nil {
			return nil, nil, err
		}
	}
	for of, f := range g.levels[0] {
		leaves = append(leaves, leafPage{of.device, g.read[of.id], f.reach})
	}
	slices.SortFunc(leaves, func(a, b leafPage) int {
		return cmp.Or(a.first-b.first, cmp.Compare(a.page.first(), b.page.first()))
	})
	return leaves, g.failed, nil
}

func (g *gathering) roots(ctx context.Context, snapshots []Snapshot) error {
	tops := make(map[ofDevice]*held)
	for i, s := range snapshots {
		if s.root.Size > 0 {
			hold(tops, ofDevice{s.Device.ID, s.root.ID}, rootOf(s.root), reach{i, i, 1})
		}
	}
	return g.take(ctx, tops, anyLevel)
}

func hold(pages map[ofDevice]*held, of ofDevice, c childForm, by reach) {
	if pages[of] == nil {
		pages[of] = &held{childForm: c}
	}
	pages[of].add(by)
}

// down reads the pages below those of a level.
func (g *gathering) down(ctx context.Context, level int) error {
	below := make(map[ofDevice]*held)
	for of, f := range g.levels[level] {
		for _, c := range g.read[of.id].children {
			next := ofDevice{of.device, c.Part.ID}
			if known := below[next]; known != nil && known.childForm != c {
				g.failed = append(g.failed, fmt.Errorf("page %v is %w: two pages above it tell of it differently", c.Part.ID, crypt.ErrDamaged))
				continue
			}
			hold(below, next, c, f.reach)
		}
	}
	return g.take(ctx, below, level)
}

// take reads pages that stand below a level and sorts them by their own. One that cannot be read is noted, once.
func (g *gathering) take(ctx context.Context, pages map[ofDevice]*held, below int) error {
	byID := make(map[chunk.ID]childForm, len(pages))
	for _, f := range pages {
		byID[f.Part.ID] = f.childForm
	}
	g.readAll(ctx, slices.Collect(maps.Values(byID)), below)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for of, f := range pages {
		if p := g.read[of.id]; p != nil {
			hold(g.levels[p.level], of, f.childForm, f.reach)
		}
	}
	return nil
}

// readAll reads pages, several at once. Few goroutines read many pages each: a new one has to grow its stack for every page.
func (g *gathering) readAll(ctx context.Context, pages []childForm, below int) {
	var next atomic.Int64
	var readers sync.WaitGroup
	for range min(runtime.NumCPU(), len(pages)) {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(pages)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				g.one(ctx, pages[i], below)
			}
		})
	}
	readers.Wait()
}

// one reads a page, unless it is one of entries without what is sought.
func (g *gathering) one(ctx context.Context, c childForm, below int) {
	data, err := g.reader.bytes(ctx, c.Part)
	if err == nil && below == 1 && !mayStand(g.sought, data) {
		return
	}
	var p *readPage
	if err == nil {
		p, err = pageOf(c.Part, data)
	}
	if err == nil {
		p, err = c.checked(p, below)
	}
	g.keep(c, p, err)
}

func (g *gathering) keep(c childForm, p *readPage, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.failed = append(g.failed, err)
		return
	}
	g.read[c.Part.ID] = p
}
