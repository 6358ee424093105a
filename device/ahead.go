package device

import "os"

// aheadStep is how much of a file the system is asked for at once, in bytes. It has one such stretch more than was read.
const aheadStep = 8 << 20

// tooSmall is the size in bytes below which a file is left to the system: a call for each of many small files costs more than it brings.
const tooSmall = 1 << 20

// onDisk is a file of this computer. What comes next of it is on its way from the disk while what came is looked at, and its beginning from
// the moment it is opened: files are opened ahead of their readers. What was read the system need not keep: it is read once, and memory that is used
// again costs less than new memory, to this program and to those whose own would have to leave.
type onDisk struct {
	*os.File
	size       int64
	read, want int64 // bytes read, and asked for
}

func openedAhead(f *os.File, size int64) *onDisk {
	l := &onDisk{File: f, size: size}
	l.ask()
	return l
}

func (l *onDisk) Read(p []byte) (int, error) {
	before := l.read
	n, err := l.File.Read(p)
	if l.read += int64(n); l.want-l.read < aheadStep {
		l.ask()
	}
	if l.read/aheadStep > before/aheadStep {
		wasRead(l.File, l.read)
	}
	return n, err
}

// Close closes the file, and lets the system have the memory that holds it.
func (l *onDisk) Close() error {
	if l.size >= tooSmall {
		wasRead(l.File, l.size)
	}
	return l.File.Close()
}

// ask is a wish: nothing depends on whether it is heard.
func (l *onDisk) ask() {
	if n := min(aheadStep, l.size-l.want); n > 0 {
		willRead(l.File, l.want, n)
		l.want += n
	}
}
