package repo

import (
	"context"
	"fmt"
	"io"
	"sort"
	"sync"
)

// Reader reads a content as a stream. It is not for several goroutines at once.
type Reader struct {
	ctx    context.Context
	repo   *Repo
	parts  Content
	starts []int64 // where each part begins, and the end
	at     int64

	loaded int // index of the part in data; -1 for none
	data   []byte
	memory []byte // of the repository, holds data; nil when none is lent
	from   lender // of memory

	see    func(part []byte) // of one that OpenReader gave, else nil
	beside sync.WaitGroup    // a goroutine that looks at data
}

// besideFrom is how long a part is that is looked at beside its reading, in bytes: for less a goroutine costs too much.
const besideFrom = 256 << 10

// NewReader gives a stream over a content; ctx bounds its reads. Nothing is read before the first Read.
func (r *Repo) NewReader(ctx context.Context, c Content) *Reader {
	return r.newReader(ctx, c, nil)
}

// OpenReader is NewReader for one of many streams that are read side by side, each from its beginning to its end, and then closed. All of them share a stretch of
// memory, and wait for one another where it is lent. see is shown each part as soon as it is there, whole and in order. A long one it looks at beside
// the reading: the stream waits for it before the next part, at its end, and in Close.
func (r *Repo) OpenReader(ctx context.Context, c Content, see func(part []byte)) *Reader {
	return r.newReader(ctx, c, see)
}

func (r *Repo) newReader(ctx context.Context, c Content, see func(part []byte)) *Reader {
	starts := make([]int64, len(c)+1)
	for i, p := range c {
		starts[i+1] = starts[i] + int64(p.Size)
	}
	return &Reader{ctx: ctx, repo: r, parts: c, starts: starts, loaded: -1, see: see}
}

// Size is the length of the stream in bytes.
func (s *Reader) Size() int64 { return s.starts[len(s.parts)] }

// Read fills p from the current part.
func (s *Reader) Read(p []byte) (int, error) {
	data, err := s.rest()
	if err != nil {
		return 0, err
	}
	n := copy(p, data)
	s.at += int64(n)
	return n, nil
}

// WriteTo hands out the rest of the stream a whole part at a time, without copying.
func (s *Reader) WriteTo(w io.Writer) (total int64, err error) {
	for {
		data, err := s.rest()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(data)
		s.at += int64(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// rest is what the current part still holds at the current position.
func (s *Reader) rest() ([]byte, error) {
	if s.at >= s.Size() {
		s.Close()
		return nil, io.EOF
	}
	i := sort.Search(len(s.parts), func(i int) bool { return s.starts[i+1] > s.at })
	if i != s.loaded {
		if err := s.load(i); err != nil {
			return nil, err
		}
	}
	return s.data[s.at-s.starts[i]:], nil
}

func (s *Reader) load(i int) (err error) {
	s.beside.Wait()
	s.loaded = -1 // what data holds is written over
	if s.memory == nil {
		s.take()
	}
	if s.data, err = s.repo.chunkInto(s.ctx, s.parts[i], s.memory); err == nil {
		s.loaded = i
		s.show(s.data)
	}
	return err
}

// take takes memory for any part.
func (s *Reader) take() {
	if s.see == nil {
		s.from, s.memory = &s.repo.memory, s.repo.memory.Take(s.repo.roomFor(s.parts))
	} else {
		s.from, s.memory = s.repo.shared, s.repo.shared.Take(roomOf(s.repo.longest(s.parts)))
	}
}

// show lets who looks on see a part.
func (s *Reader) show(part []byte) {
	switch {
	case s.see == nil:
	case len(part) < besideFrom:
		s.see(part)
	default:
		s.beside.Go(func() { s.see(part) })
	}
}

// Close gives the memory of the stream back, once nobody looks at it any more; so does the end of the stream. Only one that OpenReader gave has to be closed:
// another that is left before its end leaves its memory to the garbage collector.
func (s *Reader) Close() {
	s.beside.Wait()
	if s.memory != nil {
		s.from.Give(s.memory)
	}
	s.loaded, s.data, s.memory = -1, nil, nil
}

// Seek moves to another position, as io.Seeker says. Beyond the end is allowed and reads io.EOF.
func (s *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.Size()
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d: before the beginning", offset)
	}
	s.at = offset
	return offset, nil
}
