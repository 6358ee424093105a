// Package arena lends runs of one stretch of memory to who works on many streams at once, so that all of them together hold no more than
// that. It does not know what lies in them.
package arena

import "sync"

// Block is what an arena is lent in, in bytes.
const Block = 1 << 18

// Arena is one stretch of memory in which runs lie side by side, each as long
// as was asked for. It is made when it is first needed, and kept. It is for
// many goroutines.
type Arena struct {
	allocate func(n int) []byte // room for n bytes

	mu            sync.Mutex
	given         *sync.Cond // something came back, or the next one's turn has come
	memory        []byte
	used          []bool // which blocks are lent
	asked, served int    // how many came so far, and how many of them have a run
}

// New makes an arena in which runs of all these lengths, in bytes, have room
// side by side. allocate gives a slice with capacity for n bytes; nil for
// memory of no kind in particular.
func New(allocate func(n int) []byte, lengths ...int) *Arena {
	if allocate == nil {
		allocate = func(n int) []byte { return make([]byte, 0, n) }
	}
	blocks := 0
	for _, n := range lengths {
		blocks += blocksOf(n)
	}
	a := &Arena{allocate: allocate, used: make([]bool, blocks)}
	a.given = sync.NewCond(&a.mu)
	return a
}

func blocksOf(n int) int { return (n + Block - 1) / Block }

// Take lends a run of whole blocks that holds n bytes, and waits until there is
// one. Who came first is served first, or a long stream would wait for as long
// as short ones come. Who waits must hold no run, or all may wait for ever; and
// who asks for more than the arena has waits for ever.
func (a *Arena) Take(n int) []byte {
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
func (a *Arena) room(count int) int {
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

func (a *Arena) lend(at, count int) []byte {
	if a.memory == nil {
		n := len(a.used) * Block
		a.memory = a.allocate(n)[:n]
	}
	a.mark(at, count, true)
	return a.memory[at*Block : (at+count)*Block : (at+count)*Block]
}

func (a *Arena) mark(at, count int, used bool) {
	for i := range count {
		a.used[at+i] = used
	}
}

// Give takes back a run that Take lent.
func (a *Arena) Give(run []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := 0
	for &a.memory[at*Block] != &run[0] {
		at++
	}
	a.mark(at, len(run)/Block, false)
	a.given.Broadcast()
}

// Lent is how much of it is lent, in bytes.
func (a *Arena) Lent() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, used := range a.used {
		if used {
			n += Block
		}
	}
	return n
}
