package device

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A backup reads every picture once, through the page cache if it lies there already, or else past it: of one that was read, of a long one also before its end, and of one that was opened and left, no more is kept
// in memory than of a file that the system was told to forget. A file system that lies in memory keeps all of it.
func TestKeepsNothingInMemory(t *testing.T) {
	const size = 4*aheadStep + 5
	dir := t.TempDir()
	d, err := NewDir(dir, DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	pages := size/os.Getpagesize() + 1
	forgotten := writtenToDisk(t, dir, "forgotten", size)
	wasRead(forgotten, size)
	least := inMemory(t, forgotten, size) + pages/8 // of which somebody else may hold some for a moment
	t.Logf("%d of %d pages may stay", least, pages)

	for _, c := range []struct {
		name string
		read int64
		open bool
		most int
	}{
		{"read", size, false, least},
		{"part", 2*aheadStep + 1, false, least},
		{"left", 0, false, least},
		{"open", size - 1, true, max(least, 3*pages/4)}, // of which one step is ahead and one behind
	} {
		for _, cold := range []bool{false, true} {
			name := fmt.Sprint(c.name, " cold ", cold)
			t.Run(name, func(t *testing.T) {
				same := writtenToDisk(t, dir, name, size)
				if cold {
					wasRead(same, size)
				}
				stream, err := d.Open(t.Context(), fileNamed(t, d, name))
				if err != nil {
					t.Fatal(err)
				}
				if cold { // past the page cache as far as whole pages go
					_, err = io.ReadFull(stream, onPage(int(c.read), 0))
				} else {
					_, err = io.CopyN(io.Discard, stream, c.read)
				}
				if err != nil {
					t.Fatal(err)
				}
				if !c.open {
					if err := stream.Close(); err != nil {
						t.Fatal(err)
					}
				}
				if n := inMemory(t, same, size); n > c.most {
					t.Errorf("%d of %d pages are in memory, %d at most are expected", n, pages, c.most)
				}
				if c.open {
					_ = stream.Close()
				}
			})
		}
	}
}

func fileNamed(t *testing.T, d *Dir, name string) File {
	t.Helper()
	for f, err := range d.Files(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Path == name {
			return f
		}
	}
	t.Fatal(name, "is not listed")
	return File{}
}

// writtenToDisk gives a file of random bytes that are on the disk: the system forgets no others.
func writtenToDisk(t *testing.T, dir, name string, size int) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{1}), int64(size)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	return f
}

// inMemory counts the pages of a file that the system keeps in memory.
func inMemory(t *testing.T, f *os.File, size int) (n int) {
	t.Helper()
	mapped, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mapped) }()
	kept := make([]byte, size/os.Getpagesize()+1)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])), uintptr(size), uintptr(unsafe.Pointer(&kept[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for _, k := range kept {
		n += int(k & 1)
	}
	return n
}
