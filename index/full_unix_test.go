//go:build unix

package index

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// limited is a process in which no file may grow beyond limit bytes: to a program that is a full
// disk. All its answers must be right.
func limited(dir string, limit uint64) error {
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	x, err := Open(dir, testOptions())
	if err != nil {
		return err
	}
	for n := len(x.Segments()); n < 40; n++ {
		if err := x.Load(name('s', n), entries(n)); err != nil {
			return err
		}
	}
	x.Cache(id(7), []byte("sealed"))
	for n := range 40 * 50 {
		if p, found, err := x.Find(id(n)); err != nil || !found || p != place(n) {
			return fmt.Errorf("chunk %d: %v %v %w", n, p, found, err)
		}
	}
	fmt.Println(x.Where())
	return x.Close()
}

// The disk fills up at any byte of a load: all answers stay right, in this process and the next.
func TestFullDisk(t *testing.T) {
	growth := 2 // the next limit is larger by a half
	if long {
		growth = 20
	}
	tried, inMemory := 0, 0
	for limit := 0; limit < 300_000; limit += 400 + limit/growth {
		dir := t.TempDir()
		x := open(t, dir, testOptions())
		load(t, x, 0, 3)
		shut(t, x)
		cmd := exec.Command(must(os.Executable()))
		cmd.Env = append(os.Environ(), "INDEX_CHILD="+dir, "INDEX_LIMIT="+strconv.Itoa(limit), noSleep)
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("with files of %d bytes: %v\n%s", limit, err, said)
		}
		if tried++; strings.Contains(string(said), "file too large") {
			inMemory++
		}
		x = open(t, dir, testOptions())
		loaded := len(x.Segments())
		wantRight(t, x, loaded)
		load(t, x, loaded, 45)
		wantSegments(t, x, 0, 45)
		shut(t, x)
	}
	t.Log(tried, "limits,", inMemory, "of them met")
	if inMemory < 5 || inMemory == tried {
		t.Fatal("the disk was full", inMemory, "times")
	}
}

// A directory that may be read only, for those who are not root.
func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	golden(t, dir)
	if err := errors.Join(os.Chmod(dir+"/slot-0", 0o500), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	defer os.Chmod(dir+"/slot-0", 0o700)
	x := open(t, dir, testOptions())
	load(t, x, len(x.Segments()), 9)
	wantSegments(t, x, 0, 9)
}
