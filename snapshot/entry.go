package snapshot

import (
	"fmt"
	"strings"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/guard"
	"shoebox/repo/wire"
	"shoebox/snapshot/photo"
)

// Entry is one file in a snapshot.
type Entry struct {
	device.File              // path, size, modification time, mode, type, link target
	Photo       photo.Info   // what the picture says of itself
	Content     repo.Content // its bytes
	Hash        [32]byte     // BLAKE3 of the whole file, as b3sum prints it; zero for links
}

// TakenDay is the day a picture was taken on the wall it hung on: in its own zone when that is known, else in loc
// for instants and as written for wall times.
func (e Entry) TakenDay(loc *time.Location) time.Time {
	t := e.TakenWall(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// TakenWall is the wall time at which the picture was taken, written in UTC. Instants whose zone says nothing of the place (a
// video's, a file's) are shown in loc.
func (e Entry) TakenWall(loc *time.Location) time.Time {
	t := e.Photo.Taken
	if e.Photo.Zoned && e.Photo.Source != photo.ExifOffset {
		t = t.In(loc)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// entryForm is an entry as it stands in a page.
type entryForm struct {
	Path        wire.Bytes   `cbor:"1,keyasint"`
	Type        uint8        `cbor:"2,keyasint,omitempty"` // 0 regular, 1 symbolic link
	Size        int64        `cbor:"3,keyasint"`           // bytes
	ModTime     int64        `cbor:"4,keyasint"`           // Unix seconds
	ModNano     uint32       `cbor:"5,keyasint,omitempty"` // nanoseconds beyond them
	Mode        uint32       `cbor:"6,keyasint"`           // permission bits
	Target      wire.Bytes   `cbor:"7,keyasint,omitempty"` // of a link
	Parts       repo.Content `cbor:"8,keyasint,omitempty"`
	Hash        []byte       `cbor:"9,keyasint,omitempty"`  // BLAKE3 of the whole file
	Taken       int64        `cbor:"10,keyasint,omitempty"` // Unix milliseconds; of the wall time when Zone is absent
	TakenBy     uint8        `cbor:"11,keyasint,omitempty"` // how it is known: photo.Source, plus 128 when zoned
	Zone        int          `cbor:"12,keyasint,omitempty"` // minutes east of UTC
	Media       string       `cbor:"13,keyasint,omitempty"` // media type
	Orientation uint8        `cbor:"14,keyasint,omitempty"` // as in EXIF, 1 to 8
	Width       uint32       `cbor:"15,keyasint,omitempty"` // pixels, before turning
	Height      uint32       `cbor:"16,keyasint,omitempty"`
	Camera      string       `cbor:"17,keyasint,omitempty"`
}

const zoned = 128

// formOf is an entry as it is written. The hash stays the entry's.
func formOf(e *Entry) entryForm {
	f := entryForm{Path: wire.Bytes(e.Path), Size: e.Size, ModTime: e.ModTime.Unix(), ModNano: uint32(e.ModTime.Nanosecond()), Mode: e.Mode,
		Target: wire.Bytes(e.Target), Parts: e.Content, Media: e.Photo.Type, Orientation: e.Photo.Orientation,
		Width: e.Photo.Width, Height: e.Photo.Height, Camera: e.Photo.Camera}
	if e.Type == device.Symlink {
		f.Type = 1
		return f
	}
	f.Hash = e.Hash[:]
	f.Taken, f.TakenBy = e.Photo.Taken.UnixMilli(), uint8(e.Photo.Source)
	if e.Photo.Zoned {
		_, seconds := e.Photo.Taken.Zone()
		f.Zone, f.TakenBy = seconds/60, f.TakenBy|zoned
	}
	return f
}

// entry checks a form read from a store and makes it an entry.
func (f *entryForm) entry() (e Entry, err error) {
	err = f.fill(&e)
	return e, err
}

// fill is entry, where there is room for one.
func (f *entryForm) fill(e *Entry) error {
	if err := f.check(); err != nil {
		return err
	}
	e.File = device.File{Path: string(f.Path), Size: f.Size, ModTime: time.Unix(f.ModTime, int64(f.ModNano)), Mode: f.Mode, Type: device.Regular, Target: string(f.Target)}
	e.Content = f.Parts
	if f.Type == 1 {
		e.Type = device.Symlink
		return nil
	}
	copy(e.Hash[:], f.Hash)
	zone := time.UTC
	if f.Zone != 0 {
		zone = time.FixedZone("", f.Zone*60)
	}
	e.Photo = photo.Info{Taken: time.UnixMilli(f.Taken).In(zone), Zoned: f.TakenBy&zoned != 0, Source: photo.Source(f.TakenBy &^ zoned), Type: f.Media,
		Orientation: f.Orientation, Width: f.Width, Height: f.Height, Camera: f.Camera}
	return nil
}

func (f *entryForm) check() error {
	switch {
	case !cleanPath(string(f.Path)):
		return fmt.Errorf("%w: it holds the path %.60q, which no device has", crypt.ErrDamaged, f.Path)
	case f.Type > 1 || f.Type == 0 && len(f.Hash) != 32 || f.Type == 1 && len(f.Parts) > 0:
		return fmt.Errorf("%w: the entry of %.60q is of no known form", crypt.ErrDamaged, f.Path)
	case f.Size < 0 || f.Type == 0 && f.Parts.Size() != f.Size:
		return fmt.Errorf("%w: the parts of %.60q do not make up its size", crypt.ErrDamaged, f.Path)
	case len(f.Target) > maxPath || len(f.Parts) > maxParts:
		return fmt.Errorf("%w: the entry of %.60q is too long", crypt.ErrDamaged, f.Path)
	case f.ModNano >= 1e9 || f.Zone < -26*60 || f.Zone > 26*60 || f.Mode > 0o7777:
		return fmt.Errorf("%w: the entry of %.60q has values out of bounds", crypt.ErrDamaged, f.Path)
	}
	return nil
}

// storable tells why no snapshot can hold a file, whatever the device says of it.
func storable(f device.File) error {
	switch {
	case !cleanPath(f.Path):
		return fmt.Errorf("its path of %d bytes is longer than %d, or leads elsewhere", len(f.Path), maxPath)
	case len(f.Target) > maxPath:
		return fmt.Errorf("it is a link to a path of %d bytes; %d are the most a snapshot holds", len(f.Target), maxPath)
	case f.Size < 0 || f.Mode > 0o7777:
		return fmt.Errorf("no file has %d bytes and mode %o", f.Size, f.Mode)
	}
	return nil
}

// maxPath bounds a path, in bytes.
const maxPath = 4096

// cleanPath tells whether a path is relative, without empty parts, "." or "..": one that stays below any folder.
func cleanPath(p string) bool {
	if !guard.On(guard.CleanPaths) {
		return true
	}
	if p == "" || len(p) > maxPath || strings.IndexByte(p, 0) >= 0 {
		return false
	}
	for {
		part, rest, more := strings.Cut(p, "/")
		if part == "" || part == "." || part == ".." {
			return false
		}
		if !more {
			return true
		}
		p = rest
	}
}
