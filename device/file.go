package device

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Type is the kind of a file. There are two: folders are implied by paths, and
// sockets, pipes and devices hold no pictures and are passed over.
type Type uint8

// The types of a file.
const (
	Regular Type = iota
	Symlink      // recorded with its target, never followed
)

// File is what a source lists.
type File struct {
	Path    string    // any bytes but NUL; parts joined by '/', relative, no part empty, "." or ".."
	Size    int64     // bytes; of a symlink the length of Target
	ModTime time.Time // to the nanosecond from a folder, to the second from a phone
	Mode    uint32    // Unix permission bits, at most 0o777
	Type    Type
	Target  string // of a symlink, as it is
}

// What can be wrong with one file.
var (
	ErrChanged  = errors.New("it changed while it was read")
	ErrVanished = errors.New("it is gone since it was listed")
	ErrShort    = errors.New("it ended too early")
	ErrName     = errors.New("not a name a file can have here")
)

// Problem is a file or folder that could not be read; the listing goes on after it.
type Problem struct {
	Path string // as in File; "" is the source itself
	Err  error
}

func (p *Problem) Error() string { return fmt.Sprintf("%s: %v", Printable(p.Path), p.Err) }
func (p *Problem) Unwrap() error { return p.Err }

// Printable quotes a path that holds bytes which do not print, and returns any
// other as it is.
func Printable(path string) string {
	for _, r := range path {
		if r < ' ' || r == utf8.RuneError || (r >= 0x7f && r < 0xa0) {
			return fmt.Sprintf("%q", path)
		}
	}
	if path == "" {
		return "."
	}
	return path
}

// maxName is the longest name of one file that any file system here holds, in bytes.
const maxName = 255

// checkName says why one part of a path from outside must not be used.
func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: an empty name", ErrName)
	case name == "." || name == "..":
		return fmt.Errorf("%w: %q", ErrName, name)
	case len(name) > maxName:
		return fmt.Errorf("%w: %d bytes long", ErrName, len(name))
	case strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	return nil
}

// checkPath says why a path from outside must not be used.
func checkPath(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if err := checkName(part); err != nil {
			return err
		}
		if err := checkHere(part); err != nil {
			return err
		}
	}
	return nil
}
