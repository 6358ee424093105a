package device

import "os"

// aheadStep is how much of a file the system is asked for at once, in bytes. It has one such stretch more than was read.
const aheadStep = 8 << 20

// onDisk is a file of this computer. What comes next of it is on its way from the disk while what came is looked at, and its beginning from
// the moment it is opened: files are opened ahead of their readers.
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
	n, err := l.File.Read(p)
	if l.read += int64(n); l.want-l.read < aheadStep {
		l.ask()
	}
	return n, err
}

// ask is a wish: nothing depends on whether it is heard.
func (l *onDisk) ask() {
	if n := min(aheadStep, l.size-l.want); n > 0 {
		willRead(l.File, l.want, n)
		l.want += n
	}
}
