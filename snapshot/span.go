package snapshot

import (
	"fmt"
	"strconv"
	"time"
)

// Span is a stretch of the calendar, such as 1y5m7d2h: months and years are not of one length.
type Span struct{ Years, Months, Days, Hours int }

// ParseSpan reads a span: numbers followed by y, m, d or h, each at most once.
func ParseSpan(text string) (s Span, err error) {
	bad := fmt.Errorf("%q is no span of time; it is such as 1y6m, 30d or 12h", text)
	units := map[byte]*int{'y': &s.Years, 'm': &s.Months, 'd': &s.Days, 'h': &s.Hours}
	for rest := text; rest != ""; {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		if digits == len(rest) {
			return Span{}, bad
		}
		n, err := strconv.Atoi(rest[:digits])
		to := units[rest[digits]]
		if err != nil || to == nil || n > 1_000_000 {
			return Span{}, bad
		}
		delete(units, rest[digits])
		*to, rest = n, rest[digits+1:]
	}
	if text == "" {
		return Span{}, bad
	}
	return s, nil
}

// IsZero tells whether the span has no length.
func (s Span) IsZero() bool { return s == Span{} }

// Before is the moment a span before t.
func (s Span) Before(t time.Time) time.Time {
	return t.AddDate(-s.Years, -s.Months, -s.Days).Add(-time.Duration(s.Hours) * time.Hour)
}

// String is the text ParseSpan reads.
func (s Span) String() string {
	text := ""
	for _, v := range []struct {
		n    int
		unit string
	}{{s.Years, "y"}, {s.Months, "m"}, {s.Days, "d"}, {s.Hours, "h"}} {
		if v.n != 0 {
			text += strconv.Itoa(v.n) + v.unit
		}
	}
	return text
}
