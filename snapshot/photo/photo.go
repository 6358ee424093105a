// Package photo tells what a picture or a video says of itself: when it was
// taken, how it is turned, what type it is. It knows nothing else: no
// repository, no device, no folder.
//
// A Sniffer sees the bytes of a file as they pass by to somewhere else, keeps
// the little that matters and gives an Info in the end. Whatever the bytes, it
// takes bounded memory (about 6 MiB for one file at worst, tens of kilobytes
// for most) and a time in proportion to them.
package photo

import "time"

// Source says how Info.Taken is known. The numbers are stored on disk.
type Source uint8

const (
	Unknown      Source = 0 // Taken is zero
	ExifOffset   Source = 1 // EXIF, with its offset from UTC
	Exif         Source = 2 // EXIF, wall time of an unknown zone
	Video        Source = 3 // creation time of a video, UTC
	Name         Source = 4 // the name of the file
	ExifModified Source = 5 // EXIF tells only when the file was last changed
	ModTime      Source = 6 // modification time of the file
)

func (s Source) String() string {
	switch s {
	case ExifOffset, Exif:
		return "EXIF"
	case Video:
		return "video"
	case Name:
		return "name"
	case ExifModified:
		return "EXIF modified"
	case ModTime:
		return "mtime"
	}
	return "unknown"
}

// Info is what a file says of itself.
type Info struct {
	// Taken is in the zone of the photographer when that is known, in UTC when
	// only the instant is known. When even the instant is not known (Zoned is
	// false), it is the wall time, written as if it were UTC.
	Taken  time.Time
	Zoned  bool
	Source Source

	Type          string // media type like image/jpeg; empty when unknown
	Orientation   uint8  // 1 to 8 as in EXIF; 0 when unknown
	Width, Height uint32 // pixels as stored, before turning; 0 when unknown
	Camera        string // make and model, UTF-8, at most 128 bytes
}

// when is one answer to when a picture was taken.
type when struct {
	taken  time.Time
	zoned  bool
	source Source
}

// Years outside of these are taken for a clock that was never set or for
// garbage. Scanned pictures may be old; files are not.
const (
	firstPhoto = 1900
	firstFile  = 1990
	lastYear   = 2199
)

// date makes a time of a wall clock, if there is such a time.
func date(year, month, day, hour, minute, second int, zone *time.Location) (time.Time, bool) {
	if hour > 23 || minute > 59 || second > 59 || year < firstPhoto || year > lastYear {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, zone)
	return t, t.Month() == time.Month(month) && t.Day() == day
}
