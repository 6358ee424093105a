package photo

import "strings"

// topBoxes are boxes of ISO-BMFF and QuickTime that stand at the top of a file. One of them is believed wherever it stands.
var topBoxes = map[string]bool{"ftyp": true, "styp": true, "moov": true, "mdat": true, "moof": true, "mfra": true, "meta": true, "free": true,
	"skip": true, "wide": true, "pnot": true, "uuid": true, "udta": true, "sidx": true, "emsg": true, "PICT": true}

func isTopBox(name string) bool { return topBoxes[name] }

// boxesMost bounds the boxes walked: phones write a handful. To read the header of one may cost what a chunk of a repository does.
const boxesMost = 256

// walkedBoxes is what a walk over the top of a file saw.
type walkedBoxes struct {
	brands      string
	movie, meta bool // each whole
	pastEnd     bool // a known box says that it is longer than the file
}

// boxes walks the boxes at the top, ISO/IEC 14496-12, 4.2, each by its header alone: moov may lie anywhere. Once all that a player needs was
// there, what follows and is no known box is a trailer of some maker.
func (x *examination) boxes() (Damage, error) {
	w, err := x.walkBoxes()
	switch {
	case err != nil:
		return Sound, err
	case w.pastEnd:
		return CutOff, nil
	case w.movie || w.meta:
		return Sound, nil
	case x.needsMovie(w):
		return NoMovie, nil
	}
	return Sound, nil
}

// needsMovie tells whether a file without moov and meta is surely a recording: other formats are boxes too.
func (x *examination) needsMovie(w walkedBoxes) bool {
	if strings.HasPrefix(w.brands, "jxl ") || strings.HasPrefix(w.brands, "jp2 ") || strings.HasPrefix(w.brands, "jpx ") {
		return false
	}
	return x.video || x.boxed
}

func (x *examination) walkBoxes() (w walkedBoxes, err error) {
	at := int64(0)
	for range boxesMost {
		h, err := x.at(at, 16)
		if err != nil || len(h) < 8 {
			return w, err // a few bytes left over are nobody's
		}
		name := string(h[4:8])
		s, need := boxSection(h)
		if need > 0 { // a long size that is not there
			w.pastEnd = w.pastEnd || isTopBox(name)
			return w, nil
		}
		if s.size == 0 { // shorter than its own header
			return w, nil
		}
		if be.Uint32(h) == 0 { // to the end of the file
			s.size = x.size - at
		}
		if s.size > x.size-at {
			w.pastEnd = isTopBox(name)
			return w, nil
		}
		w.note(name, h)
		at += s.size
	}
	w.movie = true // of so many one may be it
	return w, nil
}

func (w *walkedBoxes) note(name string, h []byte) {
	switch name {
	case "ftyp":
		w.brands = string(h[8:])
	case "moov":
		w.movie = true
	case "meta":
		w.meta = true
	}
}
