package photo

import (
	"math"
	"path"
	"slices"
	"strings"
	"time"
)

// Sniffer is an io.Writer that sees the bytes of one file from its first on.
// It never fails and never changes them. The zero value is ready; Reset makes
// it ready for the next file. It is for one goroutine.
//
// A file is walked by the sections of its format (segments, chunks, boxes),
// from header to header; what lies between is passed over, but for the few
// payloads that are kept.
type Sniffer struct {
	format   format // nil until the first bytes are known
	pos      int64  // bytes seen
	next     int64  // where the next section begins
	sections int    // walked so far

	header [32]byte // the bytes seen of the next section
	have   int
	need   int // of them, before the format can tell more

	opening [openingLength]byte // the first bytes of the file
	kept    [keptCount]keep
}

// openingLength suffices to tell the format.
const openingLength = 12

// sectionsMost bounds the time spent on a file of nothing but tiny sections.
// What matters comes early.
const sectionsMost = 1 << 14

// The payloads that are kept, at most one of each.
const (
	keptFrame    = iota // the size in pixels: SOF, IHDR, VP8
	keptExif            // a TIFF structure, or an item of HEIF that holds one
	keptFileType        // ftyp
	keptMeta            // meta of HEIF
	keptMovie           // moov
	keptCount
)

// keptMost bounds each of them, in bytes.
var keptMost = [keptCount]int64{
	keptFrame: 32, keptExif: 1 << 20, keptFileType: 256, keptMeta: 1 << 20, keptMovie: 4 << 20,
}

// keep is a stretch of the file that is kept as it passes.
type keep struct {
	from, to int64
	data     []byte
}

// format tells what section begins with the bytes in header. When it must see
// more of them, at most len(Sniffer.header), it says how many.
type format func(header []byte) (s section, need int)

// section is one segment, chunk or box.
type section struct {
	size int64 // to where the next one begins; 0 ends the walk
	what int   // which payload it is, when keep is above 0
	body int64 // where the payload begins, from the start of the section
	keep int64 // bytes of the payload to be kept
}

// idleMost bounds what memory each payload leaves to the next file, in bytes.
const idleMost = 2 << 20

// Reset forgets the file, so that the next can be seen.
func (s *Sniffer) Reset() {
	kept := s.kept
	*s = Sniffer{}
	for i := range kept {
		if cap(kept[i].data) <= idleMost {
			s.kept[i].data = kept[i].data[:0]
		}
	}
}

// Write sees the next bytes of the file. It always takes all of them.
func (s *Sniffer) Write(p []byte) (int, error) {
	n := len(p)
	if s.format == nil {
		s.format, s.need = s.open, openingLength
	}
	for len(p) > 0 {
		if passed := min(int64(len(p)), s.next-s.pos); passed > 0 {
			s.offer(s.pos, p[:passed])
			s.pos += passed
			p = p[passed:]
			continue
		}
		taken := copy(s.header[s.have:s.need], p)
		s.have += taken
		s.pos += int64(taken)
		p = p[taken:]
		s.walk()
	}
	return n, nil
}

// open is the format of the first bytes, until they tell which it is.
func (s *Sniffer) open(header []byte) (section, int) {
	if len(header) < openingLength {
		return section{}, openingLength
	}
	copy(s.opening[:], header)
	s.format = formatOf(header)
	return s.format(header)
}

// walk goes over the sections whose headers have been seen.
func (s *Sniffer) walk() {
	for {
		found, need := s.format(s.header[:s.have])
		if need > s.have {
			s.need = need
			return
		}
		start := s.pos - int64(s.have)
		if found.keep > 0 {
			s.start(found.what, start+found.body, found.keep)
			s.offer(start, s.header[:s.have])
		}
		s.sections++
		if found.size <= 0 || found.size > math.MaxInt64-start || s.sections > sectionsMost {
			s.next, s.have = math.MaxInt64, 0
			return
		}
		s.next = start + found.size
		if s.next >= s.pos {
			s.have, s.need = 0, 2
			return
		}
		s.have = copy(s.header[:], s.header[s.next-start:s.have])
	}
}

// start begins to keep n bytes from a place in the file on, or as many as are
// allowed, unless something of the kind is kept already.
func (s *Sniffer) start(what int, from, n int64) {
	if k := &s.kept[what]; k.to == 0 {
		k.from, k.to = from, from+min(n, keptMost[what])
	}
}

// offer shows the bytes at a place in the file to all that keep some.
func (s *Sniffer) offer(at int64, p []byte) {
	end := at + int64(len(p))
	for i := range s.kept {
		k := &s.kept[i]
		next := k.from + int64(len(k.data))
		if next < k.to && next >= at && next < end {
			k.data = append(k.data, p[next-at:min(k.to, end)-at]...)
			if i == keptMeta && int64(len(k.data)) == k.to-k.from {
				s.expectItem(k.data)
			}
		}
	}
}

// expectItem keeps the EXIF item that meta tells of, if it is yet to come.
func (s *Sniffer) expectItem(meta []byte) {
	if from, n := exifItem(meta); n > 0 {
		s.start(keptExif, from, n)
	}
}

// Info tells what was found out. The name, with or without folders before it,
// and the modification time of the file answer what its bytes do not.
func (s *Sniffer) Info(name string, modTime time.Time) Info {
	f := s.found(name)
	answers := append(f.taken, fromName(name), f.modified, when{modTime, true, ModTime})
	i := slices.IndexFunc(answers, func(w when) bool { return !w.taken.IsZero() })
	if i < 0 {
		answers, i = []when{{}}, 0
	}
	f.Taken, f.Zoned, f.Source = answers[i].taken, answers[i].zoned, answers[i].source
	return f.Info
}

func fromName(name string) when {
	t, zoned, _ := FromName(name)
	return when{t, zoned, Name}
}

// findings are an Info but for its time, and what the file says of that, best
// first.
type findings struct {
	Info
	taken    []when
	modified when
}

func (s *Sniffer) found(name string) findings {
	var f findings
	f.Type = typeOf(s.opening[:], s.kept[keptFileType].data, strings.ToLower(path.Ext(name)))
	exif := s.kept[keptExif].data
	switch {
	case s.kept[keptMeta].data != nil:
		f.readMeta(s.kept[keptMeta].data)
		exif = itemTIFF(exif)
	case s.kept[keptFrame].data != nil:
		f.Width, f.Height = frameSize(s.opening[:], s.kept[keptFrame].data)
	}
	f.readExif(exif)
	f.readMovie(s.kept[keptMovie].data)
	return f
}
