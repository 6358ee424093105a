package snapshot

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/bench/proof/tried"
	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
)

// Here the attacker has the key: everything is sealed as it should be, and lies.

func TestHostilePages(t *testing.T) {
	cases := hostileEntries()
	for name, v := range cases {
		t.Run(name, func(t *testing.T) {
			tried.Cases(t, 12, 1)
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
			tried.Cases(t, 12, 1)
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
			tried.Cases(t, 12, 1)
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
			tried.Cases(t, 12, 1)
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
