package device

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openFlags keep a pipe, put where a file was, from blocking an open for ever.
const openFlags = unix.O_NONBLOCK

// reserve takes the room of a file at once: it lies together, and a full disk
// shows before anything is written. A file system that cannot do so is no error.
func reserve(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.ENOSPC) {
		return &fs.PathError{Op: "reserve", Path: f.Name(), Err: err}
	}
	return nil
}
