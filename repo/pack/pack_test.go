package pack

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zeebo/blake3"

	"shoebox/chunk"
	"shoebox/repo/crypt"
)

func testKeys(t testing.TB) *crypt.Keys {
	t.Helper()
	m, err := crypt.NewMaster(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return crypt.NewKeys(m, crypt.RepositoryID{1}, crypt.AES256GCM, rand.Reader)
}

// fill packs chunks of the given sizes and finishes.
func fill(t testing.TB, k *crypt.Keys, sizes ...int) (Finished, map[chunk.ID][]byte) {
	t.Helper()
	b := NewBuilder(k, Data, make([]byte, 1<<20))
	all := make(map[chunk.ID][]byte)
	for i, n := range sizes {
		plain := bytes.Repeat([]byte{byte(i + 1)}, n)
		id := k.ChunkID(chunk.Body, plain)
		if ok, err := b.Add(chunk.Body, id, plain, None, n); err != nil || !ok {
			t.Fatalf("add %d bytes: %v, %v", n, ok, err)
		}
		all[id] = plain
	}
	f, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return f, all
}

func directoryOf(k *crypt.Keys, data []byte) (Directory, error) {
	return ReadDirectory(k, int64(len(data)), func(off, n int64) ([]byte, error) {
		if off < 0 || n < 0 || off+n > int64(len(data)) {
			return nil, fmt.Errorf("asked for %d bytes at %d of %d", n, off, len(data))
		}
		return bytes.Clone(data[off : off+n]), nil
	})
}

func TestPackGivesBackWhatWasAdded(t *testing.T) {
	k := testKeys(t)
	f, all := fill(t, k, 1, 100, 70_000, 4096)
	if len(f.Bytes)%align != 0 || blake3.Sum256(f.Bytes) != f.Name {
		t.Errorf("%d bytes, named %x", len(f.Bytes), f.Name)
	}
	d, err := directoryOf(k, f.Bytes)
	if err != nil || d.Class != Data || len(d.Entries) != len(all) {
		t.Fatalf("directory %+v, %v", d, err)
	}
	for _, e := range d.Entries {
		got, err := k.OpenChunk(nil, e.Place(), f.Bytes[e.Offset:e.Offset+e.Stored])
		if err != nil || !bytes.Equal(got, all[e.ID]) {
			t.Errorf("chunk %v: %v", e.ID, err)
		}
	}
}

// Many directories are longer than what the first read of a pack's end takes.
func TestLongDirectory(t *testing.T) {
	k := testKeys(t)
	sizes := make([]int, 3000)
	for i := range sizes {
		sizes[i] = i%200 + 1
	}
	b := NewBuilder(k, Meta, make([]byte, 1<<20))
	for i := range sizes {
		plain := binary.LittleEndian.AppendUint64(nil, uint64(i))
		if ok, err := b.Add(chunk.Head, k.ChunkID(chunk.Head, plain), plain, None, 8); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	f, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	d, err := directoryOf(k, f.Bytes)
	if err != nil || len(d.Entries) != len(sizes) || d.Class != Meta {
		t.Fatalf("%d entries, %v", len(d.Entries), err)
	}
}

func TestFullPackRefuses(t *testing.T) {
	k := testKeys(t)
	b := NewBuilder(k, Data, make([]byte, 256<<10))
	added := 0
	for i := 0; ; i++ {
		plain := make([]byte, 10_000)
		binary.LittleEndian.PutUint64(plain, uint64(i))
		ok, err := b.Add(chunk.Body, k.ChunkID(chunk.Body, plain), plain, None, len(plain))
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		added++
	}
	f, err := b.Finish()
	if err != nil || len(f.Bytes) > 256<<10 || added < 23 {
		t.Fatalf("%d chunks in %d bytes: %v", added, len(f.Bytes), err)
	}
	if ok, err := b.Add(chunk.Body, chunk.ID{}, []byte("late"), None, 4); ok || err != nil {
		t.Errorf("a finished pack took a chunk: %v, %v", ok, err)
	}
}

func TestAddFromManyGoroutines(t *testing.T) {
	k := testKeys(t)
	b := NewBuilder(k, Data, make([]byte, 4<<20))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				plain := bytes.Repeat(fmt.Appendf(nil, "chunk %d of %d", i, g), 1+i*g) // to overtake one another
				if ok, err := b.Add(chunk.Body, k.ChunkID(chunk.Body, plain), plain, None, len(plain)); !ok || err != nil {
					t.Errorf("add: %v, %v", ok, err)
				}
			}
		})
	}
	wg.Wait()
	f, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if blake3.Sum256(f.Bytes) != f.Name {
		t.Error("the name is not the hash of the pack")
	}
	d, err := directoryOf(k, f.Bytes)
	if err != nil || len(d.Entries) != 400 {
		t.Fatalf("%d entries: %v", len(d.Entries), err)
	}
	for _, e := range d.Entries {
		plain, err := k.OpenChunk(nil, e.Place(), f.Bytes[e.Offset:e.Offset+e.Stored])
		if err != nil || k.ChunkID(e.Kind, plain) != e.ID {
			t.Fatalf("chunk %v: %v", e.ID, err)
		}
	}
}

// Every byte of a pack changed, and every length it could be cut to: never a panic, never a wrong chunk.
func TestDamagedPackIsNoticed(t *testing.T) {
	k := testKeys(t)
	f, all := fill(t, k, 1, 300, 1000)
	tried := 0
	for i := range f.Bytes {
		bad := bytes.Clone(f.Bytes)
		bad[i] ^= 0x40
		if blake3.Sum256(bad) == f.Name {
			t.Fatalf("byte %d changed and the name still fits", i)
		}
		d, err := directoryOf(k, bad)
		if err != nil {
			if !errors.Is(err, crypt.ErrDamaged) {
				t.Fatalf("byte %d: %v", i, err)
			}
			continue
		}
		for _, e := range d.Entries {
			if got, err := k.OpenChunk(nil, e.Place(), bad[e.Offset:e.Offset+e.Stored]); err == nil && !bytes.Equal(got, all[e.ID]) {
				t.Fatalf("byte %d changed and a wrong chunk came", i)
			}
		}
		tried++
	}
	for n := range f.Bytes {
		if _, err := directoryOf(k, f.Bytes[:n]); err == nil {
			t.Fatalf("cut to %d bytes and its directory opened", n)
		}
	}
	t.Logf("%d bytes changed, %d lengths", len(f.Bytes), len(f.Bytes))
}

func TestHostileEntries(t *testing.T) {
	line := func(kind, enc byte, stored, plain uint32) []byte {
		b := append([]byte{kind, enc}, make([]byte, 32)...)
		b = binary.LittleEndian.AppendUint32(b, stored)
		return binary.LittleEndian.AppendUint32(b, plain)
	}
	for name, lines := range map[string][]byte{
		"cut off":              line(1, 0x10, 42, 10)[:41],
		"longer than the pack": line(1, 0x10, 1<<20, 1<<20),
		"no plaintext":         line(1, 0x10, 32, 0),
		"a bomb":               line(1, 0x11, 100, 1<<31),
		"stored more":          line(1, 0x10, 100, 10),
		"unknown suite":        line(1, 0x30, 42, 10),
		"unknown compression":  line(1, 0x15, 42, 10),
		"overflow":             bytes.Repeat(line(1, 0x10, 32<<20, 32<<20), 200),
	} {
		if _, err := ParseEntries(lines, 64<<10); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCompression(t *testing.T) {
	var c Compressor
	rng := mrand.New(mrand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	text := bytes.Repeat([]byte("the same again and again, "), 10_000)
	for name, v := range map[string]struct {
		plain []byte
		kind  chunk.Kind
		want  Compression
	}{
		"noise": {noise, chunk.Body, None}, "noisy head": {noise, chunk.Head, None}, "text": {text, chunk.Body, Zstd},
		"short": {[]byte("abc"), chunk.Head, None}, "a page": {text[:200], chunk.Page, Zstd},
	} {
		data, how, err := c.Compress(nil, v.plain, v.kind)
		if err != nil || how != v.want {
			t.Errorf("%s: compressed in way %d, %v", name, how, err)
		}
		back, err := c.Expand(data, how, len(v.plain))
		if err != nil || !bytes.Equal(back, v.plain) {
			t.Errorf("%s: does not come back: %v", name, err)
		}
		if _, err := c.Expand(data, how, len(v.plain)+1); !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("%s: another length was accepted: %v", name, err)
		}
		if how == Zstd {
			if _, err := c.Expand(data[:len(data)-1], how, len(v.plain)); !errors.Is(err, crypt.ErrDamaged) {
				t.Errorf("%s: cut off and accepted: %v", name, err)
			}
		}
	}
}

func FuzzParseEntries(f *testing.F) {
	f.Add(make([]byte, 42), int64(4096))
	f.Fuzz(func(t *testing.T, lines []byte, size int64) {
		entries, err := ParseEntries(lines, size)
		if err == nil && !bytes.Equal(AppendEntries(nil, entries), lines) {
			t.Error("what was read is not what is written")
		}
	})
}

func FuzzReadDirectory(f *testing.F) {
	k := testKeys(f)
	done, _ := fill(f, k, 10, 20)
	f.Add(done.Bytes)
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := directoryOf(k, data); err == nil && len(d.Entries) == 0 {
			t.Error("a pack of no chunks opened, and nobody writes those")
		}
	})
}

func FuzzExpand(f *testing.F) {
	var c Compressor
	data, _, _ := c.Compress(nil, bytes.Repeat([]byte("abc"), 1000), chunk.Page)
	f.Add(data, 3000)
	f.Fuzz(func(t *testing.T, data []byte, length int) {
		if length < 0 || length > 1<<20 {
			return
		}
		if out, err := c.Expand(data, Zstd, length); err == nil && len(out) != length {
			t.Errorf("%d bytes came where %d were promised", len(out), length)
		}
	})
}

// What is settled while others still add is the beginning of the finished pack.
func TestSettledStays(t *testing.T) {
	k := testKeys(t)
	b := NewBuilder(k, Data, make([]byte, 4<<20))
	var seen []byte
	var adding, looking sync.WaitGroup
	var over atomic.Bool
	looking.Go(func() {
		for last := false; !last; {
			last = over.Load()
			seen = append(seen, b.Settled()[len(seen):]...)
		}
	})
	for i := range 8 {
		adding.Go(func() {
			for j := range 50 {
				data := fmt.Appendf(nil, "%d %d %s", i, j, strings.Repeat("x", 1000*i))
				if ok, err := b.Add(chunk.Body, k.ChunkID(chunk.Body, data), data, None, len(data)); !ok || err != nil {
					t.Error(ok, err)
				}
				b.HashOn()
			}
		})
	}
	adding.Wait()
	over.Store(true)
	looking.Wait()
	size := b.Size()
	done, err := b.Finish()
	if err != nil || len(seen) < size || !bytes.HasPrefix(done.Bytes, seen) {
		t.Fatalf("%d bytes of chunks, %d seen settled: %v", size, len(seen), err)
	}
}

// Whoever hashes while the pack is finished, and afterwards, its name is the hash of all of it.
func TestHashOnBesideFinish(t *testing.T) {
	k := testKeys(t)
	for range 20 {
		b := NewBuilder(k, Data, make([]byte, 1<<20))
		var hashing sync.WaitGroup
		var over atomic.Bool
		hashing.Go(func() {
			for !over.Load() {
				b.HashOn()
			}
		})
		for j := range 20 {
			data := fmt.Appendf(nil, "%d %s", j, strings.Repeat("x", 10_000))
			if ok, err := b.Add(chunk.Body, k.ChunkID(chunk.Body, data), data, None, len(data)); !ok || err != nil {
				t.Error(ok, err)
			}
		}
		done, err := b.Finish()
		b.HashOn()
		over.Store(true)
		hashing.Wait()
		if err != nil || done.Name != blake3.Sum256(done.Bytes) {
			t.Fatalf("the name is %x: %v", done.Name, err)
		}
	}
}
