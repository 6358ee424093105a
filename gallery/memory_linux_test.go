package gallery_test

import (
	"os"
	"regexp"
	"strconv"
)

// resetPeak forgets how much memory was held at most until now; proc(5).
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200) }

// peakMegabytes is how much was held at most since.
func peakMegabytes() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n / 1000
}
