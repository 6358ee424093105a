package storage

import "unsafe"

const (
	// page is what a direct write is aligned to: in memory, in the file, in length.
	page = 4096
	// directMin is the smallest write, in bytes, for which going past the page cache pays.
	directMin = 1 << 20
)

// AlignedBuffer returns an empty slice with room for n bytes that starts on a page border. What is
// appended to it within its capacity, to a multiple of 4096 bytes, a Folder on Linux writes
// straight to the disk (O_DIRECT), which costs half of a write through the page cache.
func AlignedBuffer(n int) []byte {
	buf := make([]byte, n+page-1)
	skip := -int(addressOf(buf)) & (page - 1)
	return buf[skip : skip : skip+n]
}

func aligned(data []byte) bool {
	return len(data)%page == 0 && addressOf(data)%page == 0
}

func addressOf(data []byte) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(data)))
}
