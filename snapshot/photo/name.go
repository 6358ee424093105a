package photo

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// nameMost bounds how much of a name is looked at, in bytes.
const nameMost = 256

// The names that phones and programs give, by example. The groups are year,
// month, day and, but for the last, hour, minute, second; then milliseconds.
var namePatterns = []*regexp.Regexp{
	// PXL_20240501_120000123.jpg is UTC, see FromName.
	// 20240501_120000.jpg of Samsung, IMG_20240501_120000_HDR.jpg of Xiaomi and
	// AOSP, IMG_20240501_120000123.jpg, Screenshot_20240501-120000.png,
	// IMG20240501120000.jpg, 00100_BURST20240501120000123_COVER.jpg
	regexp.MustCompile(`(?:^|[^0-9])(\d{4})(\d\d)(\d\d)[_-]?(\d\d)(\d\d)(\d\d)(\d{3})?(?:[^0-9]|$)`),
	// Screenshot_2024-05-01-12-00-00-123_com.example.png of Xiaomi,
	// signal-2024-05-01-12-00-00-123.jpg, signal-2024-05-01-120000.jpg,
	// photo_2024-05-01_12-00-00.jpg, WhatsApp Image 2024-05-01 at 12.00.00.jpeg
	regexp.MustCompile(`(?:^|[^0-9])(\d{4})-(\d\d)-(\d\d)(?:[-_ T]| at )(\d\d)[-.:_]?(\d\d)[-.:_]?(\d\d)(?:[-.:](\d{3}))?(?:[^0-9]|$)`),
	// IMG-20240501-WA0001.jpg of WhatsApp, and VID-, AUD-, PTT-, STK-
	regexp.MustCompile(`^[A-Z]{3}-(\d{4})(\d\d)(\d\d)-WA\d`),
}

// pixelName begins the names that Google's camera gives, which tell the time
// in UTC.
const pixelName = "PXL_"

// FromName reads the time of capture off the name of a file, folders before it
// not minded. A name tells wall time (zoned is false, and t is written as if
// it were UTC) but for those of Pixel phones, which tell UTC. A name that tells
// the date alone is taken to mean noon, which keeps the date in nearly every
// zone. Dates before 1990, after 2199 or not in the calendar are refused.
func FromName(name string) (t time.Time, zoned, ok bool) {
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = name[:min(len(name), nameMost)]
	for _, pattern := range namePatterns {
		if t, ok := fromGroups(pattern.FindStringSubmatch(name)); ok {
			return t, strings.HasPrefix(name, pixelName), true
		}
	}
	return time.Time{}, false, false
}

// fromGroups reads what a pattern has found: 3 numbers, or 6 and perhaps
// milliseconds.
func fromGroups(found []string) (time.Time, bool) {
	if found == nil {
		return time.Time{}, false
	}
	n := [7]int{3: 12}
	for i, digits := range found[1:] {
		n[i], _ = strconv.Atoi(digits) // digits or nothing, by the pattern
	}
	t, ok := date(n[0], n[1], n[2], n[3], n[4], n[5], time.UTC)
	return t.Add(time.Duration(n[6]) * time.Millisecond), ok && n[0] >= firstFile
}
