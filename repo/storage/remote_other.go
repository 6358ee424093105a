//go:build !linux

package storage

import "strings"

// Remote tells whether a directory lies on another machine, as far as its name says: there a listing may lag behind what was
// written.
func Remote(dir string) bool { return strings.HasPrefix(dir, `\\`) || strings.HasPrefix(dir, "//") }
