package repo

import (
	"context"
	"fmt"
	"io"
	"sort"
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
}

// NewReader gives a stream over a content; ctx bounds its reads. Nothing is read before the first Read.
func (r *Repo) NewReader(ctx context.Context, c Content) *Reader {
	starts := make([]int64, len(c)+1)
	for i, p := range c {
		starts[i+1] = starts[i] + int64(p.Size)
	}
	return &Reader{ctx: ctx, repo: r, parts: c, starts: starts, loaded: -1}
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
		s.giveBack()
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
	s.loaded = -1 // what data holds is written over
	if s.memory == nil {
		s.memory = s.repo.memory.take(s.repo.roomFor(s.parts))
	}
	if s.data, err = s.repo.chunkInto(s.ctx, s.parts[i], s.memory); err == nil {
		s.loaded = i
	}
	return err
}

// giveBack gives the memory back at the end of the stream. One that is left before its end leaves it to the garbage collector.
func (s *Reader) giveBack() {
	if s.memory != nil {
		s.repo.memory.give(s.memory)
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
