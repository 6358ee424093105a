package clearance

import (
	"path"
	"slices"
	"strings"
	"time"

	"shoebox/device"
	"shoebox/snapshot"
)

// Rules say which files may leave a device. The zero value lets pictures and videos go that are older than 30 days.
type Rules struct {
	Older      time.Duration // since it was taken, and since it was last changed: the later of the two; 0 for 30 days
	Folders    []string      // only files in these, such as "DCIM/Camera"; none for all
	Types      []string      // only of these media types: "image", "video", or in full; none for pictures and videos
	Larger     int64         // only files of at least so many bytes
	KeepNewest int           // so many of the newest files stay, of those in Folders and of Types
	Enough     int64         // as soon as so many bytes are chosen the rest stays; 0 for no end
}

// defaultAge is how old a file must be, unless it is said.
const defaultAge = 30 * 24 * time.Hour

func (r Rules) filled() Rules {
	if r.Older <= 0 {
		r.Older = defaultAge
	}
	if len(r.Types) == 0 {
		r.Types = []string{"image", "video"}
	}
	return r
}

// Why a file stays.
type Why string

// The reasons for which a file stays on the device.
const (
	NotAsked  Why = "not of what was asked for" // another folder, type or size
	NotKept   Why = "in no snapshot as it is now"
	TooNew    Why = "too new"
	Newest    Why = "one of the newest, which stay"
	Unsettled Why = "being written, or in the trash"
	Beyond    Why = "not needed to free as much as was asked for"
)

// Stay counts the files that stay for one reason.
type Stay struct {
	Files, Bytes int64
}

// asked tells whether a file is one of those the rules speak of.
func (r Rules) asked(f device.File, e *snapshot.Entry) bool {
	in := func(folder string) bool {
		return folder == "" || strings.HasPrefix(f.Path, strings.Trim(folder, "/")+"/")
	}
	of := func(kind string) bool { return e.Photo.Type == kind || strings.HasPrefix(e.Photo.Type, kind+"/") }
	return (len(r.Folders) == 0 || slices.ContainsFunc(r.Folders, in)) && slices.ContainsFunc(r.Types, of)
}

// unsettled knows names that Android gives to what is being written, or lies in the trash. A phone's own listing leaves them out; this is
// the second look.
func unsettled(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, ".pending-") || strings.HasPrefix(part, ".trashed-") {
			return true
		}
	}
	return strings.HasPrefix(path.Base(p), ".")
}

// widest is how far ahead of universal time a wall clock may be behind it: a picture whose zone is not known may be so much younger.
const widest = 12 * time.Hour

// youngest is the latest moment at which a file may have come to be.
func youngest(e *snapshot.Entry) time.Time {
	taken := e.TakenWall(time.UTC).Add(widest)
	if taken.After(e.ModTime) {
		return taken
	}
	return e.ModTime
}

// choose puts what may go first things first: the oldest. Stay counts the rest.
func (r Rules) choose(found []Candidate, now time.Time, stay map[Why]Stay) []Candidate {
	slices.SortStableFunc(found, func(a, b Candidate) int {
		if c := youngest(&a.Entry).Compare(youngest(&b.Entry)); c != 0 {
			return c
		}
		return strings.Compare(a.File.Path, b.File.Path)
	})
	var chosen []Candidate
	var bytes int64
	for i, c := range found {
		switch {
		case len(found)-i <= r.KeepNewest:
			count(stay, Newest, c.File)
		case now.Sub(youngest(&c.Entry)) < r.Older:
			count(stay, TooNew, c.File)
		case c.File.Size < r.Larger:
			count(stay, NotAsked, c.File)
		case r.Enough > 0 && bytes >= r.Enough:
			count(stay, Beyond, c.File)
		default:
			bytes += c.File.Size
			chosen = append(chosen, c)
		}
	}
	return chosen
}

func count(stay map[Why]Stay, why Why, f device.File) {
	s := stay[why]
	s.Files++
	s.Bytes += f.Size
	stay[why] = s
}
