package index

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"shoebox/chunk"
)

// The cache holds sealed chunks in two files. The newer one is appended to; when it has reached
// half of the room the older one is deleted and a new one begun.

// maxClip is the longest chunk kept, in bytes: pages, heads and thumbnails are shorter.
const maxClip = 1 << 20

// clip is where a chunk lies in the cache.
type clip struct {
	file, offset, size uint32
	sum                [tagSize]byte
}

const clipSize = 3*4 + tagSize

func (c clip) value() []byte {
	value := make([]byte, 0, clipSize)
	for _, n := range [...]uint32{c.file, c.offset, c.size} {
		value = binary.LittleEndian.AppendUint32(value, n)
	}
	return append(value, c.sum[:]...)
}

func openClip(value []byte) (clip, bool) {
	if len(value) != clipSize {
		return clip{}, false
	}
	return clip{
		file:   binary.LittleEndian.Uint32(value),
		offset: binary.LittleEndian.Uint32(value[4:]),
		size:   binary.LittleEndian.Uint32(value[8:]),
		sum:    [tagSize]byte(value[12:]),
	}, true
}

// cacheHead is the part of the head that is the cache's.
type cacheHead struct {
	Newest uint32 // number of the file being filled; 0: none
	Length int64  // of it, in bytes
}

func cacheName(file uint32) string { return fmt.Sprintf("cache-%d", file) }

func (h cacheHead) has(file uint32) bool {
	return file > 0 && (file == h.Newest || file == h.Newest-1)
}

func (h cacheHead) files() []string {
	var names []string
	for _, n := range [...]uint32{h.Newest - 1, h.Newest} {
		if h.has(n) {
			names = append(names, cacheName(n))
		}
	}
	return names
}

// optional files may be gone: a cache is no promise.
func optional(name string) bool { return name != packFile && len(name) > 6 && name[:6] == "cache-" }

// cacheFiles are the open files.
type cacheFiles struct {
	mu   sync.Mutex
	head cacheHead
	open map[uint32]*os.File
}

func (c *cacheFiles) close() {
	for _, f := range c.open {
		_ = f.Close() // a lost cache is no loss
	}
	c.open = nil
}

// Cached returns a chunk that Cache kept, as it was sealed.
func (x *Index) Cached(id chunk.ID) ([]byte, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.slot == nil || x.usable() != nil {
		return nil, false
	}
	c, found := x.cached[id]
	if !found {
		value, stored, err := x.slot.find(clipKey(id))
		if err != nil {
			_ = x.damage(err)
			return nil, false
		}
		if c, found = openClip(value); !stored || !found {
			return nil, false
		}
	}
	data, err := x.slot.readClip(c)
	if err != nil || x.clipSum(id, data) != c.sum {
		return nil, false
	}
	return data, true
}

// Cache keeps a small sealed chunk, as far as there is room. It promises nothing.
func (x *Index) Cache(id chunk.ID, sealed []byte) {
	if len(sealed) == 0 || len(sealed) > maxClip {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.slot == nil || x.why != nil || x.usable() != nil || len(x.cached) >= x.options.flushAt {
		return
	}
	c, err := x.slot.writeClip(sealed, x.options.CacheBytes/2)
	if err != nil {
		return
	}
	c.sum = x.clipSum(id, sealed)
	x.cached[id] = c
}

func (x *Index) clipSum(id chunk.ID, sealed []byte) [tagSize]byte {
	sum := x.key.ID(append(append([]byte{clipKind}, id[:]...), sealed...))
	return [tagSize]byte(sum[:])
}

func (s *slot) readClip(c clip) ([]byte, error) {
	if !s.cache.head.has(c.file) || c.size > maxClip {
		return nil, os.ErrNotExist
	}
	f, err := s.cacheFile(c.file)
	if err != nil {
		return nil, err
	}
	data := make([]byte, c.size)
	if _, err := f.ReadAt(data, int64(c.offset)); err != nil {
		return nil, err
	}
	return data, nil
}

// writeClip appends to the newest file, or to a new one when that holds half of the room.
func (s *slot) writeClip(sealed []byte, half int64) (clip, error) {
	c := &s.cache
	if c.head.Newest == 0 || c.head.Length+int64(len(sealed)) > half {
		s.turnCache()
	}
	if int64(len(sealed)) > half {
		return clip{}, os.ErrInvalid
	}
	f, err := s.cacheFile(c.head.Newest)
	if err != nil {
		return clip{}, err
	}
	at := c.head.Length
	if _, err := f.WriteAt(sealed, at); err != nil {
		return clip{}, err
	}
	c.head.Length += int64(len(sealed))
	return clip{file: c.head.Newest, offset: uint32(at), size: uint32(len(sealed))}, nil
}

func (s *slot) turnCache() {
	c := &s.cache
	if old := c.head.Newest - 1; c.head.has(old) {
		if f := c.open[old]; f != nil {
			_ = f.Close() // it is deleted next
			delete(c.open, old)
		}
		_ = s.root.Remove(cacheName(old)) // what stays is removed by the next Open
	}
	c.head = cacheHead{Newest: c.head.Newest + 1}
}

func (s *slot) cacheFile(n uint32) (*os.File, error) {
	c := &s.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.open[n]; f != nil {
		return f, nil
	}
	f, err := s.root.OpenFile(cacheName(n), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if c.open == nil {
		c.open = map[uint32]*os.File{}
	}
	c.open[n] = f
	return f, nil
}
