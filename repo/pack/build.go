package pack

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/zeebo/blake3"

	"shoebox/chunk"
	"shoebox/repo/crypt"
)

// Name is the name of a pack: the BLAKE3 of the whole file, so that b3sum checks it without a key.
type Name [32]byte

// Builder fills one pack. Add may be called by many goroutines at once: places are given out under a lock,
// the sealing runs outside it.
type Builder struct {
	keys  *crypt.Keys
	class Class
	buf   []byte // its capacity is the most the pack may become

	mu      sync.Mutex
	closed  bool
	used    int // of buf, given out
	entries []Entry
	sealing sync.WaitGroup // and hashing
	running []int          // offsets of the chunks that are being sealed
	failed  error

	hash    *blake3.Hasher // of buf[:hashed], for the name
	hashed  int
	hashing bool // somebody is
}

// NewBuilder begins a pack in buf, whose capacity bounds the finished pack (at most MaxSize; more is left unused).
func NewBuilder(keys *crypt.Keys, class Class, buf []byte) *Builder {
	b := &Builder{keys: keys, class: class, buf: buf[:min(cap(buf), MaxSize)/align*align], used: header, hash: blake3.New()}
	clear(b.buf[:header])
	copy(b.buf, magic)
	return b
}

// room is how many bytes of chunks fit if one more entry is to stand in the directory.
func (b *Builder) room() int {
	full := len(b.buf) - trailer - tag - entriesAt - (len(b.entries)+1)*entryLength
	return full - full/maxPadShare - align - b.used
}

// maxPadShare bounds the random padding: one part in so many of the pack.
const maxPadShare = 128

// Add seals a chunk into the pack. data is the plaintext after compression, plain the length before it.
// It answers false, and has done nothing, when the chunk does not fit any more. The caller sees to it that
// no id is added twice.
func (b *Builder) Add(kind chunk.Kind, id chunk.ID, data []byte, how Compression, plain int) (bool, error) {
	e := Entry{Kind: kind, Encoding: EncodingOf(how, b.keys.Suite), ID: id, Stored: uint32(len(data) + crypt.Overhead), Plain: uint32(plain)}
	if err := e.check(); err != nil {
		return false, fmt.Errorf("pack chunk %v: %w", id, err)
	}
	b.mu.Lock()
	if b.closed || int(e.Stored) > b.room() {
		b.mu.Unlock()
		return false, nil
	}
	at, end := b.used, b.used+int(e.Stored)
	e.Offset, b.used = uint32(at), end
	b.entries = append(b.entries, e)
	b.running = append(b.running, at)
	b.sealing.Add(1)
	b.mu.Unlock()

	defer b.sealing.Done()
	defer b.sealedAt(at)
	if _, err := b.keys.SealChunk(b.buf[at:at:end], e.Place(), data); err != nil {
		b.mu.Lock()
		b.failed = fmt.Errorf("seal chunk %v: %w", id, err)
		b.mu.Unlock()
		return false, b.failed
	}
	return true, nil
}

func (b *Builder) sealedAt(at int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = slices.DeleteFunc(b.running, func(one int) bool { return one == at })
}

// HashOn hashes the pack on as far as its chunks are sealed. Their bytes are still in the processor's cache a moment after Add, and once the pack is
// full little is left to be hashed for its name. One goroutine hashes at a time; who comes meanwhile leaves its own to that one.
func (b *Builder) HashOn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.hashing {
		return
	}
	b.sealing.Add(1) // Finish waits for it
	defer b.sealing.Done()
	for b.sealed() > b.hashed {
		from, to := b.hashed, b.sealed()
		b.hashing = true
		b.mu.Unlock()
		_, _ = b.hash.Write(b.buf[from:to]) // never fails
		b.mu.Lock()
		b.hashing, b.hashed = false, to
	}
}

// sealed is how far the pack is settled: up to the first chunk that is being sealed.
func (b *Builder) sealed() int {
	if len(b.running) > 0 {
		return slices.Min(b.running)
	}
	return b.used
}

// Size is how many bytes of chunks the pack holds so far; 0 for an empty one.
func (b *Builder) Size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used - header
}

// Settled is the beginning of the pack that is hashed, and will not change any more: it may be written already. It holds until Finish's Bytes are let go of.
func (b *Builder) Settled() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf[:b.hashed]
}

// Finished is a pack ready to be stored.
type Finished struct {
	Name    Name
	Class   Class
	Bytes   []byte // in the builder's buffer
	Entries []Entry
}

// Finish closes the pack, to which an Add that begins later answers false, and waits for those that run. What HashOn left it hashes.
func (b *Builder) Finish() (Finished, error) {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.sealing.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed != nil {
		return Finished{}, b.failed
	}
	var fresh [36]byte
	if _, err := io.ReadFull(b.keys.Random, fresh[:]); err != nil {
		return Finished{}, fmt.Errorf("finish a pack: draw a salt: %w", err)
	}
	salt := crypt.Salt(fresh[:32])
	directory := b.directory(b.total(binary.LittleEndian.Uint32(fresh[32:])))
	out, err := b.keys.SealPart(b.buf[:b.used], b.keys.Suite, salt, directoryPart, directory)
	if err != nil {
		return Finished{}, fmt.Errorf("finish a pack: %w", err)
	}
	offset := binary.LittleEndian.AppendUint64(nil, uint64(b.used))
	out = append(out, salt[:]...)
	if out, err = b.keys.SealPart(out, b.keys.Suite, salt, trailerPart, offset); err != nil {
		return Finished{}, fmt.Errorf("finish a pack: %w", err)
	}
	out = append(append(out, endMagic...), byte(b.keys.Suite))
	_, _ = b.hash.Write(out[b.hashed:]) // never fails
	return Finished{Name: Name(b.hash.Sum(nil)), Class: b.class, Bytes: out, Entries: b.entries}, nil
}

// total is the length of the finished pack: what is needed, a random share more, rounded up.
func (b *Builder) total(random uint32) int {
	need := b.used + entriesAt + len(b.entries)*entryLength + tag + trailer
	extra := int(random % uint32(need/maxPadShare+1))
	return min((need+extra+align-1)/align*align, len(b.buf))
}

func (b *Builder) directory(total int) []byte {
	d := make([]byte, entriesAt, total-b.used)
	d[0] = byte(b.class)
	binary.LittleEndian.PutUint32(d[1:], uint32(len(b.entries)))
	d = AppendEntries(d, b.entries)
	return d[:total-b.used-tag-trailer]
}
