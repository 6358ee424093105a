package storage_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unsafe"

	"shoebox/repo/storage"
)

func TestAlignedBuffer(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 1 << 20, 16<<20 + 5} {
		buf := storage.AlignedBuffer(n)
		if len(buf) != 0 || cap(buf) != n || uintptr(unsafe.Pointer(unsafe.SliceData(buf)))%4096 != 0 {
			t.Fatal(n, len(buf), cap(buf))
		}
	}
}

// What goes past the page cache and what does not reads back the same, around every border.
func TestDirectWrites(t *testing.T) {
	f := openFolder(t, t.TempDir())
	all := append(storage.AlignedBuffer(4<<20), make([]byte, 4<<20)...)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(all) // never fails
	for _, from := range []int{0, 1, 512, 4096} {
		for _, size := range []int{1<<20 - 4096, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 512, 1<<20 + 4096, 3 << 20} {
			if err := f.Put(ctx, "x", all[from:from+size]); err != nil {
				t.Fatal(err)
			}
			if got, err := f.Get(ctx, "x", 0, -1); err != nil || !bytes.Equal(got, all[from:from+size]) {
				t.Fatal(from, size, err)
			}
		}
	}
}
