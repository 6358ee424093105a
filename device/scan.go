package device

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"shoebox/device/adb"
)

// maxFiles bounds what one phone may list.
const maxFiles = 4 << 20

// Files lists the phone's pictures and videos: DCIM, Pictures and Movies whole;
// of Download and Android/media only pictures and videos; the same on each card;
// or what PhoneOptions.Roots names. Thumbnails, the trash (.trashed-*) and files
// being written (.pending-*) are left out. The whole listing is fetched before the
// first file is yielded.
func (p *Phone) Files(ctx context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		s := scan{phone: p, ctx: ctx, found: make(map[string]bool)}
		if err := s.run(); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			yield(File{}, reachError(err, p.Name(), nil))
			return
		}
		for _, r := range s.results {
			if !yield(r.file, r.err) {
				return
			}
		}
	}
}

// result is what the listing found at one path.
type result struct {
	file File
	err  error
}

// scan collects the listing of a phone.
type scan struct {
	phone   *Phone
	ctx     context.Context
	results []result
	links   []int // results that are symlinks
	folders int
	found   map[string]bool // roots the user named that are there, in lower case
	locked  error           // why the storage cannot be read
	full    bool
}

func (s *scan) run() error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	err := s.phone.device.Walk(ctx, []string{primary, cards}, func(dir string, entries []adb.Entry, err error) []string {
		below := s.folder(dir, entries, err)
		if s.locked != nil || s.full {
			cancel()
		}
		return below
	})
	switch {
	case s.locked != nil:
		return phoneError(ErrStorageLocked, s.phone.Name(), s.locked)
	case s.full:
		return phoneError(ErrTooMuch, s.phone.Name(), nil)
	case err != nil:
		return err
	}
	s.missing()
	if err := s.measure(); err != nil {
		return err
	}
	if err := s.readLinks(); err != nil {
		return err
	}
	s.sort()
	return nil
}

// local is the path, as in File, of a folder on the phone.
func local(dir string) string {
	switch {
	case dir == primary:
		return ""
	case strings.HasPrefix(dir, primary+"/"):
		return dir[len(primary)+1:]
	}
	return strings.TrimPrefix(dir, "/")
}

// folder takes what is wanted of one folder's listing and returns the folders below.
func (s *scan) folder(dir string, entries []adb.Entry, err error) []string {
	path := local(dir)
	if err == nil && dir == primary && len(entries) == 0 {
		err = adb.ErrNoListing // a phone that was never unlocked shows nothing
	}
	if err != nil {
		s.unlisted(dir, path, err)
		return nil
	}
	s.folders++
	s.seen(path)
	noMedia := slices.ContainsFunc(entries, func(e adb.Entry) bool { return e.Name == ".nomedia" })
	if isThumbnails(path, noMedia) && !s.phone.policy.isNamed(path) {
		return nil
	}
	var below []string
	for i := range entries {
		if s.entry(dir, path, &entries[i]) {
			below = append(below, dir+"/"+entries[i].Name)
		}
	}
	s.full = len(s.results) > maxFiles
	s.phone.scanned(s.folders, len(s.results))
	return below
}

// unlisted records a folder without a listing. Cards are optional, the phone's
// own storage is not.
func (s *scan) unlisted(dir, path string, err error) {
	switch dir {
	case primary:
		s.locked = err
	case cards:
	default:
		s.problem(path, err)
	}
}

// entry takes one entry; true means a folder to be listed.
func (s *scan) entry(dir, path string, e *adb.Entry) bool {
	if dir == cards && !cardID.MatchString(e.Name) {
		return false
	}
	policy := &s.phone.policy
	name := joinPath(path, e.Name)
	if err := checkName(e.Name); err != nil {
		if policy.folder(path) > onTheWay {
			s.problem(name, err)
		}
		return false
	}
	if e.Errno != 0 {
		if policy.enter(name) || policy.file(name) {
			s.problem(name, e.Err())
		}
		return false
	}
	switch e.Type() {
	case adb.ModeDir:
		return policy.enter(name) && !s.hidden(dir, name)
	case adb.ModeRegular, adb.ModeLink:
		if policy.file(name) {
			s.file(name, e)
		}
	}
	return false
}

// hidden notes a folder whose path would mean a card's.
func (s *scan) hidden(dir, name string) bool {
	if _, _, card := cutCard(name); card && strings.HasPrefix(dir, primary) {
		s.problem(name, fmt.Errorf("%w: it is called like a card", ErrName))
		return true
	}
	return false
}

func (s *scan) file(path string, e *adb.Entry) {
	s.seen(path)
	if e.Size < 0 {
		s.problem(path, fmt.Errorf("%w: a size of %d", adb.ErrProtocol, e.Size))
		return
	}
	f := File{Path: path, Size: e.Size, ModTime: e.ModTime, Mode: e.Mode & 0o777}
	if e.Type() == adb.ModeLink {
		f.Type = Symlink
		s.links = append(s.links, len(s.results))
	}
	s.results = append(s.results, result{file: f})
}

func (s *scan) problem(path string, err error) {
	s.results = append(s.results, result{File{Path: path}, &Problem{Path: path, Err: err}})
}

// seen notes that something the user named is there.
func (s *scan) seen(path string) {
	if len(s.phone.policy.named) > 0 {
		s.found[strings.ToLower(path)] = true
	}
}

// missing reports what the user named and the phone does not have.
func (s *scan) missing() {
	for _, n := range s.phone.policy.named {
		if !s.found[strings.ToLower(n.path)] && !s.reported(n.path) {
			s.problem(n.path, vanished(errMissing))
		}
	}
}

func (s *scan) reported(path string) bool {
	return slices.ContainsFunc(s.results, func(r result) bool {
		return r.err != nil && strings.EqualFold(r.file.Path, path)
	})
}

// sort orders the results, and keeps one of each path: a second is a lie.
func (s *scan) sort() {
	slices.SortStableFunc(s.results, func(a, b result) int { return strings.Compare(a.file.Path, b.file.Path) })
	for i := 1; i < len(s.results); i++ {
		if path := s.results[i].file.Path; path == s.results[i-1].file.Path && s.results[i].err == nil {
			s.results[i].err = &Problem{Path: path, Err: errors.New("the phone lists it twice")}
		}
	}
}
