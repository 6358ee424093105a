package adb

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// quickAck has the next data acknowledged at once. It is a matter of speed, so
// its failure is none.
func quickAck(raw syscall.RawConn) {
	if raw == nil {
		return
	}
	_ = raw.Control(setQuickAck)
}

func setQuickAck(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
}
