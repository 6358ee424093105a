package main

import (
	"math/rand/v2"
	"slices"
)

// pageBits is repo.DefaultPageBits: a page ends after one entry in 128.
const pageBits = 7

// leaf is a page of level 0.
type leaf struct {
	n    int   // entries
	cut  uint8 // how many levels end behind its last entry; 0 for the open end of the list
	page int32 // which page it is; fresh when it must be written
}

const fresh = -1

// tree is the pages of one list of entries, cut as snapshot/page.go cuts them, with dice in the place of the keyed hash.
type tree struct {
	rng     *rand.Rand
	leaves  []leaf
	upper   map[uint64]int32 // pages above level 0, by their children
	entries int
	dropped []int32 // leaves of older snapshots that are in no later one
}

// change is something that happens to a list: some entries come to stand before position at, or else the entry at it changes or goes.
type change struct {
	at   int
	add  int
	gone bool
}

// draw tells how many levels end behind a new entry.
func (t *tree) draw() (cut uint8) {
	for cut < 8 && t.rng.Uint64()&(1<<pageBits-1) == 0 {
		cut++
	}
	return cut
}

// sweep is one pass over the leaves with changes in order of position.
type sweep struct {
	*tree
	out   []leaf
	open  int  // entries of the page that is being filled
	dirty bool // it is not an old page
}

// apply makes changes, which must be in order of position.
func (t *tree) apply(changes []change) {
	w := &sweep{tree: t, out: make([]leaf, 0, len(t.leaves)+len(changes))}
	start := 0
	for _, l := range t.leaves {
		some := 0
		for some < len(changes) && changes[some].at < start+l.n {
			some++
		}
		w.leaf(l, start, changes[:some])
		start, changes = start+l.n, changes[some:]
	}
	if last := len(w.out) - 1; len(changes) > 0 && last >= 0 && w.out[last].cut == 0 {
		w.drop(w.out[last].page)
		w.open, w.dirty, w.out = w.out[last].n, true, w.out[:last]
	}
	for _, c := range changes {
		w.add(c.add)
	}
	if w.open > 0 {
		w.out = append(w.out, leaf{w.open, 0, fresh})
	}
	t.leaves = w.out
}

// leaf takes one old page over, with what happens within it.
func (w *sweep) leaf(l leaf, start int, changes []change) {
	at, end := start, start+l.n
	whole := true // the entry that ends the page is still there
	for _, c := range changes {
		w.open, at = w.open+c.at-at, c.at
		switch {
		case c.add > 0:
			w.add(c.add)
			continue
		case c.gone:
			whole = whole && c.at != end-1
			w.entries--
		default:
			w.open++
		}
		at, w.dirty = c.at+1, true
	}
	w.open += end - at
	if w.dirty || !whole && l.cut > 0 || w.open == 0 {
		w.drop(l.page)
	}
	if !whole && l.cut > 0 {
		w.dirty = true
		return // goes on in the next page
	}
	if w.dirty {
		l.page = fresh
	}
	if w.open > 0 {
		w.out = append(w.out, leaf{w.open, l.cut, l.page})
	}
	w.open, w.dirty = 0, false
}

// drop notes that a page is in no later snapshot.
func (w *sweep) drop(page int32) {
	if page != fresh {
		w.dropped = append(w.dropped, page)
	}
}

// add adds entries where the sweep is.
func (w *sweep) add(n int) {
	w.entries += n
	w.dirty = true
	for range n {
		w.open++
		if cut := w.draw(); cut > 0 {
			w.out = append(w.out, leaf{w.open, cut, fresh})
			w.open = 0
		}
	}
}

// settle gives every page that is not an old one a number from put, level by level, and tells which pages are no more.
func (t *tree) settle(put func(level, n int) int32) (gone []int32) {
	ids, cuts := make([]int32, len(t.leaves)), make([]uint8, len(t.leaves))
	for i := range t.leaves {
		l := &t.leaves[i]
		if l.page == fresh {
			l.page = put(0, l.n)
		}
		ids[i], cuts[i] = l.page, l.cut
	}
	was := t.upper
	gone, t.dropped = t.dropped, nil
	t.upper = make(map[uint64]int32, len(was))
	for level := 1; len(ids) > 1; level++ {
		ids, cuts = t.climb(level, ids, cuts, was, put)
	}
	for sum, id := range was {
		if _, still := t.upper[sum]; !still {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone) // so that the same seed plays the same
	return gone
}

// climb groups the pages of one level into those of the next.
func (t *tree) climb(level int, ids []int32, cuts []uint8, was map[uint64]int32, put func(level, n int) int32) (up []int32, ends []uint8) {
	from, sum := 0, uint64(level)
	for i, id := range ids {
		sum = (sum ^ uint64(uint32(id))) * 0x9e3779b97f4a7c15
		sum ^= sum >> 29
		if int(cuts[i]) <= level && i < len(ids)-1 {
			continue
		}
		page, old := was[sum]
		if !old {
			page = put(level, i+1-from)
		}
		t.upper[sum] = page
		up, ends = append(up, page), append(ends, cuts[i])
		from, sum = i+1, uint64(level)
	}
	return up, ends
}

// pages are all pages of the list.
func (t *tree) pages() []int32 {
	all := make([]int32, 0, len(t.leaves)+len(t.upper))
	for _, l := range t.leaves {
		all = append(all, l.page)
	}
	for _, id := range t.upper {
		all = append(all, id)
	}
	return all
}
