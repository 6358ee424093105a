//go:build !linux

package main

import "os"

// openDirect is for Linux only; elsewhere the page cache helps.
func openDirect(path string, how int) (*os.File, error) { return os.OpenFile(path, how, 0o644) }
