//go:build !linux

package device

import (
	"errors"
	"os"
)

// pastCache is for Linux only.
func pastCache(*os.File, bool) error { return errors.ErrUnsupported }

func askLargePages([]byte) {}

func inCache(*os.File, int64) bool { return false }

func willRead(*os.File, int64, int64) {}

func wasRead(*os.File, int64) {}
