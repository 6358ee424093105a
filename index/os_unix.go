//go:build unix

package index

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock or says errHeld. The kernel gives it back when the process ends, however
// it ends.
func lockFile(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w", f.Name(), errHeld)
	}
	return err
}

// letGo drops the pages of a mapping that were read, which count as memory of this process. They stay
// in the page cache and come back when read.
func letGo(mapped []byte) {
	_ = unix.Madvise(mapped, unix.MADV_DONTNEED) // advice: it costs memory if it is not taken
}
