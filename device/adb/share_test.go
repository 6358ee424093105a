package adb_test

import (
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// A puller that is not alone keeps to its part of the connections, from the next file on, and to one at least.
func TestShareOfConnections(t *testing.T) {
	for among, want := range map[int32]int{0: 6, 1: 6, 2: 3, 3: 2, 4: 1, 100: 1} {
		m := adbtest.NewMemTree()
		for i := range 24 {
			m.AddSize(fmt.Sprintf("DCIM/%03d.jpg", i), 4000)
		}
		x, s := directPhone(t, adbtest.Config{Storage: m})
		var now atomic.Int32
		now.Store(among)
		p := only(t, s).Puller(6)
		p.Among = func() int { return int(now.Load()) }
		readShared(t, p)
		if got := x.Asked("sync:"); got != want {
			t.Errorf("one of %d uses %d connections, not %d", among, got, want)
		}
		now.Store(1)
		readShared(t, p)
		if got := x.Asked("sync:"); got != 6 {
			t.Errorf("alone again it uses %d connections", got)
		}
		_ = p.Close()
	}
}

func readShared(t *testing.T, p *adb.Puller) {
	t.Helper()
	var pulls []*adb.Pull
	for i := range 24 {
		pull, err := p.Open(t.Context(), fmt.Sprintf("/sdcard/DCIM/%03d.jpg", i), 4000)
		if err != nil {
			t.Fatal(err)
		}
		pulls = append(pulls, pull)
	}
	for _, pull := range pulls {
		if got, err := io.ReadAll(pull); len(got) != 4000 || err != nil {
			t.Fatal(len(got), err)
		}
	}
}
