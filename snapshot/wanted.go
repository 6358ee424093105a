package snapshot

import "strings"

// wanted are the stretches of paths that are looked for; none are all.
type wanted []stretch

// stretch is the paths from one on and before another.
type stretch struct{ from, to string }

// wantedAt wants files of some paths, and all in folders of these. Between "a" and "a/b" stands "a-b": so each makes two stretches.
func wantedAt(paths []string) (w wanted) {
	for _, p := range paths {
		p = strings.Trim(p, "/")
		if p == "" {
			return nil // the folder of everything
		}
		w = append(w, stretch{p, p + "\x00"}, stretch{p + "/", p + "0"}) // '0' comes after '/'
	}
	return w
}

// has tells whether a path is wanted.
func (w wanted) has(path string) bool {
	for _, s := range w {
		if s.from <= path && path < s.to {
			return true
		}
	}
	return len(w) == 0
}

// between tells whether a path from first on and before end may be wanted; without end there is none.
func (w wanted) between(first, end string) bool {
	for _, s := range w {
		if first < s.to && (end == "" || s.from < end) {
			return true
		}
	}
	return len(w) == 0
}
