// Package heif finds the items of a HEIC picture (ISO/IEC 23008-12 over ISO/IEC 14496-12): its small thumbnail, which it gives as a file of its
// own that any decoder takes, and its EXIF. It decodes no pixels.
package heif

import (
	"encoding/binary"
	"errors"
	"io"
)

// Bounds of a hostile file.
const (
	maxMeta  = 4 << 20 // bytes of the meta box
	maxItem  = 4 << 20 // bytes of a thumbnail or of EXIF
	maxItems = 4096
	maxDepth = 4
)

var errForm = errors.New("no HEIC picture")

// File is the structure of a file, which is read only where it is asked for.
type File struct {
	r       io.ReaderAt
	primary uint32
	items   map[uint32]*item
	props   []property
	data    []byte // idat
}

type item struct {
	kind    string
	method  byte // how extents are counted: 0 from the start of the file, 1 in idat
	extents []extent
	props   []int  // in File.props, counted from 0
	thumbOf uint32 // the item this one is a thumbnail of
}

type extent struct{ at, length uint64 }

type property struct {
	kind string
	box  []byte // whole
}

// Read reads the structure of a file of a size.
func Read(r io.ReaderAt, size int64) (*File, error) {
	meta, err := findMeta(r, size)
	if err != nil {
		return nil, err
	}
	f := &File{r: r, items: make(map[uint32]*item)}
	if len(meta) < 4 {
		return nil, errForm
	}
	for b := range boxes(meta[4:]) {
		f.box(b.kind, b.body)
	}
	if f.items[f.primary] == nil {
		return nil, errForm
	}
	return f, nil
}

// findMeta gives the body of the meta box, which stands among the first boxes of the file.
func findMeta(r io.ReaderAt, size int64) ([]byte, error) {
	at := int64(0)
	for range 16 {
		head := make([]byte, 16)
		n, err := r.ReadAt(head, at)
		if n < 8 {
			return nil, errors.Join(errForm, err)
		}
		length, skip := int64(binary.BigEndian.Uint32(head)), int64(8)
		if length == 1 && n == 16 {
			length, skip = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		if length == 0 {
			length = size - at
		}
		if length < skip || length > size-at {
			return nil, errForm
		}
		if string(head[4:8]) == "meta" {
			if length > maxMeta {
				return nil, errForm
			}
			meta := make([]byte, length-skip)
			_, err := r.ReadAt(meta, at+skip)
			if err == io.EOF {
				err = nil
			}
			return meta, err
		}
		at += length
	}
	return nil, errForm
}

type box struct {
	kind        string
	whole, body []byte
}

// boxes yields the boxes of a body, as far as they are whole.
func boxes(data []byte) func(func(box) bool) {
	return func(yield func(box) bool) {
		for len(data) >= 8 {
			length := uint64(binary.BigEndian.Uint32(data))
			if length == 0 {
				length = uint64(len(data))
			}
			if length < 8 || length > uint64(len(data)) || !yield(box{string(data[4:8]), data[:length], data[8:length]}) {
				return
			}
			data = data[length:]
		}
	}
}

// box reads one box of the meta box.
func (f *File) box(kind string, body []byte) {
	c := &cursor{data: body}
	switch kind {
	case "pitm":
		f.primary = c.sized(c.version())
	case "iinf":
		f.infos(c)
	case "iloc":
		f.places(c)
	case "iref":
		f.references(c)
	case "idat":
		f.data = body
	case "iprp":
		for b := range boxes(body) {
			switch b.kind {
			case "ipco":
				for p := range boxes(b.body) {
					f.props = append(f.props, property{p.kind, p.whole})
				}
			case "ipma":
				f.associations(&cursor{data: b.body})
			}
		}
	}
}

// get gives an item by its number, and makes it.
func (f *File) get(id uint32) *item {
	if f.items[id] == nil {
		if len(f.items) >= maxItems {
			return new(item)
		}
		f.items[id] = new(item)
	}
	return f.items[id]
}

func (f *File) infos(c *cursor) {
	c.sized(c.version()) // how many
	for b := range boxes(c.data) {
		e := &cursor{data: b.body}
		version := e.version()
		if b.kind != "infe" || version < 2 {
			continue
		}
		id := uint32(e.u16())
		if version > 2 {
			id = id<<16 | uint32(e.u16())
		}
		e.u16() // protection
		if kind := e.take(4); kind != nil {
			f.get(id).kind = string(kind)
		}
	}
}

func (f *File) places(c *cursor) {
	version := c.version()
	sizes := c.u16()
	offsetSize, lengthSize, baseSize, indexSize := sizes>>12, sizes>>8&15, sizes>>4&15, sizes&15
	if version == 0 {
		indexSize = 0
	}
	count := c.u16()
	total := uint32(count)
	if version == 2 {
		total = total<<16 | uint32(c.u16())
	}
	for range min(total, maxItems) {
		id := uint32(c.u16())
		if version == 2 {
			id = id<<16 | uint32(c.u16())
		}
		i := f.get(id)
		if version > 0 {
			i.method = byte(c.u16() & 15)
		}
		c.u16() // where the data lies: this file
		base := c.number(baseSize)
		for range c.u16() {
			c.number(indexSize)
			e := extent{base + c.number(offsetSize), c.number(lengthSize)}
			if c.bad || len(i.extents) > 1024 {
				return
			}
			i.extents = append(i.extents, e)
		}
	}
}

func (f *File) references(c *cursor) {
	version := c.version()
	for b := range boxes(c.data) {
		e := &cursor{data: b.body}
		id := func() uint32 {
			if version == 0 {
				return uint32(e.u16())
			}
			return uint32(e.u16())<<16 | uint32(e.u16())
		}
		from := id()
		if b.kind == "thmb" && e.u16() > 0 {
			f.get(from).thumbOf = id()
		}
	}
}

func (f *File) associations(c *cursor) {
	version, flags := c.version(), c.flags
	for range min(uint32(c.u16())<<16|uint32(c.u16()), maxItems) {
		id := uint32(c.u16())
		if version > 0 {
			id = id<<16 | uint32(c.u16())
		}
		count := c.take(1)
		if count == nil {
			return
		}
		i := f.get(id)
		for range count[0] {
			var at int
			if flags&1 != 0 {
				at = int(c.u16() & 0x7fff)
			} else if b := c.take(1); b != nil {
				at = int(b[0] & 0x7f)
			}
			if at > 0 && !c.bad {
				i.props = append(i.props, at-1)
			}
		}
	}
}

// bytes reads an item.
func (f *File) bytes(i *item) ([]byte, error) {
	var total uint64
	for _, e := range i.extents {
		if e.length > maxItem || total+e.length > maxItem {
			return nil, errForm
		}
		total += e.length
	}
	data := make([]byte, 0, total)
	for _, e := range i.extents {
		at := len(data)
		data = data[:at+int(e.length)]
		switch {
		case i.method == 1 && e.at+e.length <= uint64(len(f.data)) && e.at <= e.at+e.length:
			copy(data[at:], f.data[e.at:e.at+e.length])
		case i.method == 0 && e.at < 1<<62:
			if n, err := f.r.ReadAt(data[at:], int64(e.at)); n < int(e.length) {
				return nil, errors.Join(errForm, err)
			}
		default:
			return nil, errForm
		}
	}
	return data, nil
}

// Exif gives the EXIF structure of the file, which begins as TIFF does.
func (f *File) Exif() ([]byte, bool) {
	for _, i := range f.items {
		if i.kind != "Exif" {
			continue
		}
		data, err := f.bytes(i)
		if err != nil || len(data) < 4 {
			continue
		}
		if skip := uint64(binary.BigEndian.Uint32(data)); skip <= uint64(len(data)-4) {
			return data[4+skip:], true
		}
	}
	return nil, false
}

// cursor reads numbers; beyond the end it gives zeros and is bad.
type cursor struct {
	data  []byte
	flags uint32
	bad   bool
}

func (c *cursor) take(n int) []byte {
	if len(c.data) < n {
		c.bad, c.data = true, nil
		return nil
	}
	b := c.data[:n]
	c.data = c.data[n:]
	return b
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// version reads what every full box begins with.
func (c *cursor) version() byte {
	b := c.take(4)
	if b == nil {
		return 0
	}
	c.flags = binary.BigEndian.Uint32(b) & 0xffffff
	return b[0]
}

// sized reads two bytes in version 0, else four.
func (c *cursor) sized(version byte) uint32 {
	n := uint32(c.u16())
	if version > 0 {
		n = n<<16 | uint32(c.u16())
	}
	return n
}

func (c *cursor) number(size uint16) (n uint64) {
	for _, b := range c.take(int(size)) {
		n = n<<8 | uint64(b)
	}
	return n
}
