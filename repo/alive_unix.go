//go:build unix

package repo

import (
	"errors"

	"golang.org/x/sys/unix"
)

// processLives tells whether a process of this machine runs. When in doubt it does.
func processLives(pid int) bool {
	return pid <= 0 || !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}
