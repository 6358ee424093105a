package repo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"shoebox/bench/proof/tried"
	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
)

// zeros is a zstd stream of n zeros; claimed is what its header says.
func zeros(t *testing.T, n int, claimed uint64) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	out := enc.EncodeAll(make([]byte, n), nil)
	var head zstd.Header
	if err := head.Decode(out); err != nil || head.FrameContentSize != uint64(n) {
		t.Fatalf("%+v, %v", head, err)
	}
	if claimed == uint64(n) {
		return out
	}
	// Frame header: magic (4), descriptor (1), content size (4 here, as single segments of this length have it), then blocks.
	binary.LittleEndian.PutUint32(out[5:], uint32(claimed))
	return out
}

// Chunks that promise less than they hold take no more memory than they promise.
func TestBombs(t *testing.T) {
	const real = 200 << 20
	bomb := zeros(t, real, real)
	lying := zeros(t, real, 1<<20)
	for name, c := range map[string]struct {
		data  []byte
		plain int
		how   pack.Compression
	}{
		"header says more":  {bomb, 1 << 20, pack.Zstd},
		"header lies":       {lying, 1 << 20, pack.Zstd},
		"not zstd":          {bytes.Repeat([]byte{7}, 100), 1 << 20, pack.Zstd},
		"shorter than said": {bytes.Repeat([]byte{7}, 100), 101, pack.None},
	} {
		t.Run(name, func(t *testing.T) {
			tried.Cases(t, 12, 1)
			p := newPlay(t)
			b := pack.NewBuilder(p.repo.keys, pack.Data, make([]byte, 1<<20))
			var parts []Part
			for i := range 50 { // many in one pack
				part := Part{Kind: chunk.Body, ID: chunk.ID{byte(i), 1}, Size: uint32(c.plain)}
				if ok, err := b.Add(part.Kind, part.ID, c.data[:min(len(c.data), 20_000)], c.how, c.plain); !ok || err != nil {
					t.Fatal(ok, err)
				}
				parts = append(parts, part)
			}
			done, err := b.Finish()
			if err == nil {
				err = p.stage.Put(t.Context(), packPath(done.Name), done.Bytes)
			}
			if err != nil {
				t.Fatal(err)
			}
			r := p.again()
			before := allocated()
			for _, part := range parts[:5] {
				if _, err := r.Chunk(t.Context(), part); !errors.Is(err, crypt.ErrDamaged) {
					t.Fatalf("got %v", err)
				}
			}
			a, err := r.Audit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Scrub(t.Context(), Budget{All: true}, nil); err != nil || len(a.Damage) != len(parts) {
				t.Errorf("%d damaged of %d: %v", len(a.Damage), len(parts), err)
			}
			if grown := allocated() - before; grown > 600<<20 { // 55 chunks of at most 1 MiB, packs, decoders
				t.Errorf("%d MB were taken", grown>>20)
			}
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// What has no business in the folder is named by check where it could mean something, and never stops anybody.
func TestStrangeObjects(t *testing.T) {
	p := newPlay(t)
	data := noise(21, 20_000)
	c := p.stored(data)
	for _, name := range []string{"packs/00/short", "packs/zz", "segments/x", "sessions/hello", "sessions/a.part", "sessions/..done.x/y", "sessions/" + strings.Repeat("0", 32) + ".000001.part",
		"keys/x.age", "config/zzz", "other", "snapshots.txt", "sessions/.hidden"} {
		_ = p.stage.Put(t.Context(), name, []byte("what is this")) // some are refused, which is fine
	}
	r := p.again()
	if got, err := r.Chunk(t.Context(), c[0]); err != nil || !bytes.HasPrefix(data, got) {
		t.Errorf("%d bytes: %v", len(got), err)
	}
	if left, err := r.Unfinished(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
	b := p.begin(r)
	if err := p.commit(b, c); err != nil {
		t.Error(err)
	}
}

// Orphans that cannot be read, whatever byte of their end is wrong, stop no backup.
func TestDamagedOrphanStopsNobody(t *testing.T) {
	p := newPlay(t)
	b := p.begin(p.repo)
	p.put(b, noise(22, 30_000))
	if err := b.packer.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Abort()
	name := p.names(packsDir)[0]
	whole, err := p.stage.Get(t.Context(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	for back := 1; back <= 120; back++ {
		bad := bytes.Clone(whole)
		bad[len(bad)-back] ^= 0x20
		if err := p.stage.Put(t.Context(), name, bad); err != nil {
			t.Fatal(err)
		}
		r := p.again()
		a, err := r.Audit(t.Context())
		if err != nil || len(a.Damage) != 1 || a.Damage[0].Name != name {
			t.Fatalf("byte %d from the end: %+v, %v", back, a, err)
		}
		second, err := r.Begin(t.Context(), BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10})
		if err != nil {
			t.Fatalf("byte %d from the end: %v", back, err)
		}
		second.Abort()
		p.delete(p.names(segmentsDir)...)
	}
}
