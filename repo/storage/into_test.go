package storage_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"testing"

	"shoebox/repo/storage"
)

// Whatever is read into, on page borders or beside them, long or short, is what Get gives; of what is not there both say the same.
func TestGetInto(t *testing.T) {
	folder, memory := openFolder(t, t.TempDir()), new(storage.Memory)
	data := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	for _, s := range []storage.Store{folder, memory} {
		if err := errors.Join(s.Put(ctx, "a/x", data), s.Put(ctx, "a/empty", nil)); err != nil {
			t.Fatal(err)
		}
		into := storage.AlignedBuffer(4 << 20)[:4<<20]
		for _, off := range []int{0, 1, 4096, 1<<20 + 4096} {
			for _, n := range []int{0, 1, 4096, 256<<10 - 4096, 256 << 10, 256<<10 + 1, 1 << 20, 3<<20 - 1<<20 - 4096} {
				for _, skew := range []int{0, 1} {
					p := into[skew : skew+n]
					clear(p)
					if err := storage.GetInto(ctx, s, "a/x", int64(off), p); err != nil || !bytes.Equal(p, data[off:off+n]) {
						t.Fatal(off, n, skew, err)
					}
				}
			}
		}
		for _, c := range []struct {
			name string
			off  int64
			want error
		}{{"a/none", 0, fs.ErrNotExist}, {"a", 0, fs.ErrNotExist}, {"a/x/y", 0, fs.ErrNotExist}, {"a/x", 0, io.ErrUnexpectedEOF}, {"a/x", 2 << 20, io.ErrUnexpectedEOF},
			{"a/empty", 0, io.ErrUnexpectedEOF}, {"a/x", -4096, fs.ErrInvalid}, {"../x", 0, storage.ErrName}} {
			if err := storage.GetInto(ctx, s, c.name, c.off, into); !errors.Is(err, c.want) {
				t.Error(c.name, c.off, err)
			}
		}
	}
}

// BenchmarkGetInto reads packs of 16 MiB with a read past the page cache, and with Get, for which they are in the cache from the second time on.
func BenchmarkGetInto(b *testing.B) {
	f := openFolder(b, b.TempDir())
	pack := storage.AlignedBuffer(16 << 20)[:16<<20]
	if err := f.Put(ctx, "x", pack); err != nil {
		b.Fatal(err)
	}
	b.Run("Get", func(b *testing.B) {
		b.SetBytes(16 << 20)
		for b.Loop() {
			if _, err := f.Get(ctx, "x", 0, -1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("GetInto", func(b *testing.B) {
		b.SetBytes(16 << 20)
		for b.Loop() {
			if err := f.GetInto(ctx, "x", 0, pack); err != nil {
				b.Fatal(err)
			}
		}
	})
}
