package crypt

import (
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// Who takes as much memory as was announced gets what is marked for large pages, if the system has any: of five times once at least, and 19 times in 20 when it
// was counted.
func TestLargePagesAreThoseTakenNext(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Log("this system has none")
		return
	}
	flags := ""
	for range 5 {
		askLargePages(stretchMemory)
		memory := make([]byte, stretchMemory)
		flags = flagsAt(t, uintptr(unsafe.Pointer(&memory[stretchMemory/2])))
		runtime.KeepAlive(memory)
		if slices.Contains(strings.Fields(flags), "hg") {
			return
		}
	}
	t.Errorf("the memory is of another kind:%s", flags)
}

var mapping = regexp.MustCompile(`(?m)^([0-9a-f]+)-([0-9a-f]+) `)

// flagsAt is what the system knows of the memory at an address, in words of two letters (proc_pid_smaps(5), VmFlags).
func flagsAt(t *testing.T, address uintptr) string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(data)) {
		if m := mapping.FindStringSubmatch(line); m != nil {
			from, _ := strconv.ParseUint(m[1], 16, 64)
			to, _ := strconv.ParseUint(m[2], 16, 64)
			inside = uint64(address) >= from && uint64(address) < to
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return strings.TrimRight(flags, "\n")
		}
	}
	t.Fatal("no memory at this address")
	return ""
}
