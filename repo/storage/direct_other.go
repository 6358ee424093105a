//go:build !linux

package storage

import (
	"errors"
	"os"
)

// writeDirect is for Linux only.
func writeDirect(*os.File, []byte) (done bool, err error) { return false, nil }

func setDirect(*os.File, bool) error { return errors.ErrUnsupported }

func askLargePages([]byte) {}
