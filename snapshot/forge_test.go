package snapshot

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/wire"
)

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

func (e Entry) form() entryForm { return formOf(&e) }

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
