package storage

import (
	"os"

	"golang.org/x/sys/unix"
)

// writeDirect writes all of data, which is aligned, to the new file f without the page cache. It
// is not done where the file system refuses (some tmpfs and FUSE): then f is as it was. The flag
// is set on the open file, not at open: an open that refuses it may leave the file behind. Whatever is written next may be
// crooked, so the flag does not stay.
func writeDirect(f *os.File, data []byte) (done bool, err error) {
	if err := setDirect(f, true); err != nil {
		return false, nil
	}
	n, err := f.Write(data)
	if err == nil {
		return true, setDirect(f, false)
	}
	if n == 0 && setDirect(f, false) == nil {
		return false, nil // let the plain write find out what is wrong, or succeed
	}
	return true, err
}

func setDirect(f *os.File, on bool) error {
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
