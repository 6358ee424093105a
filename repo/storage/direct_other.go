//go:build !linux

package storage

import "os"

// writeDirect is for Linux only.
func writeDirect(*os.File, []byte) (done bool, err error) { return false, nil }
