package main

import (
	"os"
	"syscall"
)

// dropCaches makes the next reads come from the disk. It takes root, and a kernel of one's own.
func dropCaches() error {
	settle()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0o200)
}

// settle waits until everything that was written is on the disk.
func settle() { syscall.Sync() }
