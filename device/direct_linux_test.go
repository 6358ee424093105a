package device

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// onDiskAlone gives a folder with one file f of random bytes that no page cache holds, and the bytes.
func onDiskAlone(t *testing.T, size int) (d *Dir, data []byte) {
	t.Helper()
	dir := t.TempDir()
	d, err := NewDir(dir, DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	file := writtenToDisk(t, dir, "f", size)
	if data, err = os.ReadFile(file.Name()); err != nil {
		t.Fatal(err)
	}
	wasRead(file, int64(size))
	return d, data
}

// opened opens f, and says whether it is to be read past the page cache.
func opened(t *testing.T, d *Dir, f File) (s *fileStream, direct bool) {
	t.Helper()
	r, err := d.Open(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	s = r.(*fileStream)
	return s, s.from.(*onDisk).direct
}

// takesDirect says whether the file system of a folder lets itself be read past the page cache, and the page cache be asked what it holds.
func takesDirect(t *testing.T, dir string) bool {
	t.Helper()
	file := writtenToDisk(t, dir, "tried", tooSmall)
	wasRead(file, tooSmall)
	err := pastCache(file, true)
	return err == nil && !inCache(file, tooSmall)
}

// onPage makes n bytes that begin off bytes behind a page border.
func onPage(n, off int) []byte {
	memory := make([]byte, n+2*pageSize)
	skip := -int(uintptr(unsafe.Pointer(&memory[0]))) & (pageSize - 1)
	return memory[skip+off : skip+off+n]
}

// However a file is read, its bytes come, and no more; and as long as whole pages go to whole pages, past the page cache.
func TestReadsPastTheCache(t *testing.T) {
	direct := takesDirect(t, t.TempDir())
	t.Logf("the page cache is passed by: %v", direct)
	const mib = 1 << 20
	for _, size := range []int{0, 1, mib - 1, mib, mib + 1, mib + pageSize - 1, mib + pageSize, mib + pageSize + 1, 8*mib - 1, 8 * mib, 8*mib + 1} {
		d, data := onDiskAlone(t, size)
		f := fileNamed(t, d, "f")
		for _, how := range []struct {
			name  string
			off   int   // of the memory, behind a page border
			reads []int // lengths, over and over
			upTo  int   // so much comes past the cache
		}{
			{"at once", 0, []int{10 * mib}, size},
			{"some pages more each time", 0, []int{mib, mib + pageSize, 2 * mib}, size},
			{"not quite pages", 0, []int{mib + 5}, size},
			{"elsewhere in a page", 1, []int{mib}, 0},
			{"page by page", 0, []int{pageSize}, 0},
			{"less than a page", 0, []int{pageSize - 1}, 0},
			{"odd in between", 0, []int{mib, 100, mib, 1, 2 * mib, pageSize}, mib},
		} {
			wasRead(writtenBefore(t, d), int64(size))
			s, is := opened(t, d, f)
			if s.Len() != int64(size) || is != (direct && size >= tooSmall) {
				t.Errorf("%d bytes, %s: said to be %d, past the cache is %v", size, how.name, s.Len(), is)
			}
			got, err := readBy(s, onPage(10*mib, how.off), how.reads)
			if err != io.EOF || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %s: %d came, or others, %v", size, how.name, len(got), err)
			}
			if l := s.from.(*onDisk); is && l.cached != int64(min(size, how.upTo)) {
				t.Errorf("%d bytes, %s: through the cache from %d on", size, how.name, l.cached)
			}
			_ = s.Close()
		}
	}
}

// writtenBefore opens the file f of a folder beside the Dir.
func writtenBefore(t *testing.T, d *Dir) *os.File {
	t.Helper()
	file, err := os.Open(filepath.Join(d.root.Name(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// readBy reads to the end, so many bytes at a time as reads say.
func readBy(r io.Reader, memory []byte, reads []int) (all []byte, err error) {
	for i := 0; err == nil; i++ {
		var n int
		n, err = r.Read(memory[:reads[i%len(reads)]])
		all = append(all, memory[:n]...)
	}
	return all, err
}

// A file that changes its length while it is read past the page cache is never read as it was listed, though its time stays.
func TestChangesPastTheCache(t *testing.T) {
	for _, size := range []int64{1 << 20, 1<<20 + 1, 3<<20 - 100, 3 << 20} {
		for _, now := range []int64{size + 1, size + pageSize, size + 3<<20, size - 1, size - pageSize, size / 2, size/2 + 100, 0} {
			for _, after := range []int64{0, 1 << 20, size} {
				t.Run(fmt.Sprintf("%d to %d after %d", size, now, after), func(t *testing.T) {
					changePastTheCache(t, size, now, after)
				})
			}
		}
	}
}

func changePastTheCache(t *testing.T, size, now, after int64) {
	d, data := onDiskAlone(t, int(size))
	f := fileNamed(t, d, "f")
	s, direct := opened(t, d, f)
	memory := onPage(int(size+8<<20), 0)
	got := int64(0)
	for got < after {
		n, err := s.Read(memory[got:max(after, got+pageSize)])
		if got += int64(n); err != nil {
			t.Fatal(err)
		}
	}
	if direct != s.from.(*onDisk).direct {
		t.Error("it was read through the cache")
	}
	path := filepath.Join(d.root.Name(), "f")
	if err := errors.Join(os.Truncate(path, now), os.Chtimes(path, time.Time{}, f.ModTime)); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		var n int
		n, err = s.Read(memory[got:])
		got += int64(n)
	}
	if !errors.Is(err, ErrChanged) || got > size {
		t.Errorf("%d bytes came, and then %v", got, err)
	}
	if same := min(got, now); !bytes.Equal(memory[:same], data[:same]) {
		t.Error("other bytes came")
	}
}

// A file system that takes the flag and refuses the read, as here for a place in the file that is none, gives the bytes all the same.
func TestReadThatIsRefused(t *testing.T) {
	const size, from = 3 << 20, 100
	d, data := onDiskAlone(t, size)
	l := openedAhead(writtenBefore(t, d), size-from)
	if _, err := l.Seek(from, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	got, err := readBy(l, onPage(1<<20, 0), []int{1 << 20})
	if err != io.EOF || !bytes.Equal(got, data[from:]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for err, is := range map[error]bool{unix.EINVAL: true, unix.EOPNOTSUPP: true, &os.PathError{Err: unix.EINVAL}: true, nil: false, io.EOF: false, unix.EIO: false} {
		if refused(err) != is {
			t.Errorf("%v: refused is %v", err, !is)
		}
	}
}

// Where a file cannot be taken back to the page cache, what does not fill whole pages is an error, and not other bytes.
func TestFileThatStaysPastTheCache(t *testing.T) {
	const size = 2 << 20
	d, _ := onDiskAlone(t, size)
	l := openedAhead(writtenBefore(t, d), size)
	l.direct = true // also where the file system takes no such wish
	if err := l.File.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Read(onPage(100, 0)); n != 0 || err == nil || !strings.Contains(err.Error(), "go back to reading through the page cache") {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// What lies in the page cache for the most part is read from there.
func TestFileInTheCacheIsReadFromThere(t *testing.T) {
	const size = 4 << 20
	d, data := onDiskAlone(t, size)
	possible := takesDirect(t, t.TempDir())
	t.Logf("the page cache can be passed by: %v", possible)
	file := writtenBefore(t, d)
	advise(file, 0, 0, unix.FADV_RANDOM) // nothing is read ahead
	for _, c := range []struct {
		kept   int64
		direct bool
	}{{0, true}, {size / 4, true}, {size / 2, false}, {size, false}} {
		wasRead(file, size)
		if _, err := io.Copy(io.Discard, io.NewSectionReader(file, 0, c.kept)); err != nil {
			t.Fatal(err)
		}
		s, direct := opened(t, d, fileNamed(t, d, "f"))
		if direct != (c.direct && possible) || direct != (s.from.(*onDisk).want == 0) {
			t.Errorf("%d bytes in memory: past the cache is %v, %d bytes are asked for", c.kept, direct, s.from.(*onDisk).want)
		}
		if got, err := readBy(s, onPage(size, 0), []int{size}); err != io.EOF || !bytes.Equal(got, data) {
			t.Errorf("%d bytes in memory: %d came, %v", c.kept, len(got), err)
		}
		_ = s.Close()
	}
}
