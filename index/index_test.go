package index

import (
	"encoding/binary"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shoebox/chunk"
)

var key = chunk.Key{1, 2, 3}

func testOptions() Options { return Options{Repository: [16]byte{7}, Key: key, flushAt: 100} }

func name(kind byte, n int) (made Name) {
	made[0] = kind
	binary.BigEndian.PutUint32(made[1:], uint32(n))
	return made
}

func id(n int) chunk.ID { return key.ID(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// place is where chunk n lies: ten chunks to a pack.
func place(n int) Place {
	return Place{name('p', n/10), uint32(n % 10 * 1000), uint32(n%1000 + 16), uint32(n % 1000), chunk.Kind(n%3 + 1), uint8(n % 2)}
}

// entries of segment n: chunks n*50 to n*50+49.
func entries(segment int) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for n := segment * 50; n < segment*50+50; n++ {
			if !yield(Entry{id(n), place(n)}) {
				return
			}
		}
	}
}

func open(t testing.TB, dir string, o Options) *Index {
	t.Helper()
	x, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func load(t testing.TB, x *Index, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := x.Load(name('s', n), entries(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantSegments checks that x knows segments from to to and exactly their chunks.
func wantSegments(t testing.TB, x *Index, from, to int) {
	t.Helper()
	want := map[Name]struct{}{}
	for n := from; n < to; n++ {
		want[name('s', n)] = struct{}{}
	}
	if got := x.Segments(); !maps.Equal(got, want) {
		t.Fatalf("%d segments are loaded, want %d to %d", len(got), from, to)
	}
	for n := max(0, from*50-60); n < to*50+60; n++ {
		p, found, err := x.Find(id(n))
		if err != nil {
			t.Fatal(err)
		}
		if in := from*50 <= n && n < to*50; found != in || found && p != place(n) {
			t.Fatalf("chunk %d of segments %d to %d: found %v at %v", n, from, to, found, p)
		}
	}
}

// wantRight checks that all chunks of the first segments are known, and that nothing else known is
// wrong: chunks of a segment that was only half loaded may be.
func wantRight(t testing.TB, x *Index, segments int) {
	t.Helper()
	for n := range segments*50 + 200 {
		p, found, err := x.Find(id(n))
		if err != nil || !found && n < segments*50 || found && p != place(n) {
			t.Fatalf("chunk %d of %d segments: %v %v %v", n, segments, p, found, err)
		}
	}
}

func wantOnDisk(t testing.TB, x *Index, dir string) {
	t.Helper()
	if !strings.HasPrefix(x.Where(), dir) || strings.Contains(x.Where(), "memory") {
		t.Fatal("the index lies", x.Where())
	}
}

func shut(t testing.TB, x *Index) {
	t.Helper()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestInMemory(t *testing.T) {
	o := testOptions()
	o.MemoryOnly = true
	x := open(t, "", o)
	wantSegments(t, x, 0, 0)
	load(t, x, 0, 20)
	wantSegments(t, x, 0, 20)
	if err := x.Reset(); err != nil {
		t.Fatal(err)
	}
	wantSegments(t, x, 0, 0)
	if x.Where() != "in memory" {
		t.Fatal(x.Where())
	}
}

// What was loaded is there after each Close, through many flushes and merges.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	for n := range 25 {
		x := open(t, dir, testOptions())
		wantOnDisk(t, x, dir)
		wantSegments(t, x, 0, n)
		load(t, x, n, n+1)
		wantSegments(t, x, 0, n+1)
		shut(t, x)
	}
	if tables, _ := filepath.Glob(filepath.Join(dir, "slot-0", "*.sst")); len(tables) > maxRuns+1 {
		t.Fatal(len(tables), "tables: nothing was merged")
	}
}

func TestLoadMuchAtOnce(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, testOptions())
	load(t, x, 0, 100) // 50 flushes
	wantSegments(t, x, 0, 100)
	shut(t, x)
	wantSegments(t, open(t, dir, testOptions()), 0, 100)
}

// A chunk in two packs is found in the one heard of last, before and after merging.
func TestNewestPlaceWins(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, testOptions())
	load(t, x, 0, 4)
	moved := Place{Pack: name('p', 999), Offset: 1, Stored: 2, Plain: 3, Kind: chunk.Head}
	if err := x.Load(name('s', 99), slices.Values([]Entry{{id(17), moved}})); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if p, found, err := x.Find(id(17)); err != nil || !found || p != moved {
			t.Fatal(p, found, err)
		}
		load(t, x, 100, 140)
	}
}

// A segment whose entries did not all come does not count.
func TestHalfASegmentIsNotLoaded(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, testOptions())
	load(t, x, 0, 3)
	func() {
		defer func() { _ = recover() }()
		_ = x.Load(name('s', 3), func(yield func(Entry) bool) {
			entries(3)(yield)
			panic("the store went away")
		})
	}()
	if len(x.Segments()) != 3 {
		t.Fatal("half a segment counts as loaded")
	}
	shut(t, x)
	wantSegments(t, open(t, dir, testOptions()), 0, 3)
}

func TestReset(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, testOptions())
	load(t, x, 0, 20)
	if err := x.Reset(); err != nil {
		t.Fatal(err)
	}
	wantSegments(t, x, 0, 0)
	load(t, x, 7, 13)
	wantSegments(t, x, 7, 13)
	shut(t, x)
	wantSegments(t, open(t, dir, testOptions()), 7, 13)
}

func TestClosed(t *testing.T) {
	x := open(t, t.TempDir(), testOptions())
	shut(t, x)
	if _, _, err := x.Find(id(1)); err != ErrClosed {
		t.Fatal(err)
	}
	if err := x.Load(name('s', 1), entries(1)); err != ErrClosed {
		t.Fatal(err)
	}
	if err := x.Reset(); err != ErrClosed {
		t.Fatal(err)
	}
	shut(t, x)
}

func TestBadOptions(t *testing.T) {
	if _, err := Open(t.TempDir(), Options{Slots: -1}); err == nil {
		t.Fatal("-1 slots are taken")
	}
}

func TestAnotherRepository(t *testing.T) {
	for what, change := range map[string]func(*Options){
		"repository": func(o *Options) { o.Repository[3]++ },
		"key":        func(o *Options) { o.Key[31]++ },
	} {
		dir := t.TempDir()
		x := open(t, dir, testOptions())
		load(t, x, 0, 5)
		shut(t, x)
		o := testOptions()
		change(&o)
		x = open(t, dir, o)
		wantSegments(t, x, 0, 0)
		wantOnDisk(t, x, dir)
		load(t, x, 5, 6)
		shut(t, x)
		x = open(t, dir, o)
		if len(x.Segments()) != 1 {
			t.Fatal("another", what, "is not kept")
		}
		shut(t, x)
	}
}

func TestDeleteIt(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, testOptions())
	load(t, x, 0, 5)
	shut(t, x)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	x = open(t, dir, testOptions())
	wantSegments(t, x, 0, 0)
	wantOnDisk(t, x, dir)
	load(t, x, 0, 5)
	// under its feet: what is loaded stays right or is reported, and nothing fails
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	load(t, x, 5, 10)
	wantSegments(t, x, 0, 10)
}
