//go:build unix

package storage

import (
	"errors"
	"os"
	"syscall"
)

// openToRead does not wait for a writer if someone has put a pipe in an object's place.
const openToRead = os.O_RDONLY | syscall.O_NONBLOCK

func syncDir(dir *os.File) error { return dir.Sync() }

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
