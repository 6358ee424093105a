// Package amount says counts and sizes as a person does: "1,204 files", "3.4 MB". It does not know of what.
package amount

import (
	"strconv"
	"strings"
)

// Number writes 1204 as 1,204.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural counts things: "1 file", "1,204 files", "2 copies", "2 days".
func Plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if stem, ok := strings.CutSuffix(thing, "y"); ok && strings.LastIndexAny(stem, "aeiou") != len(stem)-1 {
		return Number(n) + " " + stem + "ies"
	}
	return Number(n) + " " + thing + "s"
}

// Bytes is a size: 3.4 MB is 3,400,000 bytes.
func Bytes(n int64) string {
	if n < 1000 {
		return Plural(n, "byte")
	}
	v, unit := float64(n), 0
	for v >= 999.5 && unit < 5 {
		v /= 1000
		unit++
	}
	digits := 1
	if v >= 99.95 {
		digits = 0
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + [...]string{"", "kB", "MB", "GB", "TB", "PB"}[unit]
}
