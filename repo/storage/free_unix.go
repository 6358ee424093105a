//go:build linux || darwin

package storage

import "golang.org/x/sys/unix"

// Free is how many bytes may still be written where a directory lies; ok is false where the system does not tell.
func Free(dir string) (bytes int64, ok bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
