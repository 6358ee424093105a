package repo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	mrand "math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// small makes chunks and packs small, so that little data makes many.
var (
	smallSizes = chunk.Sizes{Min: 64 << 10, Max: 256 << 10, Bits: 16}
	smallPacks = repo.BatchOptions{DataPack: 1 << 20, MetaPack: 512 << 10}
)

const password = "correct horse"

func lockFor(t testing.TB, text string) crypt.Lock {
	t.Helper()
	l, err := crypt.Passphrase(text, 1)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func secretFor(t testing.TB, text string) []crypt.Secret {
	t.Helper()
	s, err := crypt.PassphraseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return []crypt.Secret{s}
}

func create(t testing.TB, store storage.Store, cache string) *repo.Repo {
	t.Helper()
	r, err := repo.Create(t.Context(), store, repo.Setup{Slots: map[string]crypt.Lock{"password": lockFor(t, password)}, Chunks: smallSizes}, repo.Options{CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func open(t testing.TB, store storage.Store, cache string) *repo.Repo {
	t.Helper()
	r, err := repo.Open(t.Context(), store, secretFor(t, password), repo.Options{CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// noise is n bytes that no compressor and no other seed shares.
func noise(seed uint64, n int) []byte {
	rng := mrand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 7})
	b := make([]byte, n)
	_, _ = rng.Read(b)
	return b
}

// backup stores the streams and a record that needs them, whose body lists nothing but its number.
func backup(ctx context.Context, r *repo.Repo, streams ...[]byte) (contents []repo.Content, name string, err error) {
	b, err := r.Begin(ctx, smallPacks)
	if err != nil {
		return nil, "", err
	}
	defer b.Abort()
	for _, s := range streams {
		c, _, err := b.Put(ctx, bytes.NewReader(s))
		if err != nil {
			return nil, "", err
		}
		contents = append(contents, c)
	}
	name, err = b.Commit(ctx, "snapshots", fmt.Appendf(nil, "%d streams", len(streams)), partsOf(contents))
	return contents, name, err
}

func partsOf(contents []repo.Content) repo.Needs {
	return func(context.Context) iter.Seq2[repo.Part, error] {
		return func(yield func(repo.Part, error) bool) {
			for _, c := range contents {
				for _, p := range c {
					if !yield(p, nil) {
						return
					}
				}
			}
		}
	}
}

func mustBackup(t testing.TB, r *repo.Repo, streams ...[]byte) []repo.Content {
	t.Helper()
	contents, _, err := backup(t.Context(), r, streams...)
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

func wantBack(t testing.TB, r *repo.Repo, contents []repo.Content, streams ...[]byte) {
	t.Helper()
	for i, c := range contents {
		got, err := io.ReadAll(r.NewReader(t.Context(), c))
		if err != nil || !bytes.Equal(got, streams[i]) {
			t.Fatalf("stream %d: %d bytes of %d came back: %v", i, len(got), len(streams[i]), err)
		}
	}
}

func names(t testing.TB, s storage.Store, prefix string) (all []string) {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o.Name)
	}
	return all
}

func TestWhatIsStoredComesBack(t *testing.T) {
	store := new(storage.Memory)
	r := create(t, store, t.TempDir())
	streams := [][]byte{nil, []byte("x"), noise(1, 3_000_000), bytes.Repeat([]byte("text "), 100_000), noise(2, 64<<10)}
	contents := mustBackup(t, r, streams...)
	wantBack(t, r, contents, streams...)
	wantBack(t, open(t, store, t.TempDir()), contents, streams...)
	if err := iotest.TestReader(r.NewReader(t.Context(), contents[2]), streams[2]); err != nil {
		t.Error(err) // reads, seeks and ends as io.ReadSeeker promises
	}
}

func TestNothingIsStoredTwice(t *testing.T) {
	store := new(storage.Memory)
	r := create(t, store, t.TempDir())
	data := noise(3, 2_000_000)
	mustBackup(t, r, data)
	before := len(names(t, store, "packs/"))
	b, err := open(t, store, t.TempDir()).Begin(t.Context(), smallPacks)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Abort()
	if _, fresh, err := b.Put(t.Context(), bytes.NewReader(data)); err != nil || fresh != 0 {
		t.Fatalf("%d bytes were new: %v", fresh, err)
	}
	var wg sync.WaitGroup // the same new stream by several at once
	for range 6 {
		wg.Go(func() {
			if _, _, err := b.Put(t.Context(), bytes.NewReader(noise(4, 1_000_000))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := b.Commit(t.Context(), "snapshots", nil, partsOf(nil)); err != nil {
		t.Fatal(err)
	}
	if got := b.Count(); got.FreshBytes != 1_000_000 {
		t.Errorf("%d bytes were new, want 1,000,000", got.FreshBytes)
	}
	if after := len(names(t, store, "packs/")); after-before > 3 {
		t.Errorf("%d packs for 1 MB", after-before)
	}
}

func TestWrongPasswordAndNoRepository(t *testing.T) {
	store := new(storage.Memory)
	if _, err := repo.Open(t.Context(), store, secretFor(t, password), repo.Options{}); !errors.Is(err, repo.ErrNoRepository) {
		t.Errorf("an empty store: %v", err)
	}
	create(t, store, "")
	if _, err := repo.Open(t.Context(), store, secretFor(t, "wrong"), repo.Options{}); !errors.Is(err, crypt.ErrWrongKey) {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := repo.Create(t.Context(), store, repo.Setup{Slots: map[string]crypt.Lock{"p": lockFor(t, "x")}}, repo.Options{}); !errors.Is(err, repo.ErrExists) {
		t.Errorf("created over another: %v", err)
	}
}

func TestKeySlots(t *testing.T) {
	store := new(storage.Memory)
	r := create(t, store, "")
	ctx := t.Context()
	if err := r.RemoveSlot(ctx, "password"); err == nil || !strings.Contains(err.Error(), "last key slot") {
		t.Errorf("the last slot could be removed: %v", err)
	}
	if err := r.AddSlot(ctx, secretFor(t, password)[0], "second", lockFor(t, "two"), false); err != nil {
		t.Fatal(err)
	}
	if err := r.AddSlot(ctx, secretFor(t, password)[0], "second", lockFor(t, "three"), false); !errors.Is(err, repo.ErrSlotExists) {
		t.Errorf("a slot was replaced unasked: %v", err)
	}
	if err := r.AddSlot(ctx, secretFor(t, "wrong")[0], "third", lockFor(t, "three"), false); !errors.Is(err, crypt.ErrWrongKey) {
		t.Errorf("a slot for somebody without a key: %v", err)
	}
	if err := r.RemoveSlot(ctx, "password"); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Open(ctx, store, secretFor(t, password), repo.Options{}); !errors.Is(err, crypt.ErrWrongKey) {
		t.Errorf("the removed password opens: %v", err)
	}
	if _, err := repo.Open(ctx, store, secretFor(t, "two"), repo.Options{}); err != nil {
		t.Errorf("the second password: %v", err)
	}
	for _, label := range []string{"../x", "a/b", "", "con"} {
		if err := r.AddSlot(ctx, secretFor(t, "two")[0], label, lockFor(t, "z"), false); err == nil {
			t.Errorf("a slot named %q", label)
		}
	}
}

// The index is in packs > segments > cache: each may be lost and is made again from the one before.
func TestIndexFromPacksAlone(t *testing.T) {
	store := new(storage.Memory)
	cache := t.TempDir()
	r := create(t, store, cache)
	data := noise(5, 2_000_000)
	contents := mustBackup(t, r, data)
	for _, name := range names(t, store, "segments/") {
		if err := store.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	fresh := open(t, store, t.TempDir())
	wantBack(t, fresh, contents, data)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantBack(t, open(t, store, cache), contents, data) // its cache told of segments that are gone
	b, err := open(t, store, cache).Begin(t.Context(), smallPacks)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Abort()
	if _, isNew, err := b.Put(t.Context(), bytes.NewReader(data)); err != nil || isNew != 0 {
		t.Errorf("%d bytes were stored again: %v", isNew, err)
	}
	if len(names(t, store, "segments/")) == 0 {
		t.Error("no segment was written for the packs that were found")
	}
}

func TestInterruptedBatchIsNotLost(t *testing.T) {
	store := new(storage.Memory)
	r := create(t, store, "")
	data := noise(6, 3_000_000)
	b, err := r.Begin(t.Context(), smallPacks)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := b.Put(t.Context(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Checkpoint(t.Context(), []byte("so far")); err != nil {
		t.Fatal(err)
	}
	b.Abort()
	second := open(t, store, "")
	left, err := second.Unfinished(t.Context())
	if err != nil || len(left) != 1 || len(left[0].Notes) != 1 || string(left[0].Notes[0]) != "so far" {
		t.Fatalf("left behind: %+v, %v", left, err)
	}
	b, err = second.Begin(t.Context(), smallPacks)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Abort()
	if ok, err := b.Has(t.Context(), c); !ok || err != nil {
		t.Errorf("what was safe is not found: %v", err)
	}
	if err := second.DropNotes(t.Context(), left[0].Session); err != nil {
		t.Fatal(err)
	}
	if left, err := second.Unfinished(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("still left: %+v, %v", left, err)
	}
}

func TestRecords(t *testing.T) {
	store := new(storage.Memory)
	r := create(t, store, "")
	_, name, err := backup(t.Context(), r, noise(7, 1000))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for rec, err := range r.Records(t.Context(), "snapshots") {
		if err != nil || rec.Name != name || !rec.Confirmed || string(rec.Body) != "1 streams" {
			t.Errorf("%+v: %v", rec, err)
		}
		found++
	}
	if found != 1 {
		t.Errorf("%d records", found)
	}
	for _, done := range names(t, store, "sessions/") {
		if strings.HasSuffix(done, ".done") {
			if err := store.Delete(t.Context(), done); err != nil {
				t.Fatal(err)
			}
		}
	}
	for rec, err := range r.Records(t.Context(), "snapshots") {
		if err != nil || rec.Confirmed {
			t.Errorf("confirmed without its session being done: %+v, %v", rec, err)
		}
	}
}

func TestSourceErrorIsNotSwallowed(t *testing.T) {
	r := create(t, new(storage.Memory), "")
	b, err := r.Begin(t.Context(), smallPacks)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Abort()
	broken := errors.New("the cable was pulled")
	_, _, err = b.Put(t.Context(), io.MultiReader(bytes.NewReader(noise(8, 300_000)), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || repo.IsStoreError(err) {
		t.Errorf("got %v", err)
	}
}

func TestAuditFindsExactlyTheDamage(t *testing.T) {
	store := new(storage.Memory)
	r := create(t, store, t.TempDir())
	mustBackup(t, r, noise(9, 2_000_000), bytes.Repeat([]byte("abc"), 50_000))
	audit := func() (damage []string) {
		a, err := open(t, store, "").Audit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Scrub(t.Context(), repo.Budget{All: true}, nil); err != nil {
			t.Fatal(err)
		}
		for _, d := range a.Damage {
			if len(damage) == 0 || damage[len(damage)-1] != d.Name {
				damage = append(damage, d.Name)
			}
		}
		return damage
	}
	if d := audit(); len(d) != 0 {
		t.Fatalf("damage where there is none: %v", d)
	}
	rng := mrand.New(mrand.NewPCG(1, 1))
	for _, dir := range []string{"packs/", "segments/"} {
		for _, name := range names(t, store, dir) {
			whole, err := store.Get(t.Context(), name, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			for range 8 {
				bad := bytes.Clone(whole)
				bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
				if err := store.Put(t.Context(), name, bad); err != nil {
					t.Fatal(err)
				}
				if d := audit(); len(d) != 1 || d[0] != name {
					t.Fatalf("%s was damaged and the audit says %v", name, d)
				}
			}
			if err := store.Put(t.Context(), name, whole); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A page that was read once is read from the local cache, also when the pack is gone; an audit is not deceived by that.
func TestPagesAreKeptLocally(t *testing.T) {
	store := new(storage.Memory)
	r := create(t, store, t.TempDir())
	b, err := r.Begin(t.Context(), smallPacks)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Abort()
	page, _, err := b.PutChunk(t.Context(), chunk.Page, []byte("some entries"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), "snapshots", nil, partsOf([]repo.Content{{page}})); err != nil {
		t.Fatal(err)
	}
	a, err := r.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Chunk(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, store, "packs/") {
		if err := store.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := r.Chunk(t.Context(), page); err != nil || string(data) != "some entries" {
		t.Errorf("got %q, %v", data, err)
	}
	if _, err := a.Chunk(t.Context(), page); err == nil {
		t.Error("the audit found what is not in the store")
	}
}
