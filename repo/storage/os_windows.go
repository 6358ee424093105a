package storage

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

const openToRead = os.O_RDONLY

// syncDir has nothing to do: Windows has no such call, NTFS journals its names in order.
func syncDir(*os.File) error { return nil }

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, syscall.ENOSPC)
}
