package repo

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"shoebox/chunk"
	"shoebox/chunk/arena"
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

// Take lends at least n bytes.
func (m *memories) Take(n int) []byte {
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

// Give takes back what Take lent.
func (m *memories) Give(memory []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, memory)
}

// lender is where streams have their memory from: memories, or an arena.
type lender interface {
	Take(n int) []byte
	Give(memory []byte)
}

// sharedMost is what streams of OpenReader share, in bytes: as much as 14 photos of 4 MB take.
const sharedMost = 56 << 20

// newShared makes the memory for streams of OpenReader, in which any of this repository has room.
func (r *Repo) newShared() *arena.Arena {
	return arena.New(storage.AlignedBuffer, max(sharedMost, roomOf(r.config.ChunkMax)))
}

// roomOf is how much memory a sealed chunk of so many bytes needs, with the rest of the pages it lies on.
func roomOf(size uint32) int { return int(size) + crypt.Overhead + 2*page }

// longest is the length of the longest part of a content. What a snapshot says of a part is believed up to the largest chunk of this repository.
func (r *Repo) longest(c Content) (size uint32) {
	for _, p := range c {
		size = max(size, min(p.Size, r.config.ChunkMax))
	}
	return size
}

// roomFor is how much memory to take for the parts of a content, one at a time: one of two lengths, so that what comes back fits the next.
func (r *Repo) roomFor(c Content) int {
	if roomOf(r.longest(c)) <= small {
		return small
	}
	return max(small, roomOf(r.config.ChunkMax))
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
