package index

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"shoebox/chunk"
)

// long says that more of everything is tried: make test-long.
var long = os.Getenv("SHOEBOX_LONG") != ""

// golden makes a small index of several runs with cached chunks and returns its files.
func golden(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	x := open(t, dir, testOptions())
	load(t, x, 0, 3)
	x.Cache(id(1), []byte("a sealed chunk"))
	shut(t, x)
	files := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, "slot-0"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, "slot-0", e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) != 5 { // head, packs, cache, two tables
		t.Fatal("files of the golden index:", slices.Sorted(maps.Keys(files)))
	}
	return files
}

// restore puts the golden files back in place of whatever is there.
func restore(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	slot := filepath.Join(dir, "slot-0")
	if err := errors.Join(os.RemoveAll(slot), os.Mkdir(slot, 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(slot, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wantHonest opens a damaged index. Every answer is right or is ErrDamaged. It tells whether the
// damage was noticed.
func wantHonest(t *testing.T, dir, what string) (noticed bool) {
	t.Helper()
	x := open(t, dir, testOptions())
	loaded := len(x.Segments()) == 3
	if !loaded && len(x.Segments()) != 0 {
		t.Fatal(what, "segments:", x.Segments())
	}
	for n := -3; n < 153; n += 3 {
		p, found, err := x.Find(id(n))
		in := loaded && 0 <= n && n < 150
		if err == nil && (found != in || found && p != place(n)) || err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("%s: chunk %d: %v %v %v", what, n, p, found, err)
		}
		noticed = noticed || err != nil
	}
	if sealed, found := x.Cached(id(1)); found && string(sealed) != "a sealed chunk" {
		t.Fatalf("%s: the cache gives %q", what, sealed)
	}
	shut(t, x)
	return noticed || !loaded
}

// wantHealed opens an index that was damaged, and damages nothing more: loaded again, all is well.
func wantHealed(t *testing.T, dir string) {
	t.Helper()
	for range 2 {
		x := open(t, dir, testOptions())
		if _, _, err := x.Find(id(0)); errors.Is(err, ErrDamaged) {
			if err := x.Reset(); err != nil {
				t.Fatal(err)
			}
		}
		load(t, x, 0, 3)
		wantSegments(t, x, 0, 3)
		wantOnDisk(t, x, dir)
		shut(t, x)
	}
}

func TestFlippedBytes(t *testing.T) {
	dir := t.TempDir()
	files := golden(t, dir)
	step := 11
	if long {
		step = 1
	}
	tried, noticed := 0, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for at := tried % step; at < len(files[name]); at += step {
			damaged := bytes.Clone(files[name])
			damaged[at] ^= byte(1 + at%255)
			all := maps.Clone(files)
			all[name] = damaged
			restore(t, dir, all)
			if tried++; wantHonest(t, dir, name) {
				noticed++
			}
			if tried%50 == 0 {
				wantHealed(t, dir)
			}
		}
	}
	t.Log(tried, "bytes flipped,", noticed, "noticed")
	if noticed < tried*4/5 { // some lie in entries that were not asked for
		t.Fatal("only", noticed, "of", tried, "flips noticed")
	}
}

func TestCutAndGrown(t *testing.T) {
	dir := t.TempDir()
	files := golden(t, dir)
	step := 97
	if long {
		step = 5
	}
	tried := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		whole := files[name]
		changed := [][]byte{append(bytes.Clone(whole), 0), append(bytes.Clone(whole), whole...), make([]byte, len(whole))}
		for length := 0; length < len(whole); length += step {
			changed = append(changed, whole[:length], append(bytes.Clone(whole[:length]), make([]byte, len(whole)-length)...))
		}
		for _, data := range changed {
			all := maps.Clone(files)
			all[name] = data
			restore(t, dir, all)
			wantHonest(t, dir, name)
			tried++
		}
		wantHealed(t, dir)
	}
	t.Log(tried, "files cut, grown or zeroed")
}

func TestFilesGoneSwappedAndForeign(t *testing.T) {
	dir := t.TempDir()
	files := golden(t, dir)
	for a := range files {
		without := maps.Clone(files)
		delete(without, a)
		restore(t, dir, without)
		wantHonest(t, dir, a+" deleted")
		for b := range files {
			swapped := maps.Clone(files)
			swapped[a], swapped[b] = files[b], files[a]
			restore(t, dir, swapped)
			wantHonest(t, dir, a+" and "+b+" swapped")
		}
		restore(t, dir, without)
		if err := os.Mkdir(filepath.Join(dir, "slot-0", a), 0o700); err != nil {
			t.Fatal(err)
		}
		wantHonest(t, dir, a+" is a directory")
		restore(t, dir, without)
		if err := os.Symlink("/dev/zero", filepath.Join(dir, "slot-0", a)); err != nil {
			t.Fatal(err)
		}
		wantHonest(t, dir, a+" is a link")
		wantHealed(t, dir)
	}
	for _, change := range []func(slot string) error{
		func(slot string) error { return os.RemoveAll(slot) },
		func(slot string) error { return errors.Join(os.RemoveAll(slot), os.WriteFile(slot, nil, 0o600)) },
		func(slot string) error { return errors.Join(os.RemoveAll(slot), os.Symlink("/nowhere", slot)) },
		func(slot string) error { return os.MkdirAll(filepath.Join(slot, "999999.sst", "deep"), 0o700) },
	} {
		restore(t, dir, files)
		if err := change(filepath.Join(dir, "slot-0")); err != nil {
			t.Fatal(err)
		}
		wantHonest(t, dir, "a strange slot")
		wantHealed(t, dir)
	}
}

// Damage that comes while the index is open: a file cut short under mapped memory is a fault.
func TestDamagedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	golden(t, dir)
	x := open(t, dir, testOptions())
	if _, found, err := x.Find(id(0)); err != nil || !found {
		t.Fatal(found, err)
	}
	tables, _ := filepath.Glob(filepath.Join(dir, "slot-0", "*.sst"))
	for _, table := range tables {
		if err := os.Truncate(table, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := x.Find(id(0)); !errors.Is(err, ErrDamaged) {
		t.Fatal("a table cut short gives", err)
	}
	if _, _, err := x.Find(id(1000)); !errors.Is(err, ErrDamaged) {
		t.Fatal("damage is forgotten:", err)
	}
	if err := x.Load(name('s', 5), entries(5)); !errors.Is(err, ErrDamaged) {
		t.Fatal("damage is forgotten:", err)
	}
	if err := x.Reset(); err != nil {
		t.Fatal(err)
	}
	load(t, x, 0, 9)
	wantSegments(t, x, 0, 9)
	wantOnDisk(t, x, dir)
}

// Damage that only merging meets is reported, and is never merged away.
func TestDamageMetWhileMerging(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, testOptions())
	for n := range maxRuns {
		load(t, x, n, n+1)
		shut(t, x)
		x = open(t, dir, testOptions())
	}
	oldest := filepath.Join(dir, "slot-0", tableName(0))
	data, err := os.ReadFile(oldest)
	if err != nil {
		t.Fatal(err)
	}
	data[20] ^= 1
	if err := os.WriteFile(oldest, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var failed error
	for n := maxRuns; failed == nil && n < maxRuns+10; n++ {
		failed = x.Load(name('s', n), entries(n))
	}
	if !errors.Is(failed, ErrDamaged) {
		t.Fatal("merging a damaged table gives", failed)
	}
	shut(t, x)
	wantSegments(t, open(t, dir, testOptions()), 0, 0)
}

// An entry with a tag of another key is damage, even in a table that badger finds sound.
func TestWrongTag(t *testing.T) {
	for what, spoil := range map[string]func(x *Index){
		"tag":  func(x *Index) { x.key[0]++ },
		"pack": func(x *Index) { x.slot.names[0] ^= 1 },
		"gone": func(x *Index) { x.slot.names = nil },
	} {
		dir := t.TempDir()
		golden(t, dir)
		x := open(t, dir, testOptions())
		if _, found, err := x.Find(id(3)); err != nil || !found {
			t.Fatal(found, err)
		}
		spoil(x)
		if p, found, err := x.Find(id(3)); found || !errors.Is(err, ErrDamaged) {
			t.Fatal(what, p, found, err)
		}
		x.slot.names = nil
	}
}

func TestOldSchema(t *testing.T) {
	dir := t.TempDir()
	files := golden(t, dir)
	text := files[headFile][:len(files[headFile])-32]
	o := testOptions()
	sum := key.ID(append(append([]byte("shoebox index 0\n"), o.Repository[:]...), text...))
	files[headFile] = append(bytes.Clone(text), sum[:]...)
	restore(t, dir, files)
	x := open(t, dir, testOptions())
	wantSegments(t, x, 0, 0)
	wantOnDisk(t, x, dir)
}

func TestCache(t *testing.T) {
	o := testOptions()
	o.CacheBytes = 20_000
	dir := t.TempDir()
	x := open(t, dir, o)
	sealed := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 500+n) }
	kept := 0
	for n := range 200 {
		x.Cache(id(n), sealed(n))
		if n%10 == 0 {
			load(t, x, n, n+3) // now and then a flush
			shut(t, x)
			x = open(t, dir, o)
		}
	}
	for n := range 200 {
		data, found := x.Cached(id(n))
		if found && !bytes.Equal(data, sealed(n)) {
			t.Fatal("the cache gives something else for", n)
		}
		if found {
			kept++
		}
	}
	if kept < 10 || kept > 40 { // 20,000 bytes of 500 to 700
		t.Fatal(kept, "chunks are kept")
	}
	if _, found := x.Cached(chunk.ID{}); found {
		t.Fatal("the cache makes things up")
	}
	for _, f := range must(filepath.Glob(filepath.Join(dir, "slot-0", "cache-*"))) {
		if info, err := os.Stat(f); err != nil || info.Size() > o.CacheBytes/2 {
			t.Fatal(f, info.Size(), err)
		}
	}
	x.Cache(id(300), make([]byte, maxClip+1))
	x.Cache(id(301), nil)
	if _, found := x.Cached(id(300)); found {
		t.Fatal("too large a chunk is kept")
	}
	if err := x.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, found := x.Cached(id(199)); found {
		t.Fatal("Reset forgets the cache")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
