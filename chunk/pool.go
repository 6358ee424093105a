package chunk

import (
	"sync"

	"shoebox/chunk/arena"
)

// idleMost bounds how many buffers of each size and how many rollers wait for
// the next stream.
const idleMost = 16

// spareWindows is how much room there is for windows beside two of the largest,
// in bytes: for most streams, which are shorter, there is room for five or six.
const spareWindows = 46 * arena.Block

// newArena makes an arena for windows of at most big bytes.
func newArena(big int, allocate func(n int) []byte) *arena.Arena {
	return arena.New(allocate, big, big, spareWindows)
}

// pool keeps buffers and rollers for the next stream, because to take 8 MiB
// afresh costs more than to hash them. It holds as many as were in use at once.
type pool struct {
	big        int // bytes of a big buffer
	polynomial uint64
	arena      *arena.Arena

	mu      sync.Mutex
	smalls  [][]byte
	bigs    [][]byte
	rollers []*roller
}

func (p *pool) take(n int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.of(n)
	if len(*free) == 0 {
		return make([]byte, n)
	}
	return pop(free)
}

func (p *pool) give(buf []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	push(p.of(len(buf)), buf)
}

func (p *pool) of(n int) *[][]byte {
	if n == p.big {
		return &p.bigs
	}
	return &p.smalls
}

func (p *pool) takeRoller() *roller {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rollers) == 0 {
		return newRoller(p.polynomial)
	}
	return pop(&p.rollers)
}

func (p *pool) giveRoller(r *roller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	push(&p.rollers, r)
}

func pop[T any](from *[]T) T {
	last := len(*from) - 1
	v := (*from)[last]
	*from = (*from)[:last]
	return v
}

func push[T any](to *[]T, v T) {
	if len(*to) < idleMost {
		*to = append(*to, v)
	}
}
