//go:build !linux

package device

import (
	"os"
	"time"
)

const openFlags = 0

func reserve(*os.File, int64) error { return nil }

// setTime sets when a file was changed, between the years 1678 and 2262.
func setTime(folder *os.Root, name string, _ *os.File, t time.Time) error {
	return folder.Chtimes(name, time.Time{}, t)
}
