package snapshot

import (
	"cmp"
	"slices"
	"strings"
)

// versions gathers what pages have of the same version of a file: a snapshot has a path once, so no two of them stand in the same one.
type versions struct {
	leaves []leafPage
	all    []aVersion
	last   map[string]int // of each path, its place in all; the ones before it are chained
	taken  []int          // from each page
}

// aVersion is one version of one path on one device.
type aVersion struct {
	*Entry
	leaf   int // that told of it first
	before int // the version of the same path that was met before, or -1
	reach
}

func newVersions(leaves []leafPage) *versions {
	entries := 0
	for _, l := range leaves {
		if l.in > 0 && l.first == leaves[0].first {
			entries += len(l.page.entries) // what is in the first snapshot: the others add little
		}
	}
	return &versions{leaves: leaves, all: make([]aVersion, 0, entries), last: make(map[string]int, entries), taken: make([]int, len(leaves))}
}

func (v *versions) addPage(leaf int) {
	entries := v.leaves[leaf].page.entries
	for i := range entries {
		v.add(&entries[i], leaf)
	}
}

func (v *versions) add(e *Entry, leaf int) {
	l := &v.leaves[leaf]
	last, met := v.last[e.Path]
	if !met {
		last = -1
	}
	for at := last; at >= 0; at = v.all[at].before {
		if known := &v.all[at]; v.leaves[known.leaf].device == l.device && sameVersion(known.Entry, e) {
			known.add(l.reach)
			return
		}
	}
	v.last[e.Path] = len(v.all)
	v.all = append(v.all, aVersion{e, leaf, last, l.reach})
	v.taken[leaf]++
}

// pictures gives the versions in order of path, then of the first snapshot that holds each.
func (v *versions) pictures() []Picture {
	order := make([]int, len(v.all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &v.all[a], &v.all[b]
		return cmp.Or(cmp.Compare(x.Path, y.Path), x.first-y.first, a-b)
	})
	pictures := make([]Picture, len(order))
	for i, at := range order {
		one := &v.all[at]
		pictures[i] = Picture{*one.Entry, one.first, one.last, one.in}
		if v.taken[one.leaf] < len(v.leaves[one.leaf].page.entries)/2 {
			pictures[i].unshare()
		}
	}
	return pictures
}

// unshare gives an entry memory of its own: a few of a page must not keep what the page has for all.
func (e *Entry) unshare() {
	e.Path, e.Target, e.Content = strings.Clone(e.Path), strings.Clone(e.Target), slices.Clone(e.Content)
	e.Photo.Type, e.Photo.Camera = strings.Clone(e.Photo.Type), strings.Clone(e.Photo.Camera)
}
