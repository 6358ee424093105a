package device

import (
	"os"

	"golang.org/x/sys/unix"
)

// pastCache says whether reads and writes of a file go past the page cache (O_DIRECT). The flag is set on the open file, not at open: an
// open that refuses it may leave the file behind.
func pastCache(f *os.File, on bool) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err == nil {
			flags &^= unix.O_DIRECT
			if on {
				flags |= unix.O_DIRECT
			}
			_, err = unix.FcntlInt(fd, unix.F_SETFL, flags)
		}
		failed = err
	})
	if err != nil {
		return err
	}
	return failed
}

// askLargePages asks for large pages behind memory that was not used yet. Without them all is the same, but slower.
func askLargePages(memory []byte) { _ = unix.Madvise(memory, unix.MADV_HUGEPAGE) }

// inCache says whether the system keeps most of a file in memory: half of it or more. Where it does not tell (before Linux 6.5) that is not known, which is no.
func inCache(f *os.File, size int64) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var kept unix.Cachestat_t
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = unix.Cachestat(uint(fd), &unix.CachestatRange{Len: uint64(size)}, &kept, 0)
	})
	return err == nil && failed == nil && int64(kept.Cache)*int64(os.Getpagesize()) >= size/2
}

// willRead lets the system read a stretch of a file from the disk, without waiting for it.
func willRead(f *os.File, off, n int64) { advise(f, off, n, unix.FADV_WILLNEED) }

// wasRead lets the system forget what it keeps in memory of the first n bytes of a file. It keeps what is not on the disk yet.
func wasRead(f *os.File, n int64) {
	if n > 0 { // to the system 0 is all
		advise(f, 0, n, unix.FADV_DONTNEED)
	}
}

func advise(f *os.File, off, n int64, advice int) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), off, n, advice) })
}
