package device

import (
	"errors"
	"io/fs"
	"os"
	"time"

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

// setTime sets when an open file was changed. os.Chtimes counts nanoseconds since 1970 in 64 bits, which ends in the year 2262:
// the seconds go to the kernel as they are. Kernels before 5.8 know no empty path, and have os.Chtimes's years only.
func setTime(folder *os.Root, name string, f *os.File, t time.Time) error {
	at, err := unix.TimeToTimespec(t)
	if err != nil {
		return &fs.PathError{Op: "set the time of", Path: name, Err: err}
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, at}
	if err := unix.UtimesNanoAt(int(f.Fd()), "", times, unix.AT_EMPTY_PATH); err != nil {
		return folder.Chtimes(name, time.Time{}, t)
	}
	return nil
}
