package snapshot

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/wire"
)

// Here the attacker has the key: everything is sealed as it should be, and lies.

// forge is a repository somebody hostile writes to.
type forge struct {
	t     *testing.T
	store *storage.Memory
	repo  *repo.Repo
	batch *repo.Batch
}

func newForge(t *testing.T) *forge {
	t.Helper()
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	f := &forge{t: t, store: new(storage.Memory)}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 4 << 10, Max: 16 << 10, Bits: 12}, PageBits: 2}
	if f.repo, err = repo.Create(t.Context(), f.store, setup, repo.Options{}); err != nil {
		t.Fatal(err)
	}
	if f.batch, err = f.repo.Begin(t.Context(), repo.BatchOptions{DataPack: 8 << 20, MetaPack: 8 << 20}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.batch.Abort)
	return f
}

// page stores v as a page: a page, a map with keys of the attacker's, or raw bytes.
func (f *forge) page(v any) repo.Part {
	f.t.Helper()
	data, raw := v.([]byte)
	if !raw {
		var err error
		if data, err = codec().Marshal(v); err != nil {
			f.t.Fatal(err)
		}
	}
	part, _, err := f.batch.PutChunk(f.t.Context(), pageKind, data)
	if err != nil {
		f.t.Fatal(err)
	}
	return part
}

func (f *forge) content(data []byte) repo.Content {
	f.t.Helper()
	c, _, err := f.batch.Put(f.t.Context(), bytes.NewReader(data))
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// snapshot commits a record and gives it back as it is listed.
func (f *forge) snapshot(root repo.Part) Snapshot {
	f.t.Helper()
	body, err := Snapshot{Start: time.Unix(1, 0), End: time.Unix(2, 0), root: root}.encode()
	if err != nil {
		f.t.Fatal(err)
	}
	f.commit(body)
	all, damaged, err := List(f.t.Context(), f.repo)
	if err != nil || len(damaged) > 0 || len(all) != 1 {
		f.t.Fatalf("%d snapshots, %v, %v", len(all), damaged, err)
	}
	return all[0]
}

func (f *forge) commit(body []byte) {
	f.t.Helper()
	none := func(context.Context) iter.Seq2[repo.Part, error] { return func(func(repo.Part, error) bool) {} }
	if _, err := f.batch.Commit(f.t.Context(), Kind, body, none); err != nil {
		f.t.Fatal(err)
	}
}

// good is an entry nobody objects to.
func good(path string) entryForm {
	return entryForm{Path: wire.Bytes(path), Mode: 0o644, Hash: emptyHash()}
}

func emptyHash() []byte {
	h, _ := hex.DecodeString("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262") // BLAKE3 of nothing
	return h
}

func leaf(entries ...entryForm) page { return page{Entries: entries} }

func with(change func(*entryForm)) page {
	e := good("a")
	change(&e)
	return leaf(e)
}

func part(kind chunk.Kind, size uint32) repo.Part { return repo.Part{Kind: kind, Size: size} }

// hostileEntries are pages of level 0 that must be refused.
func hostileEntries() map[string]any {
	huge := strings.Repeat("x", 5000)
	pages := map[string]any{
		"nothing":                        []byte{},
		"not CBOR":                       []byte("\xff\xff\xff\xff"),
		"an array":                       []int{1, 2, 3},
		"an empty page":                  page{},
		"bytes after it":                 append(mustMarshal(leaf(good("a"))), 0),
		"an array of 2^32":               []byte{0xa1, 0x02, 0x9a, 0xff, 0xff, 0xff, 0xff},
		"an array of 2^63":               []byte{0xa1, 0x02, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a string of 2^40":               []byte{0xa1, 0x02, 0x81, 0xa1, 0x01, 0x5b, 0, 0, 1, 0, 0, 0, 0, 0},
		"more entries than a page holds": append([]byte{0xa1, 0x02, 0x9a, 0, 1, 0, 1}, bytes.Repeat([]byte{0xa0}, 65537)...),
		"nested deeply":                  slices.Concat([]byte{0xa1, 0x02}, bytes.Repeat([]byte{0x81}, 10_000), []byte{0x01}),
		"an indefinite length":           []byte{0xbf, 0x02, 0x9f, 0xff, 0xff},
		"a tag":                          []byte{0xa1, 0x02, 0x81, 0xc1, 0xa0},
		"a key twice":                    []byte{0xa2, 0x01, 0x00, 0x01, 0x00},
		"a path that is no bytes":        map[int]any{2: []any{map[int]any{1: 7, 3: 0, 4: 0, 6: 0, 9: emptyHash()}}},
		"a path that is text":            map[int]any{2: []any{map[int]any{1: "a", 3: 0, 4: 0, 6: 0, 9: emptyHash()}}},
		"out of order":                   leaf(good("b"), good("a")),
		"a path twice":                   leaf(good("a"), good("a")),
		"negative size":                  with(func(e *entryForm) { e.Size = -1 }),
		"size 2^63-1 of no parts":        with(func(e *entryForm) { e.Size = math.MaxInt64 }),
		"parts beyond the size":          with(func(e *entryForm) { e.Size, e.Parts = 1, repo.Content{part(chunk.Body, 2)} }),
		"parts below the size":           with(func(e *entryForm) { e.Size, e.Parts = 10, repo.Content{part(chunk.Body, 2)} }),
		"a part of two fields":           map[int]any{2: []any{map[int]any{1: cbor.ByteString("a"), 3: 0, 4: 0, 6: 0, 8: []any{[]any{1, make([]byte, 32)}}, 9: emptyHash()}}},
		"a part of size 2^33":            map[int]any{2: []any{map[int]any{1: cbor.ByteString("a"), 3: 1 << 33, 4: 0, 6: 0, 8: []any{[]any{1, make([]byte, 32), 1 << 33}}, 9: emptyHash()}}},
		"a part of kind 300":             map[int]any{2: []any{map[int]any{1: cbor.ByteString("a"), 3: 1, 4: 0, 6: 0, 8: []any{[]any{300, make([]byte, 32), 1}}, 9: emptyHash()}}},
		"a hash of 31 bytes":             with(func(e *entryForm) { e.Hash = e.Hash[:31] }),
		"no hash":                        with(func(e *entryForm) { e.Hash = nil }),
		"type 2":                         with(func(e *entryForm) { e.Type = 2 }),
		"a link with parts":              with(func(e *entryForm) { e.Type, e.Size, e.Parts = 1, 2, repo.Content{part(chunk.Body, 2)} }),
		"10^9 nanoseconds":               with(func(e *entryForm) { e.ModNano = 1e9 }),
		"a zone of 30 hours":             with(func(e *entryForm) { e.Zone = 30 * 60 }),
		"a mode with more bits":          with(func(e *entryForm) { e.Mode = 0o10000 }),
		"level 9":                        page{Level: 9, Children: []childForm{{First: "a", Part: part(chunk.Page, 1), Count: 1}}},
		"level 255":                      page{Level: 255, Children: []childForm{{First: "a", Part: part(chunk.Page, 1), Count: 1}}},
		"level 1 with entries":           page{Level: 1, Entries: []entryForm{good("a")}},
		"level 0 with pages":             page{Children: []childForm{{First: "a", Part: part(chunk.Page, 1), Count: 1}}},
		"entries and pages":              page{Level: 1, Entries: []entryForm{good("a")}, Children: []childForm{{First: "a", Part: part(chunk.Page, 1), Count: 1}}},
		"pages out of order":             page{Level: 1, Children: []childForm{{First: "b", Part: part(chunk.Page, 1), Count: 1}, {First: "a", Part: part(chunk.Page, 1), Count: 1}}},
		"a page of kind 1":               page{Level: 1, Children: []childForm{{First: "a", Part: part(chunk.Body, 1), Count: 1}}},
		"a page of -1 entries":           page{Level: 1, Children: []childForm{{First: "a", Part: part(chunk.Page, 1), Count: -1}}},
		"a page of 2^63-1 entries":       page{Level: 1, Children: []childForm{{First: "a", Part: part(chunk.Page, 1), Count: math.MaxInt64}}},
		"longer than any page":           bytes.Repeat([]byte{0}, maxPageBytes+1),
		"a bomb":                         bytes.Repeat([]byte{0}, maxPageBytes),
	}
	for _, path := range []string{"", ".", "..", "../a", "a/../b", "a/..", "/etc/passwd", "/", "a/", "a//b", "./a", "a/./b", "a\x00b", huge} {
		pages[fmt.Sprintf("path %.20q", path)] = leaf(good(path))
	}
	return pages
}

func mustMarshal(v any) []byte {
	data, err := codec().Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func TestHostilePages(t *testing.T) {
	cases := hostileEntries()
	for name, v := range cases {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			s := f.snapshot(func() repo.Part {
				if v, ok := v.([]byte); ok && len(v) == 0 {
					return repo.Part{Kind: chunk.Page, Size: 5} // of a chunk nobody stored
				}
				return f.page(v)
			}())
			f.wantRefused(s)
		})
	}
	t.Logf("%d hostile pages", len(cases))
}

// wantRefused looks at a hostile snapshot in every way there is: each says damage, none takes much memory or time.
func (f *forge) wantRefused(s Snapshot) {
	f.t.Helper()
	ctx := f.t.Context()
	before, start := allocated(), time.Now()
	errs := 0
	for e, err := range Entries(ctx, f.repo, s) {
		if err == nil {
			f.t.Errorf("gave %q", e.Path)
		} else if errs++; !errors.Is(err, crypt.ErrDamaged) && !errors.Is(err, repo.ErrMissing) {
			f.t.Errorf("entries: %v", err)
		}
	}
	if errs != 1 {
		f.t.Errorf("%d errors", errs)
	}
	if _, err := Lookup(ctx, f.repo, s, "a"); !errors.Is(err, crypt.ErrDamaged) && !errors.Is(err, repo.ErrMissing) {
		f.t.Errorf("lookup: %v", err)
	}
	if c, err := ReadCatalog(ctx, f.repo, []Snapshot{s}); err != nil || len(c.Damaged) != 1 {
		f.t.Errorf("catalog: %+v, %v", c, err)
	}
	if report, err := Check(ctx, f.repo, CheckOptions{}); err != nil || len(report.Damage) != 1 {
		f.t.Errorf("check: %+v, %v", report, err)
	}
	did := f.restore(s, f.t.TempDir())
	if len(did.Failed) != 1 || did.Files != 0 {
		f.t.Errorf("restore: %+v", did)
	}
	if grown := allocated() - before; grown > 256<<20 {
		f.t.Errorf("%d MB were taken", grown>>20)
	}
	if took := time.Since(start); took > 10*time.Second {
		f.t.Errorf("it took %v", took)
	}
}

// allocated is what was ever taken from the heap.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func (f *forge) restore(s Snapshot, dir string) Restored {
	f.t.Helper()
	to, err := device.NewDir(dir, device.DirOptions{Replace: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer to.Close()
	did, err := Restore(f.t.Context(), f.repo, s, to, RestoreOptions{Overwrite: Always})
	if err != nil {
		f.t.Fatal(err)
	}
	return did
}

// Trees whose pages are fine by themselves and lie about one another.
func TestHostileTrees(t *testing.T) {
	up := func(level uint8, children ...childForm) page { return page{Level: level, Children: children} }
	for name, build := range map[string]func(f *forge) (root repo.Part, entries int){
		"the same page again and again": func(f *forge) (repo.Part, int) {
			leaf := f.page(leaf(good("a"), good("b")))
			var many []childForm
			for i := range 1000 {
				many = append(many, childForm{First: wire.Bytes(fmt.Sprintf("a%06d", i)), Part: leaf, Count: 2})
			}
			return f.page(up(1, many...)), 0
		},
		"levels multiplied": func(f *forge) (repo.Part, int) {
			at, count := f.page(leaf(good("a"))), int64(1)
			for level := range uint8(maxLevel) {
				at = f.page(up(level+1, childForm{"a", at, count}, childForm{"b", at, count}, childForm{"c", at, count}))
				count *= 3
			}
			return at, 1
		},
		"a level left out": func(f *forge) (repo.Part, int) {
			return f.page(up(2, childForm{"a", f.page(leaf(good("a"))), 1})), 0
		},
		"the same level below": func(f *forge) (repo.Part, int) {
			return f.page(up(1, childForm{"a", f.page(up(1, childForm{"a", f.page(leaf(good("a"))), 1})), 1})), 0
		},
		"another first path": func(f *forge) (repo.Part, int) {
			return f.page(up(1, childForm{"b", f.page(leaf(good("a"))), 1})), 0
		},
		"another count": func(f *forge) (repo.Part, int) {
			return f.page(up(1, childForm{"a", f.page(leaf(good("a"))), 2})), 0
		},
		"pages that overlap": func(f *forge) (repo.Part, int) {
			return f.page(up(1, childForm{"a", f.page(leaf(good("a"), good("z"))), 2}, childForm{"m", f.page(leaf(good("m"))), 1})), 2
		},
		"a page of another size": func(f *forge) (repo.Part, int) {
			p := f.page(leaf(good("a")))
			p.Size++
			return p, 0
		},
		"a body as a page": func(f *forge) (repo.Part, int) {
			p := f.content(mustMarshal(leaf(good("a"))))[0]
			p.Kind = chunk.Page
			return p, 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			root, want := build(f)
			s := f.snapshot(root)
			entries, errs, start := 0, 0, time.Now()
			for _, err := range Entries(t.Context(), f.repo, s) {
				if err == nil {
					entries++
				} else if errs++; !errors.Is(err, crypt.ErrDamaged) && !errors.Is(err, repo.ErrMissing) {
					t.Error(err)
				}
			}
			if entries != want || errs == 0 || time.Since(start) > 10*time.Second {
				t.Errorf("%d entries, want %d, %d errors, in %v", entries, want, errs, time.Since(start))
			}
			if report, err := Check(t.Context(), f.repo, CheckOptions{}); err != nil || len(report.Damage) == 0 {
				t.Errorf("check: %+v, %v", report, err)
			}
		})
	}
}

// Records that open and hold nonsense.
func TestHostileRecords(t *testing.T) {
	ok := mustForm(t, form{Version: 1, Root: repo.Part{}})
	for name, body := range map[string][]byte{
		"nothing":            {},
		"not CBOR":           []byte("snapshot"),
		"a huge array":       {0xa1, 0x04, 0x9a, 0xff, 0xff, 0xff, 0xff},
		"bytes after it":     append(bytes.Clone(ok), 1),
		"cut off":            ok[:len(ok)-1],
		"a start of 2^62":    mustForm(t, form{Version: 1, Start: 1 << 62}),
		"an end before time": mustForm(t, form{Version: 1, End: math.MinInt64}),
		"a zone of years":    mustForm(t, form{Version: 1, Zone: 1 << 40}),
		"a root of kind 1":   mustForm(t, form{Version: 1, Root: part(chunk.Body, 7)}),
		"a strange parent":   mustForm(t, form{Version: 1, Writer: Writer{Prev: "../../x"}}),
		"text that is none":  {0xa1, 0x03, 0x62, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			f.commit(body)
			all, damaged, err := List(t.Context(), f.repo)
			if err != nil || len(all) != 0 || len(damaged) != 1 || !errors.Is(damaged[0], crypt.ErrDamaged) {
				t.Errorf("%d listed, %v, %v", len(all), damaged, err)
			}
			report, err := Check(t.Context(), f.repo, CheckOptions{})
			if err != nil || len(report.Damage) != 1 || !strings.HasPrefix(report.Damage[0].Name, Kind+"/") {
				t.Errorf("check: %+v, %v", report, err)
			}
		})
	}
}

func mustForm(t *testing.T, f form) []byte {
	t.Helper()
	data, err := codec().Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A record of a newer version is no damage, and says what to do.
func TestNewerRecord(t *testing.T) {
	f := newForge(t)
	f.commit(mustForm(t, form{Version: 2}))
	if _, _, err := List(t.Context(), f.repo); err == nil || errors.Is(err, crypt.ErrDamaged) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("got %v", err)
	}
}

// A snapshot that any program would call fine, and that tries to write elsewhere.
func TestRestoreNeverLeavesTheTarget(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newForge(t)
	link := func(path, target string) entryForm {
		return entryForm{Path: wire.Bytes(path), Type: 1, Size: int64(len(target)), Target: wire.Bytes(target), Mode: 0o777}
	}
	evil := []byte("evil")
	file := func(path string) entryForm {
		c := f.content(evil)
		hash, _ := hex.DecodeString("c3d52cbbb0b8f16bcf8d2b0ec10d8e8d7fbf5c9e8c3c2ac8a7d6d1e6b0e1a0c0")
		return entryForm{Path: wire.Bytes(path), Size: 4, Mode: 0o644, Parts: c, Hash: hash}
	}
	entries := []entryForm{
		link("a", outside), file("a/secret"), link("b", ".."), file("b/c/up"), link("c", secret), link("d", "d"), file("d/x"),
		link("e", "/"), file("e/tmp/shoebox-was-here"), file("f"), link("f/g", "x"),
		good(strings.Repeat("n", 300)), good("CON"), good("con.txt"), good("nul"), good("trailing."), good("trailing "), good("back\\slash"), good("col:on"),
		good("\xff\xfe invalid"), good("new\nline"), good("Case"), good("case"),
	}
	slices.SortFunc(entries, func(a, b entryForm) int { return strings.Compare(string(a.Path), string(b.Path)) })
	s := f.snapshot(f.page(leaf(entries...)))
	dir := t.TempDir()
	for range 2 { // the second time its links are there already
		f.restore(s, dir)
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "mine" {
		t.Errorf("outside now holds %q, %v", data, err)
	}
	for _, path := range []string{filepath.Join(filepath.Dir(dir), "c"), "/tmp/shoebox-was-here"} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was written", path)
		}
	}
	if names, err := os.ReadDir(outside); err != nil || len(names) != 1 {
		t.Errorf("outside: %v, %v", names, err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if data, err := os.ReadFile(path); err == nil && bytes.Equal(data, evil) {
				t.Errorf("%s has bytes that are not those of its hash", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Bytes that are not those of the entry's hash end in an error, not in io.EOF.
func TestWrongHashIsNoticed(t *testing.T) {
	f := newForge(t)
	c := f.content([]byte("picture"))
	e := entryForm{Path: "a", Size: 7, Mode: 0o644, Parts: c, Hash: emptyHash()}
	s := f.snapshot(f.page(leaf(e)))
	for e, err := range Entries(t.Context(), f.repo, s) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(Open(t.Context(), f.repo, e)); !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("read: %v", err)
		}
	}
}

// Notes of interrupted backups are hostile too: what they say is checked, what cannot be used is left out.
func TestHostileNotes(t *testing.T) {
	for name, n := range map[string][]byte{
		"nothing":      {},
		"not CBOR":     []byte("note"),
		"a huge array": {0xa1, 0x03, 0x9a, 0xff, 0xff, 0xff, 0xff},
		"bad paths":    mustMarshal(note{Device: "d", Entries: []entryForm{good("../x"), good("a")}}),
		"a lie": mustMarshal(note{Device: "d", Entries: []entryForm{{Path: "a", Size: 3, ModTime: 1, Mode: 0o644, Hash: emptyHash(),
			Parts: repo.Content{part(chunk.Body, 3)}}}}),
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			if err := f.batch.Checkpoint(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			f.batch.Abort()
			dir := t.TempDir()
			full := filepath.Join(dir, "a")
			if err := errors.Join(os.WriteFile(full, []byte("abc"), 0o644), os.Chtimes(full, time.Unix(1, 0), time.Unix(1, 0))); err != nil {
				t.Fatal(err)
			}
			src, err := device.NewDir(dir, device.DirOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			s, err := Backup(t.Context(), f.repo, src, BackupOptions{Device: Device{ID: "d"}})
			if err != nil || s.Count.Read != 3 {
				t.Fatalf("%+v, %v", s.Count, err)
			}
			if did := f.restore(s, t.TempDir()); did.Files != 1 {
				t.Errorf("%+v", did)
			}
		})
	}
}
