package photo

import "math"

// exifItem gives the place in the file of the EXIF item that meta tells of,
// ISO/IEC 14496-12, 8.11; n is 0 when there is none, or none that lies in one
// stretch of the file.
func exifItem(meta []byte) (from, n int64) {
	inside := fields{b: meta}
	inside.version()
	var id uint64
	var iloc []byte
	for name, b := range boxes(inside.b) {
		switch name {
		case "iinf":
			id = exifID(b)
		case "iloc":
			iloc = b
		}
	}
	if id == 0 {
		return 0, 0
	}
	return itemPlace(iloc, id)
}

// exifID finds the number of the EXIF item in iinf.
func exifID(iinf []byte) uint64 {
	in := fields{b: iinf}
	in.skip(wide(in.version() > 0))
	for name, b := range boxes(in.b) {
		entry := fields{b: b}
		version := entry.version()
		if name != "infe" || version < 2 {
			continue
		}
		id := entry.number(wide(version > 2))
		entry.skip(2)
		if len(entry.b) >= 4 && string(entry.b[:4]) == "Exif" {
			return id
		}
	}
	return 0
}

// itemPlace finds an item in iloc.
func itemPlace(iloc []byte, wanted uint64) (from, n int64) {
	in := fields{b: iloc}
	version := in.version()
	sizes := in.number(2)
	offsetSize, lengthSize := int(sizes>>12), int(sizes>>8&15)
	baseSize, indexSize := int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		indexSize = 0
	}
	if max(offsetSize, lengthSize, baseSize, indexSize) > 8 {
		return 0, 0
	}
	for range in.number(wide(version > 1)) {
		id := in.number(wide(version > 1))
		if version > 0 {
			id |= in.number(2) & 15 << 32 // by other means than an offset in the file
		}
		id |= in.number(2) << 36 // in another file
		base := in.number(baseSize)
		extents := int(in.number(2))
		in.skip(indexSize)
		at, length := base+in.number(offsetSize), in.number(lengthSize)
		in.skip((max(extents, 1) - 1) * (indexSize + offsetSize + lengthSize))
		switch {
		case in.short:
			return 0, 0
		case id == wanted && extents == 1 && at < math.MaxInt64/2 && length < math.MaxInt64/2:
			return int64(at), int64(length)
		}
	}
	return 0, 0
}

// itemTIFF gives the TIFF structure inside of an EXIF item, ISO/IEC 23008-12,
// A.2.1.
func itemTIFF(exif []byte) []byte {
	in := fields{b: exif}
	in.skip(int(in.number(4)))
	return in.b
}

// property of an item that matters here.
type property struct {
	width, height uint32 // ispe
	turn          uint8  // irot, in quarters anticlockwise, and 1
	mirror        bool   // imir
}

// readMeta reads the size and the turn of the primary item.
func (f *findings) readMeta(meta []byte) {
	inside := fields{b: meta}
	inside.version()
	var primary uint64
	var list []property
	var links []byte
	for name, b := range boxes(inside.b) {
		switch name {
		case "pitm":
			in := fields{b: b}
			primary = in.number(wide(in.version() > 0))
		case "iprp":
			for name, b := range boxes(b) {
				switch name {
				case "ipco":
					list = properties(b)
				case "ipma":
					links = b
				}
			}
		}
	}
	f.takeProperties(linked(links, primary, list))
}

func properties(ipco []byte) (list []property) {
	for name, b := range boxes(ipco) {
		var p property
		in := fields{b: b}
		switch name {
		case "ispe":
			in.version()
			p.width, p.height = uint32(in.number(4)), uint32(in.number(4))
		case "irot":
			p.turn = 1 + uint8(in.number(1)&3)
		case "imir":
			p.mirror = true
		}
		list = append(list, p)
	}
	return list
}

// linked gives the properties that ipma ties to an item.
func linked(ipma []byte, to uint64, list []property) (found []property) {
	in := fields{b: ipma}
	head := in.number(4)
	for range in.number(4) {
		id := in.number(wide(head>>24 > 0))
		for range in.number(1) {
			index := in.number(1) & 0x7f
			if head&1 == 1 {
				index = index<<8 | in.number(1)
			}
			if id == to && index > 0 && index <= uint64(len(list)) {
				found = append(found, list[index-1])
			}
		}
		if in.short {
			break
		}
	}
	return found
}

// orientations of a turn of so many quarters anticlockwise.
var orientations = [4]uint8{1, 8, 3, 6}

// takeProperties lets the properties say how the picture is turned, since
// decoders of HEIF go by them and not by EXIF. Mirrored ones are left to EXIF.
func (f *findings) takeProperties(of []property) {
	turn, mirrored := uint8(1), false
	for _, p := range of {
		if p.width > 0 {
			f.Width, f.Height = p.width, p.height
		}
		turn = max(turn, p.turn)
		mirrored = mirrored || p.mirror
	}
	if f.Width > 0 && !mirrored {
		f.Orientation = orientations[turn-1]
	}
}
