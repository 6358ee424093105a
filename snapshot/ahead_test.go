package snapshot

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
)

// grove is a store of pages that may be anything, by id.
type grove struct {
	pages map[chunk.ID][]byte
	reads atomic.Int64
}

func (g *grove) plant(p page) childForm {
	if g.pages == nil {
		g.pages = make(map[chunk.ID][]byte)
	}
	data := mustMarshal(p)
	part := repo.Part{Kind: chunk.Page, ID: (&chunk.Key{}).ID(data), Size: uint32(len(data))}
	g.pages[part.ID] = data
	c := childForm{Part: part, Count: int64(len(p.Entries))}
	for _, below := range p.Children {
		c.Count += below.Count
	}
	if p.Level > 0 {
		c.First = p.Children[0].First
	} else {
		c.First = p.Entries[0].Path
	}
	return c
}

func (g *grove) reader() *pageReader {
	return &pageReader{chunk: func(ctx context.Context, p repo.Part) ([]byte, error) {
		g.reads.Add(1)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, ok := g.pages[p.ID]
		if !ok {
			return nil, fmt.Errorf("page %v is %w", p.ID, crypt.ErrDamaged)
		}
		return slices.Clone(data), nil
	}}
}

// told is what a walk yields, line by line.
func (g *grove) told(root repo.Part, skip func(childForm) bool) (paths, all []string) {
	for e, err := range g.reader().walk(context.Background(), root, skip) {
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		if e.page.part.ID == (chunk.ID{}) || &e.page.entries[e.index] != e.Entry {
			all = append(all, "it is not where it says")
		}
		paths, all = append(paths, e.Path), append(all, e.Path)
	}
	return paths, all
}

func none(childForm) bool { return false }

// plantList makes an honest tree of so many entries, with up to width in a page.
func (g *grove) plantList(entries, width int) repo.Part {
	var paths []string
	for i := range entries {
		paths = append(paths, fmt.Sprintf("DCIM/%05d", i))
	}
	return g.plantPaths(paths, width)
}

func (g *grove) plantPaths(paths []string, width int) repo.Part {
	var row []childForm
	for some := range slices.Chunk(paths, width) {
		var p page
		for _, path := range some {
			p.Entries = append(p.Entries, good(path))
		}
		row = append(row, g.plant(p))
	}
	for level := uint8(1); len(row) > 1; level++ {
		var next []childForm
		for some := range slices.Chunk(row, width) {
			next = append(next, g.plant(page{Level: level, Children: some}))
		}
		row = next
	}
	return row[0].Part
}

// Reading ahead tells what reading in turn tells, also when pages are gone.
func TestAheadTellsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g grove
		root := g.plantList(rapid.IntRange(1, 300).Draw(t, "entries"), rapid.IntRange(2, 9).Draw(t, "width"))
		for _, id := range slices.SortedFunc(maps.Keys(g.pages), func(a, b chunk.ID) int { return slices.Compare(a[:], b[:]) }) {
			if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
				delete(g.pages, id)
			}
		}
		_, want := g.told(root, none)
		if _, got := g.told(root, nil); !slices.Equal(got, want) {
			t.Fatalf("read ahead: %q; in turn: %q", got, want)
		}
	})
}

// Whatever pages are hung below which, what is read ahead comes in order; it is what reading in turn gives, or, where something is wrong with the
// tree, a part of that: who reads ahead enters no page whose first path does not come after the first of all pages before.
func TestAheadInHostileTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g grove
		path := rapid.StringMatching(`[a-h]{1,2}`)
		rows := [][]childForm{nil}
		for range rapid.IntRange(1, 8).Draw(t, "pages of entries") {
			var p page
			for _, name := range sortedSet(rapid.SliceOfN(path, 1, 4).Draw(t, "paths")) {
				p.Entries = append(p.Entries, good(name))
			}
			rows[0] = append(rows[0], g.plant(p))
		}
		for level := 1; level <= rapid.IntRange(1, 4).Draw(t, "levels"); level++ {
			rows = append(rows, nil)
			for range rapid.IntRange(1, 6).Draw(t, "pages") {
				from := rows[level-1]
				if rapid.IntRange(0, 9).Draw(t, "of another level") == 0 {
					from = rows[rapid.IntRange(0, level-1).Draw(t, "which")]
				}
				children := slices.Clone(rapid.SliceOfN(rapid.SampledFrom(from), 1, 5).Draw(t, "children"))
				if rapid.IntRange(0, 9).Draw(t, "a lie") == 0 {
					children[0].First = wire.Bytes(path.Draw(t, "first"))
				}
				slices.SortFunc(children, func(a, b childForm) int { return slices.Compare([]byte(a.First), []byte(b.First)) })
				children = slices.CompactFunc(children, func(a, b childForm) bool { return a.First == b.First })
				rows[level] = append(rows[level], g.plant(page{Level: uint8(level), Children: children}))
			}
		}
		root := rapid.SampledFrom(rows[len(rows)-1]).Draw(t, "root").Part
		wantPaths, want := g.told(root, none)
		paths, got := g.told(root, nil)
		if !slices.IsSorted(paths) || len(sortedSet(paths)) != len(paths) {
			t.Fatalf("not in order: %q", paths)
		}
		sound := len(want) == len(wantPaths)
		if sound != (len(got) == len(paths)) || sound && !slices.Equal(got, want) {
			t.Fatalf("read ahead: %q; in turn: %q", got, want)
		}
		for _, p := range paths {
			if !slices.Contains(wantPaths, p) {
				t.Fatalf("%q was told only by reading ahead: %q; in turn: %q", p, got, want)
			}
		}
	})
}

func sortedSet(all []string) []string {
	all = slices.Clone(all)
	slices.Sort(all)
	return slices.Compact(all)
}

// A tree whose pages share what is below them has more ways through it than anybody can walk. Each page is entered about once.
func TestAheadEndsInATreeOfManyWays(t *testing.T) {
	for _, there := range []bool{true, false} {
		var g grove
		var row []childForm
		for i := range 24 {
			row = append(row, g.plant(leaf(good(fmt.Sprintf("%02d", i)))))
		}
		leaves := slices.Clone(row)
		for level := uint8(1); level <= maxLevel; level++ {
			next := make([]childForm, 0, len(row))
			for i := range row {
				next = append(next, g.plant(page{Level: level, Children: row[i:]}))
			}
			row = next
		}
		if !there {
			for _, l := range leaves {
				delete(g.pages, l.Part.ID)
			}
		}
		paths, _ := g.told(row[0].Part, nil)
		if there != (len(paths) == 24) || g.reads.Load() > 1000 {
			t.Errorf("with its entries %v: %d paths by reading %d times", there, len(paths), g.reads.Load())
		}
	}
}

// Whoever stops early, or is stopped, leaves nobody at work.
func TestAheadLeavesNobodyBehind(t *testing.T) {
	var g grove
	root := g.plantList(3000, 10)
	before := runtime.NumGoroutine()
	for stop := range 40 {
		ctx, cancel := context.WithCancel(t.Context())
		n, failed := 0, error(nil)
		for _, err := range g.reader().walk(ctx, root, nil) {
			if failed = err; err != nil {
				break
			}
			if n++; n == stop*50 && stop%2 == 0 {
				break
			} else if n == stop*50 {
				cancel()
			}
		}
		if stop%2 == 1 && n < 3000 && failed == nil {
			t.Errorf("it ended after %d entries and did not say why", n)
		}
		cancel()
	}
	for tries := 0; runtime.NumGoroutine() > before; tries++ {
		if tries > 500 {
			t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
