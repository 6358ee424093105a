package storage

import "unsafe"

const (
	// page is what a direct write is aligned to: in memory, in the file, in length.
	page = 4096
	// directMin is the smallest write, in bytes, for which going past the page cache pays.
	directMin = 1 << 20
)

// largePage is the size of the larger pages of memory that the kernel has, in bytes.
const largePage = 2 << 20

// AlignedBuffer returns an empty slice with room for n bytes that starts on a page border. What is
// appended to it within its capacity, to a multiple of 4096 bytes, a Folder on Linux writes
// straight to the disk (O_DIRECT), which costs half of a write through the page cache. A large one asks
// for large pages: a stretch of them is one to the disk, and not thousands from all over.
func AlignedBuffer(n int) []byte {
	border := page
	if n >= largePage {
		border = largePage
	}
	buf := make([]byte, n+border-1)
	skip := -int(addressOf(buf)) & (border - 1)
	buf = buf[skip : skip : skip+n]
	if n >= largePage {
		askLargePages(buf[:n/largePage*largePage])
	}
	return buf
}

func aligned(data []byte) bool {
	return len(data)%page == 0 && addressOf(data)%page == 0
}

func addressOf(data []byte) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(data)))
}
