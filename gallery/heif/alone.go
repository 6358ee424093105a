package heif

import (
	"encoding/binary"
	"slices"
)

// Thumbnail gives the thumbnail of the picture as a HEIC file of its own.
func (f *File) Thumbnail() ([]byte, bool) {
	for _, i := range f.items {
		if i.thumbOf != f.primary || i.kind != "hvc1" || len(i.extents) == 0 {
			continue
		}
		if data, err := f.bytes(i); err == nil && len(data) > 0 {
			return f.alone(i, data), true
		}
	}
	return nil, false
}

// turns are properties that turn a picture. Thumbnails often lack those of the picture they stand for.
var turns = []string{"irot", "imir"}

// alone makes a file of one item.
func (f *File) alone(i *item, data []byte) []byte {
	var props []byte
	var uses []byte
	use := func(p property) {
		props = append(props, p.box...)
		mark := byte(len(uses) + 1)
		if p.kind == "hvcC" || slices.Contains(turns, p.kind) {
			mark |= 0x80 // essential
		}
		uses = append(uses, mark)
	}
	turned := false
	for _, at := range i.props {
		if at < len(f.props) && len(uses) < 32 {
			use(f.props[at])
			turned = turned || slices.Contains(turns, f.props[at].kind)
		}
	}
	if p := f.items[f.primary]; !turned && p != nil {
		for _, at := range p.props {
			if at < len(f.props) && slices.Contains(turns, f.props[at].kind) && len(uses) < 40 {
				use(f.props[at])
			}
		}
	}
	return assemble(props, uses, data)
}

// assemble writes ftyp, meta and mdat.
func assemble(props, uses, data []byte) []byte {
	ftyp := makeBox("ftyp", []byte("heic\x00\x00\x00\x00mif1heic"))
	meta := func(at int) []byte {
		place := binary.BigEndian.AppendUint32([]byte{0x44, 0x00, 0, 1, 0, 1, 0, 0, 0, 1}, uint32(at))
		place = binary.BigEndian.AppendUint32(place, uint32(len(data)))
		return makeBox("meta", join(make([]byte, 4),
			makeBox("hdlr", join(make([]byte, 8), []byte("pict"), make([]byte, 13))),
			makeBox("pitm", []byte{0, 0, 0, 0, 0, 1}),
			makeBox("iinf", join([]byte{0, 0, 0, 0, 0, 1}, makeBox("infe", join([]byte{2, 0, 0, 0, 0, 1, 0, 0}, []byte("hvc1\x00"))))),
			makeBox("iprp", join(makeBox("ipco", props), makeBox("ipma", join([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, byte(len(uses))}, uses)))),
			makeBox("iloc", join(make([]byte, 4), place))))
	}
	start := len(ftyp) + len(meta(0)) + 8
	return join(ftyp, meta(start), makeBox("mdat", data))
}

func makeBox(kind string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return append(append(b, kind...), body...)
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }
