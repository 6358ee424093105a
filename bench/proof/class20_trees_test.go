package proof_test

import (
	"bytes"
	"crypto/rand"
	"flag"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"shoebox/bench/proof"
	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// sizes are those at which something changes: nothing, one byte, the borders of cuts, of packs, and one more or less.
var sizes = func() (all []int) {
	for _, border := range []int{1, 64, 512, int(proof.Sizes.Min), int(proof.Sizes.Max), 2 * int(proof.Sizes.Max), 16 << 10} {
		all = append(all, border-1, border, border+1)
	}
	return all
}()

// tree draws files. Paths have few parts, so that folders are shared and names are prefixes of each other.
func tree(t *rapid.T) proof.Roll {
	roll := proof.Roll{}
	part := rapid.SampledFrom([]string{"a", "b", "a.b", "DCIM", "IMG_0001.jpg", "ä", "\xff\xfe", "new\nline", "-", "...", strings.Repeat("n", 255)})
	for range rapid.IntRange(1, 8).Draw(t, "files") {
		path := strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "path"), "/")
		roll[path] = content(t)
	}
	for path := range roll { // what is a file is no folder
		for other := range roll {
			if strings.HasPrefix(other, path+"/") {
				delete(roll, other)
			}
		}
	}
	return roll
}

func content(t *rapid.T) []byte {
	size := rapid.OneOf(rapid.SampledFrom(sizes), rapid.IntRange(0, 40_000)).Draw(t, "size")
	data := make([]byte, size)
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0: // zeros
	case 1:
		copy(data, bytes.Repeat([]byte("text that repeats "), size/18+1))
	case 2:
		picture := proof.Picture(rapid.Uint64Range(0, 5).Draw(t, "picture"), 3_000)
		copy(data, picture)
	default:
		fill(data, rapid.Uint64().Draw(t, "seed"))
	}
	return data
}

func fill(data []byte, seed uint64) {
	var key [32]byte
	copy(key[:], strconv.FormatUint(seed, 16))
	_, _ = mathrand.NewChaCha8(key).Read(data)
}

// What a tree held comes back, whatever it held; also after a night in which anything may have become of it.
func TestClass20_RandomTrees(t *testing.T) {
	if err := flag.Set("rapid.checks", strconv.Itoa(proof.Pick(t, 10, 500, 10_000))); err != nil {
		t.Fatal(err)
	}
	var tried atomic.Int64
	base := proof.New(t, new(storage.Memory))
	rapid.Check(t, func(rt *rapid.T) {
		store, err := proof.Copy(base.Store)
		if err != nil {
			rt.Fatal(err)
		}
		w := base.In(store)
		for night := range rapid.IntRange(1, 3).Draw(rt, "nights") {
			if _, err := w.Backup(w.Store, tree(rt), nil); err != nil {
				rt.Fatalf("night %d: %v", night, err)
			}
		}
		if err := w.Prove(); err != nil {
			rt.Fatal(err)
		}
		tried.Add(1)
	})
	proof.Count(t, 20, int(tried.Load()))
}

// A file of 5 GiB that is mostly a hole, through a folder and back, in the sizes of a real repository.
func TestClass20_SparseFile(t *testing.T) {
	size := int64(proof.Pick(t, 20<<20, 40<<20, 5<<30))
	dir := t.TempDir()
	marks := sparse(t, filepath.Join(dir, "film.mp4"), size)
	src, err := device.NewDir(dir, device.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	_, lock, err := crypt.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Create(t.Context(), new(storage.Memory), repo.Setup{Slots: map[string]crypt.Lock{"key": lock}, Chunks: chunk.DefaultSizes}, repo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, err := snapshot.Backup(t.Context(), r, src, snapshot.BackupOptions{Device: snapshot.Device{Kind: "folder", Name: "d", ID: snapshot.DeviceID(r, "d")}})
	if err != nil || len(s.Failed) > 0 {
		t.Fatal(s.Failed, err)
	}
	e, err := snapshot.Lookup(t.Context(), r, s, "film.mp4")
	if err != nil {
		t.Fatal(err)
	}
	wantSparse(t, snapshot.Open(t.Context(), r, e), size, marks)
	proof.Count(t, 20, 1)
}

const markLength = 4096

// sparse makes a file of zeros with a few stretches of random bytes.
func sparse(t *testing.T, path string, size int64) map[int64][]byte {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	marks := map[int64][]byte{}
	for _, at := range []int64{0, size / 3 / markLength * markLength, min(size/markLength*markLength-markLength, 1<<32/markLength*markLength), size - markLength} {
		data := make([]byte, markLength)
		_, _ = rand.Read(data)
		if _, err := f.WriteAt(data, at); err != nil {
			t.Fatal(err)
		}
		marks[at] = data
	}
	return marks
}

func wantSparse(t *testing.T, from io.Reader, size int64, marks map[int64][]byte) {
	t.Helper()
	zeros, block, at := make([]byte, markLength), make([]byte, markLength), int64(0)
	for ; at < size; at += markLength {
		if _, err := io.ReadFull(from, block); err != nil {
			t.Fatal(at, err)
		}
		want := marks[at]
		if want == nil {
			want = zeros
		}
		if !bytes.Equal(block, want) {
			t.Fatalf("the bytes at %d came back wrong", at)
		}
	}
	if n, err := from.Read(block); n != 0 || err != io.EOF {
		t.Fatal(n, err)
	}
}
