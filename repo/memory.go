package repo

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// page is what reads past the page cache are aligned to, in bytes; so are packs.
const page = 4096

// memories lends memory that sealed bytes are read into and opened in. It keeps what comes back: fresh memory costs more
// than to hash what goes through it.
type memories struct {
	mu   sync.Mutex
	free [][]byte
}

const (
	large = 2 << 20   // the size of the large pages of memory that a buffer asks for, in bytes
	small = 512 << 10 // bytes lent for small files
)

// take lends at least n bytes.
func (m *memories) take(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, memory := range m.free {
		if len(memory) >= n {
			m.free = slices.Delete(m.free, i, i+1)
			return memory
		}
	}
	if n > small {
		n = (n + large - 1) / large * large
	}
	return storage.AlignedBuffer(n)[:n]
}

func (m *memories) give(memory []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, memory)
}

// roomFor is how much memory to take for the sealed parts of a content, with the rest of the pages they lie on. It is one of two lengths, so
// that what comes back fits the next. What a snapshot says of a part is believed up to the largest chunk of this repository.
func (r *Repo) roomFor(c Content) int {
	const more = crypt.Overhead + 2*page
	for _, p := range c {
		if p.Size > small-more {
			return max(small, int(r.config.ChunkMax)+more)
		}
	}
	return small
}

// chunkInto is Chunk, in memory of the caller where that is large enough.
func (r *Repo) chunkInto(ctx context.Context, p Part, memory []byte) ([]byte, error) {
	if p.Kind == chunk.Page {
		return r.Chunk(ctx, p)
	}
	place, err := r.find(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	if data, err := r.chunkAtInto(ctx, p, place, memory); err == nil {
		return data, nil
	}
	return r.storedChunk(ctx, p, place) // which knows what to do in trouble
}

// pagesAround are the whole pages that n bytes from off on lie on: where they begin, and their length in bytes.
func pagesAround(off, n int64) (from, length int64) {
	from = off &^ (page - 1)
	return from, (off + n - from + page - 1) &^ (page - 1)
}

// chunkAtInto reads the pages that a sealed chunk lies on.
func (r *Repo) chunkAtInto(ctx context.Context, p Part, place index.Place, memory []byte) ([]byte, error) {
	from, length := pagesAround(int64(place.Offset), int64(place.Stored))
	at := int64(place.Offset) - from
	end := at + int64(place.Stored)
	if length > int64(len(memory)) || p.Size != place.Plain || p.Kind != place.Kind {
		return nil, fmt.Errorf("chunk %v is not as it should be: %w", p.ID, crypt.ErrDamaged)
	}
	if err := storage.GetInto(ctx, r.store, packPath(pack.Name(place.Pack)), from, memory[:length]); err != nil {
		return nil, err
	}
	return r.openChunk(entryOf(p.ID, place), memory[at:end:end])
}
