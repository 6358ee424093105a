package device

import (
	"sync"
	"unsafe"
)

const (
	pageSize = 4096 // what a write past the page cache is aligned to, in bytes: in memory, in the file, in length

	// pieceSize is how much of a file is written at once, in bytes, and the size of a large page of memory: what lies in
	// one is one stretch to the disk, where it would be 512 pages from all over, which takes nearly twice as long.
	pieceSize = 2 << 20

	piecesAtOnce = 4 // are made together
)

// pieces lends the memory that files are written from. It keeps what comes back: a fresh piece costs more than to hash
// what goes through it.
type pieces struct {
	mu   sync.Mutex
	free [][]byte
}

func (p *pieces) take() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		p.free = newPieces(piecesAtOnce)
	}
	last := len(p.free) - 1
	piece := p.free[last]
	p.free = p.free[:last]
	return piece
}

func (p *pieces) give(piece []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, piece)
}

// newPieces makes n pieces, each on a border of its own size.
func newPieces(n int) (all [][]byte) {
	memory := make([]byte, (n+1)*pieceSize)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(memory)))) & (pieceSize - 1)
	memory = memory[skip : skip+n*pieceSize]
	askLargePages(memory)
	for i := range n {
		all = append(all, memory[i*pieceSize:(i+1)*pieceSize:(i+1)*pieceSize])
	}
	return all
}
