package gallerytest

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
)

// ErrNoPeak is given where the system does not tell what memory a process held: everywhere but on Linux.
var ErrNoPeak = errors.New("this system does not tell the memory that a process held at most")

// ResetPeak has a process forget how much memory it held at most until now (proc(5)). Where that cannot be done, the peak is that of all its life.
func ResetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200)
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// Peak is how many bytes of memory a process held at most.
func Peak(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, errors.Join(ErrNoPeak, err)
	}
	m := peak.FindSubmatch(text)
	if m == nil {
		return 0, ErrNoPeak
	}
	kib, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kib << 10, err
}
