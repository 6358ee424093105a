package snapshot

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Pattern is a shell pattern for paths: * and ? stop at slashes, ** does not, [a-z] is a class. Without a slash
// it is held against the last part of the path, else against the whole path. A folder matches everything in it.
type Pattern struct {
	text  string
	re    *regexp.Regexp
	whole bool
}

// maxPattern bounds a pattern, in bytes.
const maxPattern = 4096

// CompilePattern reads a pattern. fold makes it deaf to the difference of upper and lower case.
func CompilePattern(text string, fold bool) (Pattern, error) {
	if text == "" || len(text) > maxPattern {
		return Pattern{}, fmt.Errorf("%.40q is no pattern", text)
	}
	trimmed := strings.Trim(text, "/")
	flags := "(?s"
	if fold {
		flags += "i"
	}
	re, err := regexp.Compile(flags + ")^(?:" + translate(trimmed) + ")(?:/.*)?$")
	if err != nil {
		return Pattern{}, fmt.Errorf("%q is no pattern: %v", text, err)
	}
	return Pattern{text, re, strings.Contains(trimmed, "/") || strings.HasPrefix(text, "/")}, nil
}

func translate(p string) string {
	var out strings.Builder
	for p != "" {
		c, size := utf8.DecodeRuneInString(p)
		switch {
		case strings.HasPrefix(p, "**/"):
			out.WriteString("(?:.*/)?")
			size = 3
		case strings.HasPrefix(p, "**"):
			out.WriteString(".*")
			size = 2
		case c == '*':
			out.WriteString("[^/]*")
		case c == '?':
			out.WriteString("[^/]")
		case c == '[' && strings.IndexByte(p[1:], ']') > 0:
			size = strings.IndexByte(p[1:], ']') + 2
			out.WriteString(class(p[1 : size-1]))
		default:
			out.WriteString(regexp.QuoteMeta(p[:size]))
		}
		p = p[size:]
	}
	return out.String()
}

// class makes the inside of [...] one of a regular expression; ! at its beginning negates, as in shells.
func class(in string) string {
	negate := ""
	if strings.HasPrefix(in, "!") || strings.HasPrefix(in, "^") {
		negate, in = "^", in[1:]
	}
	return "[" + negate + strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`).Replace(in) + "]"
}

// Match tells whether the path, or a folder it lies in, fits.
func (p Pattern) Match(path string) bool {
	if p.whole {
		return p.re.MatchString(path)
	}
	for part := range strings.SplitSeq(path, "/") {
		if p.re.MatchString(part) {
			return true
		}
	}
	return false
}

// MatchAny tells whether any of the patterns matches.
func MatchAny(patterns []Pattern, path string) bool {
	for _, p := range patterns {
		if p.Match(path) {
			return true
		}
	}
	return false
}
