package device

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// patterns are the paths not to list.
type patterns [][]string

// parsePatterns reads patterns in the shell's words: * ? [a-z] match within one
// name, ** any number of folders. A pattern without a slash matches a name
// anywhere, one with a slash the path from its beginning; what lies below a
// match is left out with it.
func parsePatterns(list []string) (patterns, error) {
	var ps patterns
	for _, p := range list {
		parts := strings.Split(strings.Trim(p, "/"), "/")
		if !strings.Contains(strings.TrimSuffix(p, "/"), "/") {
			parts = []string{"**", parts[0]}
		}
		for _, part := range parts {
			if _, err := path.Match(part, ""); err != nil || part == "" {
				return nil, fmt.Errorf("pattern %q: %w", p, path.ErrBadPattern)
			}
		}
		ps = append(ps, parts)
	}
	return ps, nil
}

// match says whether a path itself is left out. Whoever descends asks it of
// each folder on the way.
func (ps patterns) match(name string) bool {
	if len(ps) == 0 {
		return false
	}
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(ps, func(p []string) bool { return matchParts(p, parts) })
}

func matchParts(pattern, parts []string) bool {
	for len(pattern) > 0 && pattern[0] != "**" {
		if len(parts) == 0 {
			return false
		}
		if ok, _ := path.Match(pattern[0], parts[0]); !ok {
			return false
		}
		pattern, parts = pattern[1:], parts[1:]
	}
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	for skip := range len(parts) + 1 {
		if matchParts(pattern[1:], parts[skip:]) {
			return true
		}
	}
	return false
}
