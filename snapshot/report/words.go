package report

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"shoebox/device"
)

// labelMost bounds what is shown of the name of a device, in letters.
const labelMost = 60

// label is the name of a device as it may stand in a sentence: one line of bounded length.
func label(name string) string {
	if name == "" {
		return "a device without a name"
	}
	letters := []rune(name)
	if len(letters) > labelMost {
		letters = append(letters[:labelMost], '…')
	}
	return device.Printable(string(letters))
}

// number writes 1204 as 1,204.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return number(n) + " " + thing + "s"
}

func are(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// bytesText is a size in the user's words: 3.4 MB is 3,400,000 bytes.
func bytesText(n int64) string {
	if n < 1000 {
		return plural(n, "byte")
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

// agoText is how long ago something was.
func agoText(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return number(int64(d/time.Minute)) + " minutes ago"
	case d < 2*day:
		return number(int64(d/time.Hour)) + " hours ago"
	}
	return number(int64(d/day)) + " days ago"
}

func (t Tally) text() string {
	if t.Files == 0 {
		return "none"
	}
	return number(t.Files) + " (" + bytesText(t.Bytes) + ")"
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	first, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[n:] + "."
}
