package chunk

import "sync"

// block is what an arena is lent in, in bytes.
const block = 1 << 18

// An arena has room for so many of the largest windows, and for 11.5 MiB of
// spare blocks beside them: for most streams, which are shorter, there is room
// for five or six.
const (
	widestAtOnce = 2
	spareBlocks  = 46
)

// arena is one stretch of memory in which windows lie side by side, each as
// long as its stream needs. It is made when it is first needed, and kept.
type arena struct {
	allocate func(n int) []byte // room for n bytes

	mu            sync.Mutex
	given         *sync.Cond // something came back, or the next one's turn has come
	memory        []byte
	used          []bool // which blocks are lent
	asked, served int    // how many came so far, and how many of them have a run
}

// newArena makes an arena for windows of at most big bytes. allocate is nil for
// memory of no kind in particular.
func newArena(big int, allocate func(n int) []byte) *arena {
	if allocate == nil {
		allocate = func(n int) []byte { return make([]byte, 0, n) }
	}
	a := &arena{allocate: allocate, used: make([]bool, widestAtOnce*blocksOf(big)+spareBlocks)}
	a.given = sync.NewCond(&a.mu)
	return a
}

func blocksOf(n int) int { return (n + block - 1) / block }

// take lends a run of whole blocks that holds n bytes, and waits until there is
// one. Who came first is served first, or a long stream would wait for as long
// as short ones come. Who waits must hold no run, or all may wait for ever.
func (a *arena) take(n int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	turn, count := a.asked, blocksOf(n)
	a.asked++
	for {
		if at := a.room(count); at >= 0 && turn == a.served {
			a.served++
			a.given.Broadcast() // the next in line may find room as well
			return a.lend(at, count)
		}
		a.given.Wait()
	}
}

// room finds the first run of count free blocks; -1 when there is none.
func (a *arena) room(count int) int {
	free := 0
	for i, used := range a.used {
		if free++; used {
			free = 0
		}
		if free == count {
			return i + 1 - count
		}
	}
	return -1
}

func (a *arena) lend(at, count int) []byte {
	if a.memory == nil {
		n := len(a.used) * block
		a.memory = a.allocate(n)[:n]
	}
	a.mark(at, count, true)
	return a.memory[at*block : (at+count)*block : (at+count)*block]
}

func (a *arena) mark(at, count int, used bool) {
	for i := range count {
		a.used[at+i] = used
	}
}

// give takes back a run that take lent.
func (a *arena) give(run []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := 0
	for &a.memory[at*block] != &run[0] {
		at++
	}
	a.mark(at, len(run)/block, false)
	a.given.Broadcast()
}
