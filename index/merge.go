package index

import (
	"bytes"
	"iter"
	"slices"

	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
)

// maxRuns is how many runs one lookup asks at most, but for those too large to be worth merging.
const maxRuns = 8

// merge makes one run of the newest ones when there are too many. An entry is written again only
// when the run it is in has grown threefold, so loading costs a few times its size.
// reading is damage in the old runs, writing what the disk refused.
func (s *slot) merge(o *Options) (reading, writing error) {
	if len(s.runs) <= maxRuns {
		return nil, nil
	}
	from, size := s.mergeFrom()
	var run []info
	reading = guarded(func() error {
		run, writing = writeRun(s.root, s.head.NextTable, size, s.living(s.runs[from:]))
		return nil
	})
	if reading != nil || writing != nil {
		return reading, writing
	}
	next := s.head
	next.NextTable += uint32(len(run))
	next.Runs = append(slices.Clone(next.Runs[:from]), run)
	if err := writeHead(s.root, &next, o); err != nil {
		removeTables(s.root, run)
		return nil, err
	}
	s.drop(from)
	return guarded(func() error { return s.follow(next) }), nil
}

// mergeFrom takes runs from the newest on while the next is not much larger than all taken so far:
// at least two. size is theirs, in bytes.
func (s *slot) mergeFrom() (from int, size int64) {
	from = len(s.runs) - 1
	size = runSize(s.head.Runs[from])
	for from > 0 && (runSize(s.head.Runs[from-1]) <= 2*size || from == len(s.runs)-1) {
		from--
		size += runSize(s.head.Runs[from])
	}
	return from, size
}

func runSize(run []info) (bytes int64) {
	for _, i := range run {
		bytes += i.Size
	}
	return bytes
}

// drop closes and removes the runs from one on; the head does not list them any more.
func (s *slot) drop(from int) {
	for _, run := range s.runs[from:] {
		for _, b := range run {
			_ = b.Close(-1) // only read
		}
	}
	s.runs = s.runs[:from]
	for _, run := range s.head.Runs[from:] {
		removeTables(s.root, run)
	}
}

// living yields all entries of some runs in order, the newest of each key, but for clips whose
// cache file is gone.
func (s *slot) living(runs [][]book) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		cursors := make([]*cursor, len(runs))
		for i, run := range runs {
			cursors[i] = &cursor{run: run}
			cursors[i].next()
		}
		for c := newest(cursors); c != nil; c = newest(cursors) {
			if s.alive(c.key, c.value) && !yield(c.key, c.value) {
				return
			}
			pass(cursors, bytes.Clone(c.key))
		}
	}
}

func (s *slot) alive(key, value []byte) bool {
	if key[0] != clipKind {
		return true
	}
	c, ok := openClip(value)
	return ok && s.cache.head.has(c.file)
}

// newest is the cursor at the smallest key; among equal ones that of the newest run, which is the
// last. At the end it is nil.
func newest(cursors []*cursor) *cursor {
	var best *cursor
	for _, c := range cursors {
		if c.key != nil && (best == nil || bytes.Compare(c.key, best.key) <= 0) {
			best = c
		}
	}
	return best
}

func pass(cursors []*cursor, key []byte) {
	for _, c := range cursors {
		if c.key != nil && bytes.Equal(c.key, key) {
			c.next()
		}
	}
}

// cursor goes through one run. key and value are good until next; at the end key is nil.
type cursor struct {
	run        []book // what is left, the current table first
	it         *table.Iterator
	seen       uint32
	key, value []byte
}

// next panics when a table gives fewer entries than were written: that is how badger's iterator
// shows a damaged block.
func (c *cursor) next() {
	c.key, c.value = nil, nil
	for len(c.run) > 0 {
		if c.it == nil {
			c.it = c.run[0].NewIterator(table.NOCACHE)
			c.it.Rewind()
		} else {
			c.it.Next()
		}
		if c.it.Valid() {
			c.seen++
			c.key, c.value = y.ParseKey(c.it.Key()), c.it.Value().Value
			return
		}
		if c.seen != c.run[0].info.Keys {
			panic(errTable)
		}
		_ = c.it.Close() // gives back a count, no file
		letGo(c.run[0].Data)
		c.run, c.it, c.seen = c.run[1:], nil, 0
	}
}
