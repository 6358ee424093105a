package snapshot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// tenThousand is a folder of so many small files in 100 folders, as a source.
func tenThousand(b *testing.B) *device.Dir {
	b.Helper()
	root := b.TempDir()
	for i := range 10_000 {
		path := filepath.Join(root, fmt.Sprintf("DCIM/%03d/IMG_%06d.jpg", i/100, i))
		if i%100 == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(path, fmt.Append(nil, i), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	d, err := device.NewDir(root, device.DirOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	return d
}

// BenchmarkScan lists a folder of 10,000 files: the least that a backup of it takes.
func BenchmarkScan(b *testing.B) {
	d := tenThousand(b)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range d.Files(b.Context()) {
			if n++; err != nil {
				b.Fatal(err)
			}
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/file")
}

// BenchmarkNothingChanged backs it up again, to a store in memory.
func BenchmarkNothingChanged(b *testing.B) {
	d := tenThousand(b)
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": labLock(b, "p")}}
	r, err := repo.Create(b.Context(), new(storage.Memory), setup, repo.Options{CacheDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	backup := func() snapshot.Count {
		s, err := snapshot.Backup(b.Context(), r, d, snapshot.BackupOptions{Device: snapshot.Device{Kind: "folder", Name: "f", ID: "f"}})
		if err != nil {
			b.Fatal(err)
		}
		return s.Count
	}
	backup()
	b.ReportAllocs()
	for b.Loop() {
		if c := backup(); c.Unchanged != 10_000 {
			b.Fatalf("%+v", c)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/file")
}
