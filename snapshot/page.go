package snapshot

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/blake3"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
)

// page is one page: entries when its level is 0, else pages of the level below.
type page struct {
	Level    uint8       `cbor:"1,keyasint,omitempty"`
	Entries  []entryForm `cbor:"2,keyasint,omitempty"`
	Children []childForm `cbor:"3,keyasint,omitempty"`
}

// childForm is a page as the page above tells of it.
type childForm struct {
	First wire.Bytes `cbor:"1,keyasint"` // path of its first entry
	Part  repo.Part  `cbor:"2,keyasint"`
	Count int64      `cbor:"3,keyasint"` // entries below it
}

// Bounds of pages. A page ends early when it grows beyond them, whatever the hash says.
const (
	maxLevel     = 8
	mostPerPage  = 16      // times the average number of entries
	fullPage     = 1 << 20 // bytes, about
	entryWeight  = 120     // bytes an entry takes beside its path and parts, about
	partWeight   = 42
	maxPageBytes = fullPage + entryWeight + maxPath*2 + maxParts*partWeight // one entry may be the last straw
)

// splitter says where pages end: after a path whose keyed hash has zeros in the right place. The key keeps who sees page
// lengths from telling paths.
type splitter struct {
	hash *blake3.Hasher
	bits uint
}

func newSplitter(r *repo.Repo) splitter {
	key := r.Key(crypt.Split)
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic(err) // only for a key that is not 32 bytes
	}
	return splitter{h, uint(r.Config().PageBits)}
}

// ends tells whether a page of the level ends after the path. Each level looks at other bits of the hash.
func (s splitter) ends(path string, level int) bool {
	var sum [32]byte
	s.hash.Reset()
	_, _ = s.hash.WriteString(path)
	s.hash.Sum(sum[:0])
	at := uint(level) * s.bits
	word := binary.LittleEndian.Uint64(sum[at/8:]) >> (at % 8)
	return word&(1<<s.bits-1) == 0
}

// origin is where an entry stood in an older snapshot; its zero value is nowhere.
type origin struct {
	page  *entryPage
	index int // in the page
}

// pageWriter takes the entries of a snapshot in order and writes its pages.
type pageWriter struct {
	split splitter
	put   func(data []byte) (repo.Part, error)
	codec wire.Codec

	entries []*Entry
	forms   []entryForm // room for them
	weight  int
	reuse   origin // the page all entries so far come from, in order, with index the last one's
	same    bool
	last    string
	levels  []*level
}

// level collects the pages of one level until they make a page of the next.
type level struct {
	children []childForm
	weight   int
}

func newPageWriter(r *repo.Repo, put func([]byte) (repo.Part, error)) *pageWriter {
	return &pageWriter{split: newSplitter(r), put: put, codec: codec()}
}

// add appends an entry, which must not change any more; paths must come in strictly growing order of bytes.
func (w *pageWriter) add(e *Entry, from origin) error {
	if w.last >= e.Path && (len(w.entries) > 0 || len(w.levels) > 0) {
		return fmt.Errorf("%q comes after %q: not in order", e.Path, w.last)
	}
	if from.page == nil { // what stands in a page was checked
		form := formOf(e)
		if err := form.check(); err != nil { // rather no snapshot than one that cannot be read
			return err
		}
	}
	w.follow(from)
	w.entries = append(w.entries, e)
	w.weight += entryWeight + len(e.Path) + len(e.Target) + partWeight*len(e.Content)
	w.last = e.Path
	if w.split.ends(e.Path, 0) || len(w.entries) >= mostPerPage<<w.split.bits || w.weight >= fullPage {
		return w.closePage()
	}
	return nil
}

// follow notes whether the page being filled is, so far, an older page from its beginning.
func (w *pageWriter) follow(from origin) {
	if len(w.entries) == 0 {
		w.reuse, w.same = from, from.page != nil && from.index == 0
		return
	}
	w.same = w.same && from.page == w.reuse.page && from.index == w.reuse.index+1
	w.reuse.index = from.index
}

// closePage writes the page, unless it is an older one from beginning to end: then that one serves again.
func (w *pageWriter) closePage() (err error) {
	child := childForm{First: wire.Bytes(w.entries[0].Path), Count: int64(len(w.entries))}
	if w.same && len(w.entries) == len(w.reuse.page.entries) {
		child.Part = w.reuse.page.part
	} else if child.Part, err = w.writeEntries(); err != nil {
		return err
	}
	clear(w.entries) // lets go of what they point to
	w.entries, w.weight = w.entries[:0], 0
	return w.addChild(0, child, w.last)
}

func (w *pageWriter) writeEntries() (repo.Part, error) {
	for _, e := range w.entries {
		w.forms = append(w.forms, formOf(e))
	}
	part, err := w.write(page{Entries: w.forms})
	clear(w.forms)
	w.forms = w.forms[:0]
	return part, err
}

func (w *pageWriter) write(p page) (repo.Part, error) {
	data, err := w.codec.Marshal(p)
	if err != nil {
		return repo.Part{}, fmt.Errorf("write a page: %w", err)
	}
	if len(data) > maxPageBytes {
		return repo.Part{}, fmt.Errorf("write a page: %d bytes are too many", len(data))
	}
	return w.put(data)
}

// addChild hands a page to the level above, and that level's page further up when it is full.
func (w *pageWriter) addChild(at int, c childForm, last string) error {
	if at == len(w.levels) {
		w.levels = append(w.levels, new(level))
	}
	l := w.levels[at]
	l.children = append(l.children, c)
	l.weight += entryWeight + len(c.First)
	full := w.split.ends(last, at+1) || len(l.children) >= mostPerPage<<w.split.bits || l.weight >= fullPage
	if !full || at+1 >= maxLevel { // the highest level takes whatever comes
		return nil
	}
	return w.closeLevel(at, last)
}

func (w *pageWriter) closeLevel(at int, last string) error {
	l := w.levels[at]
	up := childForm{First: l.children[0].First}
	for _, c := range l.children {
		up.Count += c.Count
	}
	part, err := w.write(page{Level: uint8(at + 1), Children: l.children})
	if err != nil {
		return err
	}
	up.Part, l.children, l.weight = part, nil, 0
	return w.addChild(at+1, up, last)
}

// finish writes what is left and gives the root: the zero part for a snapshot without entries.
func (w *pageWriter) finish() (repo.Part, error) {
	if len(w.entries) > 0 {
		if err := w.closePage(); err != nil {
			return repo.Part{}, err
		}
	}
	for at := 0; at < len(w.levels); at++ {
		l := w.levels[at]
		top := at == len(w.levels)-1
		switch {
		case top && len(l.children) == 1:
			return l.children[0].Part, nil
		case len(l.children) > 0:
			if err := w.closeLevel(at, w.last); err != nil {
				return repo.Part{}, err
			}
		}
	}
	return repo.Part{}, nil
}
