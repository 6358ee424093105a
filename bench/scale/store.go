package main

import "math/rand/v2"

// Classes of packs, as in package pack.
const (
	data = iota
	meta
	classes
)

// pack is a pack as far as counts and sizes go.
type packState struct {
	size    int32 // bytes of the object
	total   int32 // stored bytes of its chunks
	dead    int32 // of those that were let go, pages not counted
	chunks  int32 // heads and bodies that are needed
	bytes   int32 // stored bytes of those
	entries int32 // lines of its directory
	segment int32 // that tells of it
	born    int32 // the night its pictures came, about
	class   uint8
	gone    bool
}

// segmentState is a segment.
type segmentState struct {
	packs []int32
	lines int // bytes of directories
	size  int64
	known bool // to the computer's index
	heard int  // number of the look in which a prune first read it
	gone  bool
}

// pageState is a page: a chunk with a life.
type pageState struct {
	born, died int32 // it is in the snapshots born to died-1 of its owner
	stored     int32 // bytes
	kept       int32 // in which file of the computer's page cache it lies
	owner      int16
	upper      bool
}

// forever is the end of a page that is in the latest snapshot.
const forever = 1<<31 - 1

// openPack is a pack that is being filled.
type openPack struct {
	used, entries int
	chunks, bytes int // heads and bodies
	pages         []int32
}

// Bounds of a pack, from repo/pack/build.go.
const (
	packHeader, packTail, packLine = 16, 64 + 16 + 5, 42
	packAlign, padShare            = 4096, 128
	sealed                         = 32 // bytes that sealing adds to a chunk
)

// room is how many bytes of chunks still fit.
func (p *openPack) room(capacity int) int {
	full := capacity - packTail - (p.entries+1)*packLine
	return full - full/padShare - packAlign - packHeader - p.used
}

// length is that of the finished pack.
func (p *openPack) length(capacity int, rng *rand.Rand) int {
	need := packHeader + p.used + packTail + p.entries*packLine
	need += rng.IntN(need/padShare + 1)
	return min((need+packAlign-1)/packAlign*packAlign, capacity)
}

// sidecarSize is the length of the sidecar of a pack: docs/format.md, section 19.
func sidecarSize(pack int64) int64 {
	d := min((pack+4095)/4096, 128)
	m := (3*d+127)/128 + 1
	if d == 1 {
		m = 1
	}
	return 2*(80+16*(d+m)) + m*((pack+d-1)/d)
}

// copyHeader is what a second copy is longer than its original.
const copyHeader = 80

// recordSize is the length of a record with a body: docs/format.md, section 4.
func recordSize(body float64) int64 { return 48 + (int64(body)+4+511)/512*512 + 16 + 32 }

// store is what lies in the store.
type store struct {
	load     Load
	rng      *rand.Rand
	packs    []packState
	meta     map[int32][]int32 // the pages in each pack
	segments []segmentState
	standing []int32 // segments that are there
	there    int     // packs that are there
	held     int64   // their bytes
	side     int64   // bytes of their sidecars

	pages  []pageState
	active []int32 // pages that are in some pack

	tombstones, releases int
	snapshots, sessions  int // records of snapshots, and .done: forgotten ones too, as long as they stand
	vanished             bool
	born                 int32 // of packs that are put now
	moved                int64 // bytes of packs that prunes wrote
	cache                cache
}

func newStore(l Load) *store {
	return &store{load: l, rng: rand.New(rand.NewPCG(l.Seed, 4)), meta: make(map[int32][]int32), cache: cache{newest: 2, half: l.Cache / 2}}
}

// putPack stores a pack.
func (s *store) putPack(class uint8, p *openPack, t *Tally) int32 {
	capacity := s.load.Data
	if class == meta {
		capacity = s.load.Meta
	}
	size := p.length(capacity, s.rng)
	id := int32(len(s.packs))
	s.packs = append(s.packs, packState{size: int32(size), total: int32(p.used), chunks: int32(p.chunks), bytes: int32(p.bytes), entries: int32(p.entries), born: s.born, class: class})
	if len(p.pages) > 0 {
		s.meta[id] = p.pages
	}
	s.there, s.held = s.there+1, s.held+int64(size)
	t.put(int64(size))
	if s.load.Parity {
		s.side += sidecarSize(int64(size))
		t.put(sidecarSize(int64(size)))
	}
	return id
}

// deletePack deletes a pack and its sidecar.
func (s *store) deletePack(id int32, t *Tally) {
	p := &s.packs[id]
	p.gone = true
	delete(s.meta, id)
	s.there, s.held = s.there-1, s.held-int64(p.size)
	if s.load.Parity {
		s.side -= sidecarSize(int64(p.size))
	}
	s.deleteTwice(t)
}

// deleteTwice deletes an object and what heals it: see vault.Delete.
func (s *store) deleteTwice(t *Tally) {
	t.Delete += 2
	if s.load.Parity {
		t.Delete++
	}
}

// putRecord puts a record that has a second copy.
func (s *store) putRecord(size int64, t *Tally) {
	t.put(size)
	if s.load.Parity {
		t.put(size + copyHeader)
	}
}

// fullSegment, smallSegment and manySegments are those of repo/segment.go and repo/sweep.go.
const (
	fullSegment  = 8 << 20
	smallSegment = fullSegment / 8
	manySegments = 16
)

// putSegments writes segments that tell of packs: see segmentsOf. known says whether the computer's index takes them in.
func (s *store) putSegments(packs []int32, known bool, t *Tally) {
	for from, lines, i := 0, 0, 0; i < len(packs); i++ {
		lines += int(s.packs[packs[i]].entries) * packLine
		if lines >= fullSegment || i == len(packs)-1 {
			s.putSegment(packs[from:i+1:i+1], lines, 0, known, t)
			from, lines = i+1, 0
		}
	}
}

func (s *store) putSegment(packs []int32, lines, supersedes int, known bool, t *Tally) {
	size := recordSize(measured.SegmentBase + measured.SegmentPack*float64(len(packs)) + float64(lines) + 34*float64(supersedes))
	id := int32(len(s.segments))
	for _, p := range packs {
		s.packs[p].segment = id
	}
	s.segments = append(s.segments, segmentState{packs: packs, lines: lines, size: size, known: known})
	s.standing = append(s.standing, id)
	s.putRecord(size, t)
}

// cache is the pages a computer keeps, in two files of which the older goes when the newer is full: index/cache.go.
type cache struct {
	newest int32
	length int64
	half   int64
}

// readPage reads a page, from the cache where that has it.
func (s *store) readPage(id int32, t *Tally) {
	p, c := &s.pages[id], &s.cache
	if p.kept == c.newest || p.kept == c.newest-1 {
		return
	}
	t.get(int64(p.stored))
	if c.length+int64(p.stored) > c.half {
		c.newest, c.length = c.newest+1, 0
	}
	p.kept = c.newest
	c.length += int64(p.stored)
}

// wipe empties the computer's index and with it the page cache: index.Reset.
func (s *store) wipe() {
	for i := range s.segments {
		s.segments[i].known = false
	}
	s.cache.newest, s.cache.length = s.cache.newest+2, 0
	s.vanished = false
}
