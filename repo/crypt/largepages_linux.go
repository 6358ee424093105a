package crypt

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// askLargePages asks for large pages behind the n bytes that scrypt takes next, from the heap as anybody does. So many are taken, marked untouched, and left to the
// garbage collector: the next who takes as many gets them, nearly always. Where not, or where there are no large pages to be had, all is the same, but slower: a
// tenth of the time that a passphrase takes goes to finding 16,384 pages of 4 KiB, one by one.
func askLargePages(n int) {
	_ = unix.Madvise(make([]byte, n), unix.MADV_HUGEPAGE)
	runtime.GC()
}
