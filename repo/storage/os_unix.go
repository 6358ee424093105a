//go:build unix

package storage

import (
	"errors"
	"os"
	"syscall"
)

// openToRead does not wait for a writer if someone has put a pipe in an object's place.
const openToRead = os.O_RDONLY | syscall.O_NONBLOCK

// syncDir passes over file systems that know no such call (some network and FUSE ones): they leave
// nothing more to be done.
func syncDir(dir *os.File) error {
	err := dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
