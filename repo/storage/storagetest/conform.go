// Package storagetest is what tests need around a storage.Store: the conformance suite that every
// implementation passes, stores and disks that fail or keep a log, and a disk in memory.
// It does not know what the bytes mean.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"shoebox/repo/storage"
)

// Conform runs the suite; open returns an empty store each time.
func Conform(t *testing.T, open func() storage.Store) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s storage.Store)
	}{
		{"put then get", putThenGet},
		{"get a part", getPart},
		{"get what is missing", getMissing},
		{"too large", getTooLarge},
		{"replace", replace},
		{"delete", deleteTwice},
		{"list", list},
		{"stop a list", stopList},
		{"bad names", badNames},
		{"no sharing of memory", noSharing},
		{"stage, then commit", stageThenCommit},
		{"cancelled", cancelled},
		{"many at once", manyAtOnce},
		{"same name at once", sameNameAtOnce},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open()) })
	}
}

// Names returns what the store lists below prefix, in order, with sizes; it fails on an error.
func Names(t testing.TB, s storage.Store, prefix string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	for o, err := range s.List(context.Background(), prefix) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		if _, twice := found[o.Name]; twice {
			t.Fatalf("list %q yields %s twice", prefix, o.Name)
		}
		found[o.Name] = o.Size
	}
	return found
}

func put(t testing.TB, s storage.Store, name, data string) {
	t.Helper()
	if err := s.Put(context.Background(), name, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func wantGet(t testing.TB, s storage.Store, name string, off, n int64, want string) {
	t.Helper()
	got, err := s.Get(context.Background(), name, off, n)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatalf("get %s %d+%d: %.40q, want %.40q", name, off, n, got, want)
	}
}

func wantError(t testing.TB, err, want error, what string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: error %v, want one that wraps %v", what, err, want)
	}
}

func putThenGet(t *testing.T, s storage.Store) {
	large := strings.Repeat("0123456789abcdef", 3<<20/16) // an exact multiple of a page
	for name, data := range map[string]string{
		"shoebox.json": "{}", "README.txt": "", "packs/3f/3f00": "x", "packs/3f/large": large,
		"packs/3f/odd": large + "!", "a/b/c/d/e/f/g/h": "deep", "with_all.of-THEM09": "y",
	} {
		put(t, s, name, data)
		wantGet(t, s, name, 0, -1, data)
	}
	page := append(storage.AlignedBuffer(len(large)), large...)
	put(t, s, "packs/3f/aligned", string(page))
	if err := s.Put(context.Background(), "packs/3f/aligned", page); err != nil {
		t.Fatal(err)
	}
	wantGet(t, s, "packs/3f/aligned", 0, -1, large)
}

func getPart(t *testing.T, s storage.Store) {
	put(t, s, "d/x", "0123456789")
	for _, c := range []struct {
		off, n int64
		want   string
	}{{0, 10, "0123456789"}, {0, 0, ""}, {3, 4, "3456"}, {9, 1, "9"}, {10, 0, ""}, {10, -1, ""}, {4, -1, "456789"}, {0, -7, "0123456789"}} {
		wantGet(t, s, "d/x", c.off, c.n, c.want)
	}
	for _, c := range [][2]int64{{0, 11}, {10, 1}, {11, 0}, {11, -1}, {5, 1 << 62}, {1 << 62, 1 << 62}, {1<<63 - 1, -1}} {
		_, err := s.Get(context.Background(), "d/x", c[0], c[1])
		wantError(t, err, io.ErrUnexpectedEOF, fmt.Sprint("get ", c))
	}
	if _, err := s.Get(context.Background(), "d/x", -1, 1); err == nil {
		t.Fatal("a negative offset is taken")
	}
}

func getMissing(t *testing.T, s storage.Store) {
	put(t, s, "d/x", "0123456789")
	for _, name := range []string{"nothing", "d/nothing", "no/such/thing", "d", "d/x/below"} {
		for _, n := range []int64{-1, 0, 1} {
			_, err := s.Get(context.Background(), name, 0, n)
			wantError(t, err, fs.ErrNotExist, "get "+name)
		}
	}
}

func getTooLarge(t *testing.T, s storage.Store) {
	if err := s.Put(context.Background(), "huge", make([]byte, storage.MaxGet+1)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int64{-1, storage.MaxGet + 1} {
		_, err := s.Get(context.Background(), "huge", 0, n)
		wantError(t, err, storage.ErrTooLarge, "get too much")
	}
	wantGet(t, s, "huge", storage.MaxGet-1, -1, "\x00\x00")
}

// stageThenCommit uses the memory of what was staged for something else before it is committed, in another order.
func stageThenCommit(t *testing.T, s storage.Store) {
	put(t, s, "d/x", "before")
	memory := []byte("staged x")
	x, err := storage.Stage(t.Context(), s, "d/x", memory)
	if err != nil {
		t.Fatal(err)
	}
	copy(memory, "staged y")
	y, err := storage.Stage(t.Context(), s, "d/y", memory)
	if err != nil {
		t.Fatal(err)
	}
	clear(memory)
	for _, one := range []storage.Staged{y, x} {
		if err := one.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantGet(t, s, "d/x", 0, -1, "staged x")
	wantGet(t, s, "d/y", 0, -1, "staged y")
	if _, err := storage.Stage(t.Context(), s, "../x", nil); !errors.Is(err, storage.ErrName) {
		t.Fatal(err)
	}
}

func replace(t *testing.T, s storage.Store) {
	put(t, s, "d/x", "first and longer")
	put(t, s, "d/x", "second")
	wantGet(t, s, "d/x", 0, -1, "second")
	if got := Names(t, s, ""); !maps.Equal(got, map[string]int64{"d/x": 6}) {
		t.Fatal(got)
	}
}

func deleteTwice(t *testing.T, s storage.Store) {
	put(t, s, "d/x", "0123456789")
	put(t, s, "d/y", "stays")
	for _, name := range []string{"d/x", "d/x", "never/was", "neverwas"} {
		if err := s.Delete(context.Background(), name); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Get(context.Background(), "d/x", 0, -1)
	wantError(t, err, fs.ErrNotExist, "get what was deleted")
	if got := Names(t, s, "d/"); !maps.Equal(got, map[string]int64{"d/y": 5}) {
		t.Fatal(got)
	}
}

func list(t *testing.T, s storage.Store) {
	all := map[string]int64{"shoebox.json": 2, "packs/3f/3f00": 3, "packs/40/4000": 4, "packs-old": 5, "packsy/x": 6, "segments/7": 7}
	if got := Names(t, s, ""); len(got) != 0 {
		t.Fatal("an empty store lists", got)
	}
	for name, size := range all {
		put(t, s, name, strings.Repeat("z", int(size)))
	}
	for _, prefix := range []string{"", "packs/", "packs/3f/", "segments/", "marks/", "packs/zz/"} {
		want := maps.Clone(all)
		maps.DeleteFunc(want, func(name string, _ int64) bool { return !strings.HasPrefix(name, prefix) })
		if got := Names(t, s, prefix); !maps.Equal(got, want) {
			t.Errorf("list %q: %v, want %v", prefix, got, want)
		}
	}
}

func stopList(t *testing.T, s storage.Store) {
	for i := range 10 {
		put(t, s, fmt.Sprintf("d%d/x", i%3), "x")
		put(t, s, fmt.Sprintf("d%d/%d", i%3, i), "x")
	}
	seen := 0
	for range s.List(context.Background(), "") {
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		t.Fatal(seen, "objects seen")
	}
}

// BadNames are names that every store must refuse.
var BadNames = []string{
	"", ".", "..", "/", "/x", "x/", "x//y", "../x", "x/..", "x/../y", "x/./y", ".hidden", "x/.tmp-1", "x..y", "x.", "x./y",
	"a b", "a\x00b", "a\nb", "a\\b", "c:x", "ä", "a\xffb", "*", "con", "CON", "nul.txt", "d/COM1", "lpt9.x", "a/b/c/d/e/f/g/h/i",
	strings.Repeat("n", 201), "d/" + strings.Repeat("n", 300), "~", "$HOME", "x:y", "x\ty", "-/\u202e",
}

func badNames(t *testing.T, s storage.Store) {
	ctx := context.Background()
	for _, name := range BadNames {
		wantError(t, s.Put(ctx, name, nil), storage.ErrName, "put "+name)
		wantError(t, s.Delete(ctx, name), storage.ErrName, "delete "+name)
		_, err := s.Get(ctx, name, 0, -1)
		wantError(t, err, storage.ErrName, "get "+name)
	}
	for _, prefix := range []string{"packs", "packs//", "/", "../", "./", ".x/", "a/../", "a b/", "con/", "/packs/"} {
		wantError(t, listError(ctx, s, prefix), storage.ErrName, "list "+prefix)
	}
	if got := Names(t, s, ""); len(got) != 0 {
		t.Fatal(got)
	}
}

// listError reads a whole listing and returns its error; nothing may follow an error.
func listError(ctx context.Context, s storage.Store, prefix string) (failed error) {
	for _, err := range s.List(ctx, prefix) {
		if failed != nil {
			return errors.New("the listing goes on after an error")
		}
		failed = err
	}
	return failed
}

func noSharing(t *testing.T, s storage.Store) {
	data := []byte("first")
	if err := s.Put(context.Background(), "x", data); err != nil {
		t.Fatal(err)
	}
	copy(data, "xxxxx")
	got, err := s.Get(context.Background(), "x", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	copy(got, "yyyyy")
	wantGet(t, s, "x", 0, -1, "first")
}

func cancelled(t *testing.T, s storage.Store) {
	put(t, s, "x", "x")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantError(t, s.Put(ctx, "y", nil), context.Canceled, "put")
	wantError(t, s.Delete(ctx, "x"), context.Canceled, "delete")
	wantError(t, listError(ctx, s, ""), context.Canceled, "list")
	_, err := s.Get(ctx, "x", 0, -1)
	wantError(t, err, context.Canceled, "get")
	if got := Names(t, s, ""); !maps.Equal(got, map[string]int64{"x": 1}) {
		t.Fatal(got)
	}
}

func manyAtOnce(t *testing.T, s storage.Store) {
	var all sync.WaitGroup
	errs := make([]error, 8)
	for worker := range errs {
		all.Go(func() { errs[worker] = workOn(s, worker) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := Names(t, s, "packs/"); len(got) != 8*12 {
		t.Fatal(len(got), "objects")
	}
}

// workOn puts 24 objects of its own beside others, reads each back and deletes every second.
func workOn(s storage.Store, worker int) error {
	ctx := context.Background()
	for i := range 24 {
		name := fmt.Sprintf("packs/%02d/%d-%d", i, worker, i)
		if err := s.Put(ctx, name, []byte(name)); err != nil {
			return err
		}
		got, err := s.Get(ctx, name, 0, -1)
		if err != nil || string(got) != name {
			return fmt.Errorf("%s holds %q: %w", name, got, err)
		}
		if i%2 == 1 {
			if err := s.Delete(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameNameAtOnce(t *testing.T, s storage.Store) {
	var all sync.WaitGroup
	errs := make([]error, 8)
	for worker := range errs {
		all.Go(func() {
			errs[worker] = s.Put(context.Background(), "new/x", bytes.Repeat([]byte{byte('a' + worker)}, 100_000))
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(context.Background(), "new/x", 0, -1)
	if err != nil || len(got) != 100_000 || len(slices.Compact(got)) != 1 {
		t.Fatal("torn object", err)
	}
}
