package storage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"shoebox/repo/storage"
)

// BenchmarkPut writes objects of a pack's size, past the page cache (aligned) and through it.
// BENCH_DIR names a directory on the disk to measure.
func BenchmarkPut(b *testing.B) {
	const size = 16 << 20
	data := append(storage.AlignedBuffer(size+1), make([]byte, size+1)...)
	for what, part := range map[string][]byte{"direct": data[:size], "buffered": data[1:]} {
		b.Run(what, func(b *testing.B) {
			dir, err := os.MkdirTemp(os.Getenv("BENCH_DIR"), "put")
			if err != nil {
				b.Fatal(err)
			}
			defer os.RemoveAll(dir)
			f := openFolder(b, dir)
			b.SetBytes(size)
			n := 0
			for b.Loop() {
				if err := f.Put(ctx, fmt.Sprintf("packs/%02x/%d", n%256, n), part); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}

// BenchmarkList lists 65,536 objects in 256 directories.
func BenchmarkList(b *testing.B) {
	dir := b.TempDir()
	for n := range 256 {
		below := filepath.Join(dir, "packs", fmt.Sprintf("%02x", n))
		if err := os.MkdirAll(below, 0o700); err != nil {
			b.Fatal(err)
		}
		for m := range 256 {
			if err := os.WriteFile(filepath.Join(below, fmt.Sprintf("%064x", n*256+m)), nil, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	f := openFolder(b, dir)
	for b.Loop() {
		count := 0
		for _, err := range f.List(ctx, "packs/") {
			if err != nil {
				b.Fatal(err)
			}
			count++
		}
		if count != 65536 {
			b.Fatal(count)
		}
	}
}
