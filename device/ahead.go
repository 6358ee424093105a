package device

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// aheadStep is how much of a file the system is asked for at once, in bytes. It has one such stretch more than was read.
const aheadStep = 8 << 20

// tooSmall is the size in bytes below which a file is left to the system: a call for each of many small files costs more than it brings. So does
// a read past the page cache of less.
const tooSmall = 1 << 20

// onDisk is a file of this computer. It is read once, so one that is not too small is read past the page cache, straight into the reader's memory, as
// long as whole pages of it go to whole pages there, many at a time.
//
// What does not, and where the file system refuses, and a file that lies in memory already, goes through the cache: what comes next is on its way from
// the disk while what came is looked at, and the beginning from the moment the file is opened, as files are opened ahead of their readers. What was
// read the system need not keep: memory that is used again costs less than new memory, to this program and to those whose own would have to leave.
type onDisk struct {
	*os.File
	size   int64
	direct bool  // past the page cache, so far
	read   int64 // bytes read
	cached int64 // where reading through the cache began
	want   int64 // the end of what was asked for there
}

func openedAhead(f *os.File, size int64) *onDisk {
	l := &onDisk{File: f, size: size}
	if size >= tooSmall && !inCache(f, size) && pastCache(f, true) == nil {
		l.direct = true
		return l
	}
	l.ask()
	return l
}

func (l *onDisk) Read(p []byte) (int, error) {
	if room := l.wholePages(p); len(room) > 0 {
		n, err := l.File.Read(room)
		if !refused(err) {
			l.read += int64(n)
			return n, err
		}
	}
	if err := l.intoCache(); err != nil {
		return 0, err
	}
	return l.readCached(p)
}

// wholePages is as much of p as can be read past the page cache: none when it is not, when file or memory do not stand on a page border, or at the
// end of the file as it was listed. Beyond the page in which the file ends nothing is asked for: the system would fill it with zeros. Who asks
// for little at a time gets it through the cache, which reads ahead.
func (l *onDisk) wholePages(p []byte) []byte {
	if !l.direct || l.read%pageSize != 0 || uintptr(unsafe.Pointer(unsafe.SliceData(p)))%pageSize != 0 {
		return nil
	}
	left := max(0, l.size-l.read+pageSize-1) &^ (pageSize - 1)
	if int64(len(p)) < min(left, tooSmall) {
		return nil
	}
	return p[:min(int64(len(p)), left)&^(pageSize-1)]
}

// refused says whether a file system that let itself be asked for reads past the page cache makes none, or not these.
func refused(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}

// intoCache has all that follows go through the page cache.
func (l *onDisk) intoCache() error {
	if !l.direct {
		return nil
	}
	if err := pastCache(l.File, false); err != nil {
		return fmt.Errorf("go back to reading through the page cache: %w", err)
	}
	l.direct, l.cached, l.want = false, l.read, l.read
	l.ask()
	return nil
}

func (l *onDisk) readCached(p []byte) (int, error) {
	before := l.read
	n, err := l.File.Read(p)
	if l.read += int64(n); l.want-l.read < aheadStep {
		l.ask()
	}
	if l.read/aheadStep > before/aheadStep {
		wasRead(l.File, l.read)
	}
	return n, err
}

// Close closes the file, and lets the system have the memory that holds it.
func (l *onDisk) Close() error {
	if l.size >= tooSmall && !l.direct && l.cached < l.size {
		wasRead(l.File, l.size)
	}
	return l.File.Close()
}

// ask is a wish: nothing depends on whether it is heard.
func (l *onDisk) ask() {
	if n := min(aheadStep, l.size-l.want); n > 0 {
		willRead(l.File, l.want, n)
		l.want += n
	}
}
