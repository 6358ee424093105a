package storagetest

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// SmallDisk gives a test a file system with room for size bytes, which can really be filled. It runs
// the calling test again in a process of its own that may mount one (user and mount namespaces, as
// root or not); there the directory is returned. In the first process the answer is "": return.
func SmallDisk(t *testing.T, size int64) string {
	t.Helper()
	const known = "SHOEBOX_TEST_SMALL_DISK"
	if dir := os.Getenv(known); dir != "" {
		return dir
	}
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", `mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"`, "sh",
		strconv.FormatInt(size, 10), dir, os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), known+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	said, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "--- PASS: "+t.Name()) {
		t.Fatalf("on a small disk: %v\n%s", err, said)
	}
	return ""
}
