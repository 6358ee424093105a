package snapshot

import (
	"bytes"
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
	word  string // bytes that stand in every path it matches, "" when none are known
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
	expression, word := translate(trimmed)
	re, err := regexp.Compile(flags + ")^(?:" + expression + ")(?:/.*)?$")
	if err != nil {
		return Pattern{}, fmt.Errorf("%q is no pattern: %v", text, err)
	}
	if fold {
		word = ""
	}
	return Pattern{text, re, strings.Contains(trimmed, "/") || strings.HasPrefix(text, "/"), word}, nil
}

// translate makes a regular expression of a pattern, and tells the longest stretch of it that stands for itself.
func translate(p string) (expression, longest string) {
	var out strings.Builder
	word := ""
	for p != "" {
		c, size := utf8.DecodeRuneInString(p)
		means := ""
		switch {
		case strings.HasPrefix(p, "**/"):
			means, size = "(?:.*/)?", 3
		case strings.HasPrefix(p, "**"):
			means, size = ".*", 2
		case c == '*':
			means = "[^/]*"
		case c == '?':
			means = "[^/]"
		case c == '[':
			means, size = class(p)
		}
		if means == "" {
			means, word = regexp.QuoteMeta(p[:size]), word+p[:size]
		} else {
			word = ""
		}
		if len(word) > len(longest) {
			longest = word
		}
		out.WriteString(means)
		p = p[size:]
	}
	return out.String(), longest
}

// class makes one of a regular expression of the [...] that a pattern begins with, and tells its size; "" and 1 if it does not end. As in
// shells ! at its beginning negates, and a ] that is the first of it does not end it.
func class(p string) (means string, size int) {
	in, negate := p[1:], ""
	if strings.HasPrefix(in, "!") || strings.HasPrefix(in, "^") {
		in, negate = in[1:], "^"
	}
	end := strings.IndexByte(in[min(1, len(in)):], ']') + 1
	if end == 0 {
		return "", 1
	}
	return "[" + negate + strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(in[:end]) + "]", len(p) - len(in) + end + 1
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

// mayStand tells whether a path that one of the patterns matches may stand among the bytes of a page: no is certain, yes is not.
func mayStand(patterns []Pattern, page []byte) bool {
	for _, p := range patterns {
		if p.word == "" || bytes.Contains(page, []byte(p.word)) {
			return true
		}
	}
	return len(patterns) == 0
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
