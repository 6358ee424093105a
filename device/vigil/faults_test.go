package vigil_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"shoebox/bench/proof/tried"
	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
	"shoebox/device/vigil"
)

// A phone that answers wrongly in its turn ends the turn, in bounded time, and has another when it answers well.
func TestFaultsInATurn(t *testing.T) {
	faults := []adbtest.Fault{
		{Op: "LIS2", Kind: adbtest.Hang}, {Op: "LIS2", Kind: adbtest.Cut, At: 100}, {Op: "LIS2", Path: "DCIM", Kind: adbtest.EndSession, At: 100},
		{Op: "LIS2", Path: "DCIM", Kind: adbtest.Endless, Text: strings.Repeat("\x00", 4096)}, {Op: "LIS2", Path: "DCIM", Kind: adbtest.Raw, Text: adbtest.Listing("LIS2")},
		{Op: "LIS2", Path: "DCIM", Kind: adbtest.RawClose, Text: strings.TrimSuffix(adbtest.Listing("LIS2", adbtest.Node{Name: "../x.jpg", Mode: 0o100644, Time: time.Unix(1, 0)}), adbtest.Listing("LIS2"))},
		{Op: "LIS2", Path: "DCIM", Kind: adbtest.Fail, At: 100, Text: "no"},
		{Op: "OPEN", Path: "sync:", Kind: adbtest.Refuse},
	}
	x := direct(t, adbtest.Config{Storage: filled(20)})
	for _, f := range faults {
		t.Run(fmt.Sprintf("%s %d", f.Op, f.Kind), func(t *testing.T) {
			x.Mend()
			server := &adb.Server{Addr: x.Addr(), Reply: time.Second, Stall: time.Second}
			reader := &fairly{server: server}
			w := watch(t, x, "SIM0001", func(o *vigil.Options) {
				o.Work = func(ctx context.Context, p device.PhoneInfo, among func() int) error {
					err := reader.read(ctx, p, among)
					if err != nil {
						x.Mend() // the next time it goes well
					}
					return err
				}
			})
			began := time.Now()
			w.run(t, time.Second)
			x.Break(f)
			w.until(t, vigil.Failed, 1, time.Minute)
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
			w.until(t, vigil.Done, 1, time.Hour)
		})
	}
	tried.Cases(t, 13, len(faults))
}

// An adb server, or a phone, that answers the questions of the watch itself wrongly is asked again; the turn comes when it answers well.
func TestFaultsOfTheList(t *testing.T) {
	n := 0
	for service, answers := range map[string][]string{
		"host:track-devices-l":         {"OKAY…hang", "WHAT", "OKAYzzzz", "OKAYffff" + strings.Repeat("\xff\x00 x\n", 5000), "FAIL0004nope", "OKAY0000…hang"},
		"host:devices-l":               {"OKAY00ff…hang", "OKAYzzzz", "WHAT", "FAIL0004nope", "OKAYffff" + strings.Repeat("\xff\x00 x\n", 13107)},
		"host:version":                 {"OKAY0004zzzz", "OK…hang", "OKAYffff" + strings.Repeat("0", 1<<20)},
		"host-transport-id:1:features": {"…hang", "FAIL0001x", "OKAYffff" + strings.Repeat(",", 0xffff)},
		"host:transport-id:1":          {"FAIL000cunauthorized", "…hang", "WHAT"},
	} {
		for _, answer := range answers {
			n++
			x := direct(t, adbtest.Config{Storage: filled(1)})
			w := watch(t, x, "SIM0001", func(o *vigil.Options) {
				o.Server = &adb.Server{Addr: x.Addr(), Reply: 300 * time.Millisecond, Stall: 300 * time.Millisecond}
			})
			x.Script(service, answer)
			w.run(t, 3*time.Second)
			x.Unscript(service)
			w.until(t, vigil.Done, 1, time.Hour)
		}
	}
	tried.Cases(t, 13, n)
}
