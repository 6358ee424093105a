package report

import (
	"time"
	"unicode"
	"unicode/utf8"

	"shoebox/device"
	"shoebox/snapshot/amount"
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

func are(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// agoText is how long ago something was.
func agoText(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return amount.Number(int64(d/time.Minute)) + " minutes ago"
	case d < 2*day:
		return amount.Number(int64(d/time.Hour)) + " hours ago"
	}
	return amount.Number(int64(d/day)) + " days ago"
}

func (t Tally) text() string {
	if t.Files == 0 {
		return "none"
	}
	return amount.Number(t.Files) + " (" + amount.Bytes(t.Bytes) + ")"
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	first, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[n:] + "."
}
