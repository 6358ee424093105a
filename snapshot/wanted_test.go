package snapshot

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"shoebox/chunk"
	"shoebox/repo"
)

// Asking for some paths gives what is left of everything when all others are passed over.
func TestWantedIsWhatIsThere(t *testing.T) {
	name := rapid.StringMatching(`[a-c](-|!|0|\xff)?(/[a-c]){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		var g grove
		width := rapid.IntRange(1, 4).Draw(t, "width") + 1
		all := sortedSet(rapid.SliceOfN(name, 1, 60).Draw(t, "names"))
		root := g.plantPaths(all, width)
		asked := rapid.SliceOfN(name, 0, 3).Draw(t, "asked")
		var want, got []string
		for _, p := range all {
			at := func(q string) bool { return p == q || strings.HasPrefix(p, q+"/") }
			if len(asked) == 0 || slices.ContainsFunc(asked, at) {
				want = append(want, p)
			}
		}
		for e, err := range g.reader().entries(context.Background(), root, wantedAt(asked)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Path)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("asked for %q: %q came, want %q", asked, got, want)
		}
	})
}

// One path is found by reading a page of each level, what is wrong elsewhere is not met.
func TestWantedReadsFewPages(t *testing.T) {
	var g grove
	root := g.plantList(4000, 10)
	ways := make(map[chunk.ID]bool)
	reader := g.reader()
	inner := reader.chunk
	reader.chunk = func(ctx context.Context, p repo.Part) ([]byte, error) {
		ways[p.ID] = true
		return inner(ctx, p)
	}
	if _, err := reader.lookup(t.Context(), root, "DCIM/02345"); err != nil {
		t.Fatal(err)
	}
	for id := range g.pages {
		if !ways[id] {
			delete(g.pages, id)
		}
	}
	g.reads.Store(0)
	found := 0
	for e, err := range g.reader().entries(t.Context(), root, wantedAt([]string{"/DCIM/02345/"})) {
		if err != nil || e.Path != "DCIM/02345" {
			t.Errorf("%q, %v", e.Path, err)
		}
		found++
	}
	if n := g.reads.Load(); n != int64(len(ways)) || found != 1 {
		t.Errorf("%d found by reading %d pages, want %d", found, n, len(ways))
	}
}
