package snapshot

import (
	"fmt"
	"math"
	"strings"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/wire"
)

// pageDecoder reads one page. It accepts what wire.Codec accepts of a page that keeps its promises, and gives the same: a test holds the two against
// each other. It is an eighth of the work, and most commands read thousands of pages.
type pageDecoder struct {
	wire.Reader
	text  strings.Builder // all text of the page, one after the other: the entries hold parts of it
	parts []repo.Part     // room for the parts of several entries

	media, camera string // of the entry before: most are the same again
}

// Bytes that an entry, a page below and a part of a file take, about at least and so for the last: memory is taken for no more than fit into the page.
const (
	leastEntry = 40
	leastChild = 42
	leastPart  = 37
)

// decodePage reads a page and holds it against its own promises: a level within bounds, entries or pages but not both, in order.
func decodePage(data []byte) (*readPage, error) {
	d := pageDecoder{Reader: wire.NewReader(data)}
	var p *readPage
	var err error
	switch d.Map(2) {
	case 1:
		d.key(2)
		p, err = d.entries()
	case 2:
		d.key(1)
		level := d.Uint(math.MaxUint8)
		d.key(3)
		p, err = d.children(int(level))
	default:
		d.Fail()
	}
	if err != nil {
		return nil, err
	}
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("%w: %w", crypt.ErrDamaged, err)
	}
	return p, nil
}

// key reads the key that must come next.
func (d *pageDecoder) key(want uint64) {
	if d.Uint(want) != want {
		d.Fail()
	}
}

// entries reads the entries of a page of level 0.
func (d *pageDecoder) entries() (*readPage, error) {
	n := d.Array(maxParts)
	if n == 0 {
		d.Fail()
	}
	p := &readPage{count: int64(n), entries: make([]Entry, 0, min(n, d.Len()/leastEntry+1)), children: nil}
	d.text.Grow(d.Len() / 6)
	for i := 0; i < n && !d.Failed(); i++ {
		var f entryForm
		d.entry(&f, n-i)
		if d.Failed() {
			break
		}
		p.entries = append(p.entries, Entry{})
		e := &p.entries[i]
		if err := f.fill(e); err != nil {
			return nil, err
		}
		if i > 0 && p.entries[i-1].Path >= e.Path {
			return nil, fmt.Errorf("%w: its entries are not in order", crypt.ErrDamaged)
		}
		d.media, d.camera = f.Media, f.Camera
	}
	return p, nil
}

// Which keys of an entry are there.
const entryMust = 1<<1 | 1<<3 | 1<<4 | 1<<6 // path, size, time, mode

// entry reads one entry; left is how many come, it included.
func (d *pageDecoder) entry(f *entryForm, left int) {
	pairs, before, there := d.Map(17), uint64(0), 0
	for range pairs {
		key := d.Uint(17)
		if key <= before {
			d.Fail()
			return
		}
		before = key
		there |= 1 << key
		if !d.field(f, key, left) {
			d.Fail()
			return
		}
	}
	if there&entryMust != entryMust {
		d.Fail()
	}
}

// field reads the value of one key, and tells whether it may be there: what is zero or empty is left out, unless it must stand.
func (d *pageDecoder) field(f *entryForm, key uint64, left int) bool {
	switch key {
	case 1:
		f.Path = wire.Bytes(d.keep(d.Bytes(), ""))
		return true
	case 2:
		f.Type = uint8(d.Uint(math.MaxUint8))
		return f.Type != 0
	case 3:
		f.Size = d.Int()
		return true
	case 4:
		f.ModTime = d.Int()
		return true
	case 5:
		f.ModNano = uint32(d.Uint(math.MaxUint32))
		return f.ModNano != 0
	case 6:
		f.Mode = uint32(d.Uint(math.MaxUint32))
		return true
	case 7:
		f.Target = wire.Bytes(d.keep(d.Bytes(), ""))
		return f.Target != ""
	case 8:
		f.Parts = d.content(left)
		return len(f.Parts) > 0
	case 9:
		f.Hash = d.Bytes()
		return len(f.Hash) > 0
	}
	return d.photoField(f, key)
}

// photoField is field for what the picture says of itself.
func (d *pageDecoder) photoField(f *entryForm, key uint64) bool {
	switch key {
	case 10:
		f.Taken = d.Int()
		return f.Taken != 0
	case 11:
		f.TakenBy = uint8(d.Uint(math.MaxUint8))
		return f.TakenBy != 0
	case 12:
		f.Zone = int(d.Int())
		return f.Zone != 0
	case 13:
		f.Media = d.keep(d.Text(), d.media)
		return f.Media != ""
	case 14:
		f.Orientation = uint8(d.Uint(math.MaxUint8))
		return f.Orientation != 0
	case 15:
		f.Width = uint32(d.Uint(math.MaxUint32))
		return f.Width != 0
	case 16:
		f.Height = uint32(d.Uint(math.MaxUint32))
		return f.Height != 0
	case 17:
		f.Camera = d.keep(d.Text(), d.camera)
		return f.Camera != ""
	}
	return false
}

// keep makes a string of bytes of the page, or takes the one before when it is the same.
func (d *pageDecoder) keep(b []byte, before string) string {
	if string(b) == before {
		return before
	}
	from := d.text.Len()
	d.text.Write(b)
	return d.text.String()[from:]
}

// content reads the parts of a file. Its room is shared with entries to come: left of them, this one included.
func (d *pageDecoder) content(left int) repo.Content {
	n := d.Array(maxParts)
	if n > d.Len()/leastPart {
		d.Fail()
		return nil
	}
	if cap(d.parts)-len(d.parts) < n {
		d.parts = make([]repo.Part, 0, max(n, min(left, d.Len()/leastPart)))
	}
	from := len(d.parts)
	for range n {
		d.parts = append(d.parts, d.part())
		if d.Failed() {
			return nil
		}
	}
	return repo.Content(d.parts[from:len(d.parts):len(d.parts)])
}

func (d *pageDecoder) part() (p repo.Part) {
	if d.Array(3) != 3 {
		d.Fail()
	}
	p.Kind = chunk.Kind(d.Uint(math.MaxUint8))
	id := d.Bytes()
	if len(id) != len(p.ID) {
		d.Fail()
		return repo.Part{}
	}
	copy(p.ID[:], id)
	p.Size = uint32(d.Uint(math.MaxUint32))
	return p
}

// children reads the pages that a page of another level tells of.
func (d *pageDecoder) children(level int) (*readPage, error) {
	n := d.Array(maxParts)
	if n == 0 || level == 0 {
		d.Fail()
	}
	if level > maxLevel {
		return nil, fmt.Errorf("%w: it stands on level %d", crypt.ErrDamaged, level)
	}
	p := &readPage{level: level, entries: []Entry{}, children: make([]childForm, 0, min(n, d.Len()/leastChild+1))}
	for i := 0; i < n && !d.Failed(); i++ {
		c := d.child()
		if d.Failed() {
			break
		}
		if i > 0 && p.children[i-1].First >= c.First || c.Part.Kind != chunk.Page {
			return nil, fmt.Errorf("%w: its pages are not in order", crypt.ErrDamaged)
		}
		if c.Count < 1 || c.Count > 1<<48 {
			return nil, fmt.Errorf("%w: one of its pages holds %d entries", crypt.ErrDamaged, c.Count)
		}
		p.count += c.Count
		p.children = append(p.children, c)
	}
	return p, nil
}

func (d *pageDecoder) child() (c childForm) {
	if d.Map(3) != 3 {
		d.Fail()
	}
	d.key(1)
	c.First = wire.Bytes(d.keep(d.Bytes(), ""))
	d.key(2)
	c.Part = d.part()
	d.key(3)
	c.Count = d.Int()
	return c
}
