package index

import (
	"path/filepath"
	"strings"
	"testing"

	"shoebox/repo/storage/storagetest"
)

// A disk that is really full in the middle of a load: mapped memory would be a fault here.
func TestReallyFullDisk(t *testing.T) {
	disk := storagetest.SmallDisk(t, 200<<10)
	if disk == "" {
		return
	}
	dir := filepath.Join(disk, "index")
	x := open(t, dir, testOptions())
	load(t, x, 0, 60)
	for n := range 300 {
		x.Cache(id(n), make([]byte, 1000))
	}
	load(t, x, 60, 120)
	wantSegments(t, x, 0, 120)
	if !strings.Contains(x.Where(), "no space left") {
		t.Fatal("6,000 entries fit into 200 KiB:", x.Where())
	}
	shut(t, x)
	x = open(t, dir, testOptions())
	loaded := len(x.Segments())
	wantRight(t, x, loaded)
	load(t, x, loaded, 130)
	wantSegments(t, x, 0, 130)
}
