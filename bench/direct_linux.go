package main

import (
	"os"
	"syscall"
)

// openDirect opens a file past the page cache.
func openDirect(path string, how int) (*os.File, error) {
	return os.OpenFile(path, how|syscall.O_DIRECT, 0o644)
}
