package storage

import "golang.org/x/sys/windows"

// Free is how many bytes may still be written where a directory lies; ok is false where the system does not tell.
func Free(dir string) (bytes int64, ok bool) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var free uint64
	if windows.GetDiskFreeSpaceEx(name, &free, nil, nil) != nil || free > 1<<62 {
		return 0, false
	}
	return int64(free), true
}
