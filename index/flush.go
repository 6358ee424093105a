package index

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"

	"shoebox/chunk"
)

// flush writes what is only in memory as a new run. If the disk refuses it stays in memory, and the
// disk is written no more: what is there remains right. Only damage is an error.
func (x *Index) flush() error {
	if x.slot == nil || x.why != nil || len(x.recent)+len(x.cached) == 0 && len(x.segments) == len(x.slot.head.Segments)/32 {
		return nil
	}
	if err := x.slot.load(); err != nil {
		return x.damage(err)
	}
	if x.why = x.write(); x.why != nil {
		return nil
	}
	reading, writing := x.slot.merge(&x.options)
	x.why = writing
	return x.damage(reading)
}

// write publishes what is in memory. If it fails all of it stays in memory too.
func (x *Index) write() error {
	s := x.slot
	next := s.head
	if err := s.appendPacks(x.packs.fresh); err != nil {
		return err
	}
	next.Packs += uint32(len(x.packs.fresh))
	names := slices.Clip(s.names)
	for _, name := range x.packs.fresh {
		names = append(names, name[:]...)
	}
	next.PackSum = sum(names)
	run, err := writeRun(s.root, next.NextTable, int64(len(x.recent)+len(x.cached))*entrySize, x.sorted())
	if err != nil {
		return err
	}
	if len(run) > 0 {
		next.NextTable += uint32(len(run))
		next.Runs = append(slices.Clone(next.Runs), run)
	}
	next.Segments = make([]byte, 0, 32*len(x.segments))
	for name := range x.segments {
		next.Segments = append(next.Segments, name[:]...)
	}
	next.Cache = s.cache.head
	if err := writeHead(s.root, &next, &x.options); err != nil {
		removeTables(s.root, run)
		return err
	}
	s.names = names
	if err := guarded(func() error { return s.follow(next) }); err != nil {
		return err
	}
	x.recent, x.cached = map[chunk.ID]spot{}, map[chunk.ID]clip{}
	x.packs = packNames{stored: next.Packs}
	return nil
}

// entrySize is about what an entry takes in a table, in bytes.
const entrySize = 88

// sorted yields what is in memory as keys and values.
func (x *Index) sorted() iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for _, id := range slices.SortedFunc(maps.Keys(x.recent), compareIDs) {
			if !yield(chunkKey(id), x.seal(id, x.recent[id])) {
				return
			}
		}
		for _, id := range slices.SortedFunc(maps.Keys(x.cached), compareIDs) {
			if !yield(clipKey(id), x.cached[id].value()) {
				return
			}
		}
	}
}

func compareIDs(a, b chunk.ID) int { return bytes.Compare(a[:], b[:]) }

// load opens the tables, once.
func (s *slot) load() error {
	s.opening.Do(func() {
		s.failed = guarded(func() error {
			var err error
			if s.names, err = readPacks(s.root, &s.head); err != nil {
				return err
			}
			return s.openRuns(s.head.Runs)
		})
	})
	return s.failed
}

func readPacks(root *os.Root, h *head) ([]byte, error) {
	if h.Packs == 0 {
		return nil, nil
	}
	names := make([]byte, int64(h.Packs)*32)
	f, err := root.Open(packFile)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	if _, err := f.ReadAt(names, 0); err != nil {
		return nil, fmt.Errorf("names of packs: %w", err)
	}
	if !bytes.Equal(sum(names), h.PackSum) {
		return nil, errors.New("the names of packs are not what was written")
	}
	return names, nil
}

// openRuns opens all tables that are not open yet.
func (s *slot) openRuns(runs [][]info) error {
	for i := len(s.runs); i < len(runs); i++ {
		s.runs = append(s.runs, nil)
		for _, info := range runs[i] {
			b, err := openBook(s.root, info)
			if err != nil {
				return err
			}
			s.runs[i] = append(s.runs[i], b)
		}
	}
	return nil
}

// follow takes over a head that was written.
func (s *slot) follow(next head) error {
	s.head = next
	return s.openRuns(next.Runs)
}

// appendPacks writes names after those the head counts; what a crash left there is overwritten.
func (s *slot) appendPacks(fresh []Name) error {
	if len(fresh) == 0 {
		return nil
	}
	f, err := s.root.OpenFile(packFile, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	data := make([]byte, 0, 32*len(fresh))
	for _, name := range fresh {
		data = append(data, name[:]...)
	}
	_, err = f.WriteAt(data, int64(s.head.Packs)*32)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// find asks the newest run first.
func (s *slot) find(key []byte) (value []byte, found bool, err error) {
	if err := s.load(); err != nil {
		return nil, false, err
	}
	err = guarded(func() error {
		for _, run := range slices.Backward(s.runs) {
			at, _ := slices.BinarySearchFunc(run, key, func(b book, key []byte) int {
				return bytes.Compare(b.Biggest()[:len(key)], key)
			})
			if at == len(run) {
				continue
			}
			if value, found, err = run[at].find(key, &s.reads); err != nil || found {
				return err
			}
		}
		return nil
	})
	if s.reads.Load() >= readsKept {
		s.letGo()
	}
	return value, found, err
}

// readsKept is how many reads of blocks may leave pages of tables mapped: 64 KiB each, 1 MiB on some
// systems.
const readsKept = 64

func (s *slot) letGo() {
	s.reads.Store(0)
	for _, run := range s.runs {
		for _, b := range run {
			letGo(b.Data)
		}
	}
}

func (s *slot) closeTables() {
	for _, run := range s.runs {
		for _, b := range run {
			_ = b.Close(-1) // only read
		}
	}
	s.runs = nil
}
