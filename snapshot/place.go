package snapshot

import (
	"context"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"shoebox/repo"
)

// place gives every content an attic takes in a path that nothing else has. Its own, when it can: else the path of other content
// is stem~1a2b3c4d.ext, with the first digits of the hash, and more of them while that is taken too. A path below what is a file
// in the attic goes below stem~1a2b3c4d instead. So the same contents always get the same names.
func (a *atticWork) place(ctx context.Context, r *repo.Repo) error {
	p := &placing{work: a, wishes: make([]wish, len(a.extras))}
	for {
		p.lay()
		again := false
		for e, err := range a.kept(ctx, r) {
			if err != nil {
				return err
			}
			again = p.meet(e.Path) || again
		}
		if !again {
			break
		}
	}
	a.names = make(map[content]string, len(a.extras))
	for i, x := range a.extras {
		a.names[contentOf(x.Entry)] = p.wishes[i].path
	}
	return nil
}

// wish is the path one of the extras is to have.
type wish struct {
	path   string
	digits int            // of the hash, in its last part; 0 for none
	under  map[string]int // digits in a folder above it that is the name of a file
}

// placing finds paths for extras.
type placing struct {
	work   *atticWork
	wishes []wish
	files  map[string]int   // path -> extra
	dirs   map[string][]int // folder -> extras below it
}

// mostDigits is all of a hash.
const mostDigits = 64

// lay gives the extras paths that differ from each other, in their order.
func (p *placing) lay() {
	p.files, p.dirs = make(map[string]int), make(map[string][]int)
	for i := range p.wishes {
		for !p.tryLay(i) {
		}
	}
}

// tryLay gives an extra the path it wishes, or changes the wish.
func (p *placing) tryLay(i int) bool {
	w, hash := &p.wishes[i], p.work.extras[i].Hash
	w.path = w.name(p.work.extras[i].Path, hash)
	if _, taken := p.files[w.path]; (taken || len(p.dirs[w.path]) > 0) && w.more() {
		return false
	}
	for dir := range folders(w.path) {
		if _, file := p.files[dir]; file && w.moreUnder(p.work.extras[i].Path, hash, dir) {
			return false
		}
	}
	p.files[w.path] = i
	for dir := range folders(w.path) {
		p.dirs[dir] = append(p.dirs[dir], i)
	}
	return true
}

// meet holds a path that is in the attic already against the wishes, and tells whether one had to change.
func (p *placing) meet(taken string) (changed bool) {
	if i, ok := p.files[taken]; ok {
		changed = p.wishes[i].more()
	}
	for dir := range folders(taken) {
		if i, ok := p.files[dir]; ok {
			changed = p.wishes[i].more() || changed
		}
	}
	for _, i := range p.dirs[taken] {
		changed = p.wishes[i].moreUnder(p.work.extras[i].Path, p.work.extras[i].Hash, taken) || changed
	}
	return changed
}

// more asks for more digits of the hash; there is an end to them.
func (w *wish) more() bool {
	if w.digits >= mostDigits {
		return false
	}
	w.digits = max(8, 2*w.digits)
	return true
}

// moreUnder asks for digits in the name of a folder.
func (w *wish) moreUnder(own string, hash [32]byte, dir string) bool {
	depth := strings.Count(dir, "/")
	original := strings.Join(strings.Split(own, "/")[:depth+1], "/")
	if w.under[original] >= mostDigits {
		return false
	}
	if w.under == nil {
		w.under = make(map[string]int)
	}
	w.under[original] = max(8, 2*w.under[original])
	return true
}

// name is the path as it is wished for.
func (w *wish) name(own string, hash [32]byte) string {
	parts := strings.Split(own, "/")
	marked := slices.Clone(parts)
	for i := range parts {
		digits := w.under[strings.Join(parts[:i+1], "/")]
		if i == len(parts)-1 {
			digits = w.digits
		}
		if digits > 0 {
			marked[i] = mark(parts[i], hex.EncodeToString(hash[:])[:digits], i == len(parts)-1)
		}
	}
	for name := strings.Join(marked, "/"); ; marked = marked[1:] { // a longer name may be too long: folders give way
		if len(name) <= maxPath || len(marked) == 1 {
			return name
		}
		name = strings.Join(marked[1:], "/")
	}
}

// longestPart is what file systems take for one part of a path, in bytes.
const longestPart = 255

// mark puts digits into the name of a file before its ending, or behind the name of a folder. A stem that would get too long is cut.
func mark(part, digits string, file bool) string {
	ending := ""
	if file {
		ending = path.Ext(part)
	}
	if len(ending) == len(part) || len(ending) > 16 {
		ending = ""
	}
	stem := part[:len(part)-len(ending)]
	if room := longestPart - len(ending) - 1 - len(digits); len(stem) > room {
		for room > 0 && !utf8.RuneStart(stem[room]) {
			room--
		}
		stem = stem[:room]
	}
	return stem + "~" + digits + ending
}

// folders yields all folders above a path, the outermost first.
func folders(p string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(p) {
			if p[i] == '/' && !yield(p[:i]) {
				return
			}
		}
	}
}
