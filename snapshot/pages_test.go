package snapshot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/wire"
)

// bench is a repository in which pages are written and read.
type bench struct {
	repo  *repo.Repo
	batch *repo.Batch
}

func newBench(t testing.TB, pageBits uint8) *bench {
	t.Helper()
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 4 << 10, Max: 16 << 10, Bits: 12}, PageBits: pageBits}
	b := new(bench)
	if b.repo, err = repo.Create(t.Context(), new(storage.Memory), setup, repo.Options{}); err != nil {
		t.Fatal(err)
	}
	if b.batch, err = b.repo.Begin(t.Context(), repo.BatchOptions{MetaPack: 1 << 20, DataPack: 64 << 10}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.batch.Abort)
	return b
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// write writes entries as pages; old, when not nil, tells where they stood before. fresh counts pages that were new.
func (b *bench) write(t fataler, entries []Entry, old map[string]located) (root repo.Part, fresh int) {
	t.Helper()
	w := newPageWriter(b.repo, func(data []byte) (repo.Part, error) {
		part, isNew, err := b.batch.PutChunk(context.Background(), pageKind, data)
		if isNew {
			fresh++
		}
		return part, err
	})
	for _, e := range entries {
		var from origin
		if was, ok := old[e.Path]; ok && was.ModTime.Equal(e.ModTime) {
			from = was.origin
		}
		if err := w.add(&e, from); err != nil {
			t.Fatalf("add: %v", err)
		}
	}
	root, err := w.finish()
	if err == nil {
		err = b.batch.Flush(context.Background())
	}
	if err != nil {
		t.Fatalf("finish: %v", err)
	}
	return root, fresh
}

func (b *bench) read(t fataler, root repo.Part) (all []located) {
	t.Helper()
	for e, err := range newPageReader(b.repo, false).walk(context.Background(), root, nil) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		all = append(all, e)
	}
	return all
}

func entriesOf(times map[string]int64) (entries []Entry) {
	for _, path := range slices.Sorted(maps.Keys(times)) {
		entries = append(entries, Entry{File: device.File{Path: path, ModTime: time.Unix(times[path], 0), Mode: 0o644}})
	}
	return entries
}

func byPath(all []located) map[string]located {
	m := make(map[string]located)
	for _, e := range all {
		m[e.Path] = e
	}
	return m
}

// Whatever the paths, pages read back as what was written, and the tree is the same whether older pages serve again or not.
func TestPagesOfAnyList(t *testing.T) {
	b := newBench(t, 1) // few entries a page: many levels
	path := rapid.Custom(func(t *rapid.T) string {
		return rapid.StringMatching(`([a-c\xff]{1,3}/){0,2}[a-z0-9\xfe\x01 .]{1,6}x`).Draw(t, "path")
	})
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.MapOfN(path, rapid.Int64Range(0, 3), 0, 120).Draw(t, "first")
		second := maps.Clone(first)
		maps.Copy(second, rapid.MapOfN(path, rapid.Int64Range(4, 5), 0, 10).Draw(t, "added"))
		for _, p := range slices.Sorted(maps.Keys(first)) {
			if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
				delete(second, p)
			}
		}
		root, _ := b.write(t, entriesOf(first), nil)
		old := b.read(t, root)
		wantPaths(t, old, first)
		reused, _ := b.write(t, entriesOf(second), byPath(old))
		wantPaths(t, b.read(t, reused), second)
		if scratch, _ := b.write(t, entriesOf(second), nil); scratch != reused {
			t.Fatalf("the tree depends on the way there: %v and %v", scratch, reused)
		}
		reader := newPageReader(b.repo, true)
		for p := range second {
			if e, err := reader.lookup(context.Background(), reused, p); err != nil || e.Path != p {
				t.Fatalf("lookup %q: %v", p, err)
			}
		}
	})
}

func wantPaths(t fataler, got []located, want map[string]int64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d entries came back, want %d", len(got), len(want))
	}
	for i, path := range slices.Sorted(maps.Keys(want)) {
		if got[i].Path != path || got[i].ModTime.Unix() != want[path] {
			t.Fatalf("entry %d is %q of %v, want %q of %d", i, got[i].Path, got[i].ModTime, path, want[path])
		}
	}
}

// One more entry changes one page of each level, or two where a border moves.
func TestOneMoreEntryChangesFewPages(t *testing.T) {
	for _, bits := range []uint8{1, 4, 7} {
		b := newBench(t, bits)
		times := make(map[string]int64)
		for i := range 1500 {
			times[fmt.Sprintf("DCIM/Camera/IMG_%06d.jpg", i*7)] = 1
		}
		root, all := b.write(t, entriesOf(times), nil)
		old := byPath(b.read(t, root))
		levels := len(b.levels(t, root))
		worst := 0
		for i := range 10 {
			more := maps.Clone(times)
			more[fmt.Sprintf("DCIM/Camera/IMG_%06d.jpg", i*1049+1)] = 1
			_, fresh := b.write(t, entriesOf(more), old)
			worst = max(worst, fresh)
		}
		if worst > 2*levels+1 || levels > maxLevel+1 {
			t.Errorf("%d bits: one more entry changed %d of %d pages on %d levels", bits, worst, all, levels)
		}
		t.Logf("%d bits: %d pages on %d levels, at most %d new for one more entry", bits, all, levels, worst)
	}
}

// levels gives the pages along the leftmost way down.
func (b *bench) levels(t fataler, root repo.Part) (levels []int) {
	t.Helper()
	reader := newPageReader(b.repo, false)
	for at := root; ; {
		p, err := reader.load(context.Background(), at)
		if err != nil {
			t.Fatalf("load: %v", err)
		}
		levels = append(levels, p.level)
		if p.level == 0 {
			return levels
		}
		at = p.children[0].Part
	}
}

func TestPageWriterRefusesDisorder(t *testing.T) {
	b := newBench(t, 2)
	w := newPageWriter(b.repo, func([]byte) (repo.Part, error) { return part(chunk.Page, 1), nil })
	for i, path := range []string{"b", "b", "a"} {
		if err := w.add(&Entry{File: device.File{Path: path}}, origin{}); (err == nil) != (i == 0) {
			t.Errorf("%q as number %d: %v", path, i, err)
		}
	}
	for _, e := range []Entry{{File: device.File{Path: "c/../d"}}, {File: device.File{Path: "c", Size: 1}}, {File: device.File{Path: "c", Mode: 1 << 20}}} {
		if err := w.add(&e, origin{}); err == nil {
			t.Errorf("%+v was taken, and could not be read back", e.File)
		}
	}
}

// Pages of pages are bounded too, however long the paths are that they begin with.
func TestPagesOfPagesAreBounded(t *testing.T) {
	b := newBench(t, 12)
	longest := 0
	w := newPageWriter(b.repo, func(data []byte) (repo.Part, error) {
		longest = max(longest, len(data))
		return part(chunk.Page, 1), nil
	})
	for i := range 4000 {
		path := fmt.Sprintf("%06d%s", i, strings.Repeat("x", maxPath-6))
		if err := w.addChild(0, childForm{First: wire.Bytes(path), Part: part(chunk.Page, 1), Count: 1}, path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.finish(); err != nil || longest > fullPage+2*maxPath {
		t.Errorf("a page of %d bytes: %v", longest, err)
	}
}
