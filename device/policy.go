package device

import (
	"regexp"
	"slices"
	"strings"
)

// choice is what of a folder is taken.
type choice uint8

const (
	nothing  choice = iota
	onTheWay        // a root lies below: enter, take nothing else
	mediaOnly
	everything
)

// place is a folder (or file) of a phone that is listed, as a path in File.Path.
type place struct {
	path string
	take choice
}

// defaultPlaces are looked for on the phone's own storage and on each card.
var defaultPlaces = []place{
	{"Android/media", mediaOnly}, // WhatsApp and others keep theirs here
	{"DCIM", everything},
	{"Download", mediaOnly},
	{"Movies", everything},
	{"Pictures", everything},
}

// policy decides which paths of a phone are listed. It looks at names only.
type policy struct {
	named   []place // what the user asked for; empty: defaultPlaces
	exclude patterns
}

func newPolicy(roots, exclude []string) (policy, error) {
	ps, err := parsePatterns(exclude)
	p := policy{exclude: ps}
	for _, r := range roots {
		p.named = append(p.named, place{cleanRoot(r), everything})
	}
	return p, err
}

// primaryNames are the names by which a phone calls its own storage.
var primaryNames = []string{"/sdcard", "/storage/emulated/0", "/storage/self/primary", "/mnt/sdcard"}

// cleanRoot turns a path as a person writes it, perhaps from the phone's root,
// into one as in File.Path.
func cleanRoot(path string) string {
	for _, name := range primaryNames {
		if path == name || strings.HasPrefix(path, name+"/") {
			path = path[len(name):]
			break
		}
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

var cardID = regexp.MustCompile(`^[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}$`)

// cutCard splits "storage/1234-ABCD/DCIM" into the card and what is on it.
func cutCard(path string) (card, rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, "storage/")
	if !ok {
		return "", path, false
	}
	card, rest, _ = strings.Cut(rest, "/")
	if !cardID.MatchString(card) {
		return "", path, false
	}
	return card, rest, true
}

// places returns what to look for, and the path to compare with it.
func (p *policy) places(path string) ([]place, string) {
	if len(p.named) > 0 {
		return p.named, path
	}
	_, rest, _ := cutCard(path)
	return defaultPlaces, rest
}

// folder says what is taken of a folder. Storage on phones does not tell upper
// from lower case, so neither do roots.
func (p *policy) folder(path string) choice {
	if path == "storage" && len(p.named) == 0 {
		return onTheWay
	}
	places, path := p.places(path)
	best := nothing
	for _, at := range places {
		switch {
		case within(path, at.path):
			best = max(best, at.take)
		case within(at.path, path):
			best = max(best, onTheWay)
		}
	}
	return best
}

// within says whether path is at or below folder; everything is below "".
func within(path, folder string) bool {
	if folder == "" {
		return true
	}
	return len(path) >= len(folder) && strings.EqualFold(path[:len(folder)], folder) &&
		(len(path) == len(folder) || path[len(folder)] == '/')
}

// enter says whether to list a folder that lies in another.
func (p *policy) enter(path string) bool {
	take := p.folder(path)
	if take == nothing || p.exclude.match(path) {
		return false
	}
	return take == onTheWay || p.isNamed(path) || !isThrowaway(path)
}

// file says whether a file that lies in a folder is taken.
func (p *policy) file(path string) bool {
	if p.exclude.match(path) {
		return false
	}
	if p.isNamed(path) {
		return true
	}
	dir, _ := splitPath(path)
	switch p.folder(dir) {
	case everything:
		return !isThrowaway(path)
	case mediaOnly:
		return !isThrowaway(path) && isMedia(path)
	}
	return false
}

func (p *policy) isNamed(path string) bool {
	return slices.ContainsFunc(p.named, func(n place) bool { return strings.EqualFold(n.path, path) })
}

// isThrowaway knows what phones make and remake by themselves: thumbnails, the
// trash, and files still being written.
func isThrowaway(path string) bool {
	_, name := splitPath(path)
	name = strings.ToLower(name)
	return strings.HasPrefix(name, ".thumb") || strings.HasPrefix(name, ".trashed-") || strings.HasPrefix(name, ".pending-")
}

// isThumbnails says whether a folder holds thumbnails though its name is not
// hidden: it is called so, and the gallery is told to pass it by. A .nomedia file
// alone says nothing: WhatsApp keeps one beside the pictures people sent.
func isThumbnails(path string, noMedia bool) bool {
	_, name := splitPath(path)
	switch strings.ToLower(name) {
	case "thumbnails", "thumbnail", "thumbs", "thumb":
		return noMedia
	}
	return false
}

// isMedia knows pictures and videos by the end of their names.
func isMedia(path string) bool {
	at := strings.LastIndexByte(path, '.')
	return at >= 0 && mediaTypes[strings.ToLower(path[at+1:])]
}

var mediaTypes = set(
	"jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "heic", "heif", "hif", "avif", "jxl", "bmp", "tif", "tiff",
	"dng", "raw", "cr2", "cr3", "nef", "nrw", "arw", "srf", "sr2", "orf", "rw2", "raf", "srw", "pef", "x3f", "gpr", "insp",
	"mp4", "m4v", "mov", "3gp", "3gpp", "3g2", "mkv", "webm", "avi", "mpg", "mpeg", "mts", "m2ts", "ts", "wmv", "flv", "insv", "mjpeg",
)

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
