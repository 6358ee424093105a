//go:build !race

package adb_test

import (
	"io"
	"testing"

	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// Trap 7: all the bytes of a file above 4 GiB come. The race detector
// would make it last a minute; what it could find, smaller files show.
func TestTrap07PullAbove4GiB(t *testing.T) {
	const size = 4<<30 + 12345
	tree := adbtest.NewMemTree()
	tree.AddSize("big", size)
	_, s := directPhone(t, adbtest.Config{Storage: tree, Features: adbtest.FeaturesA, Frame: adb.MaxData})
	p := only(t, s).Puller(1)
	defer p.Close()
	pull, err := p.Open(t.Context(), "/sdcard/big", size)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{pull}, make([]byte, 1<<20))
	if n != size || err != nil {
		t.Fatal(n, err)
	}
}
