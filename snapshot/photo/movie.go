package photo

import "time"

// epoch1904 is what ISO-BMFF counts seconds from, as a Unix time.
const epoch1904 = -2082844800

// readMovie reads moov, ISO/IEC 14496-12, 8.2 and 8.3.
func (f *findings) readMovie(moov []byte) {
	for name, b := range boxes(moov) {
		switch name {
		case "mvhd":
			f.taken = append(f.taken, created(b))
		case "trak":
			f.readTrack(b)
		}
	}
}

func created(mvhd []byte) when {
	in := fields{b: mvhd}
	size := 4
	if in.version() == 1 {
		size = 8
	}
	seconds := in.number(size)
	// A clock that was never set tells 0, or 0 of another epoch.
	if seconds == 0 || seconds > 1<<34 {
		return when{}
	}
	t := time.Unix(int64(seconds)+epoch1904, 0).UTC()
	if t.Year() < firstFile || t.Year() > lastYear {
		return when{}
	}
	return when{t, true, Video}
}

// readTrack takes the first track that is seen, not heard.
func (f *findings) readTrack(trak []byte) {
	for name, b := range boxes(trak) {
		if name != "tkhd" || f.Width != 0 {
			continue
		}
		in := fields{b: b}
		if in.version() == 1 {
			in.skip(32)
		} else {
			in.skip(20)
		}
		in.skip(16)
		var matrix [9]int32
		for i := range matrix {
			matrix[i] = int32(in.number(4))
		}
		width, height := uint32(in.number(4)>>16), uint32(in.number(4)>>16)
		if width > 0 && height > 0 && !in.short {
			f.Width, f.Height = width, height
			f.Orientation = turnOf([4]int32{matrix[0], matrix[1], matrix[3], matrix[4]})
		}
	}
}

// turnOf gives the orientation, as in EXIF, of a matrix of 16.16 numbers; 0
// when it does more than turn and mirror.
func turnOf(m [4]int32) uint8 {
	const one = 1 << 16
	switch m {
	case [4]int32{one, 0, 0, one}:
		return 1
	case [4]int32{-one, 0, 0, one}:
		return 2
	case [4]int32{-one, 0, 0, -one}:
		return 3
	case [4]int32{one, 0, 0, -one}:
		return 4
	case [4]int32{0, one, one, 0}:
		return 5
	case [4]int32{0, one, -one, 0}:
		return 6
	case [4]int32{0, -one, -one, 0}:
		return 7
	case [4]int32{0, -one, one, 0}:
		return 8
	}
	return 0
}
