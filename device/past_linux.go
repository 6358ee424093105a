package device

import (
	"os"

	"golang.org/x/sys/unix"
)

// pastCache says whether writes to a file go past the page cache (O_DIRECT). The flag is set on the open file, not at open: an
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

// willRead lets the system read a stretch of a file from the disk, without waiting for it.
func willRead(f *os.File, off, n int64) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), off, n, unix.FADV_WILLNEED) })
}
