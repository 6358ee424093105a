package device_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb/adbtest"
)

// df may be asked of either storage, and freeing room shows.
func TestSpace(t *testing.T) {
	const gib = 1 << 30
	h := newHomePhone(t, adbtest.Config{Size: gib})
	p := openPhone(t, h.server, device.PhoneOptions{})
	before, err := p.Space(t.Context(), "")
	if err != nil || before.Total != gib || before.Free <= 0 || before.Free > gib {
		t.Fatal(before, err)
	}
	f, sum, _ := h.put(t, "DCIM/it's.jpg", 4<<20)
	full, err := p.Space(t.Context(), "DCIM/not there")
	if err != nil || before.Free-full.Free < f.Size {
		t.Error(before, full, err)
	}
	if card, err := p.Space(t.Context(), "storage/1234-ABCD/x"); err != nil || card.Free < before.Free {
		t.Error("the card:", card, err)
	}
	if err := p.Remove(t.Context(), f, sum); err != nil {
		t.Fatal(err)
	}
	if after, err := p.Space(t.Context(), ""); err != nil || after.Free-full.Free < f.Size {
		t.Error(full, after, err)
	}
}

func TestSpaceOddly(t *testing.T) {
	wrapped := "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-very-long-name-that-wraps at 100%\n   1000 400 600  40% /storage/emulated\n"
	for name, c := range map[string]struct {
		df   string
		want device.Space
	}{
		"wrapped":         {wrapped, device.Space{Free: 600 << 10, Total: 1000 << 10}},
		"full":            {"F\n/dev/fuse 1000 1000 0 100% /storage/emulated\n", device.Space{Total: 1000 << 10}},
		"of old":          {df: "Filesystem               Size     Used     Free   Blksize\n/mnt/shell/emulated     25.0G     3.2G    21.8G   4096\n"},
		"too much":        {df: "F\n/dev/fuse 9999999999999999 0 9999999999999999 1% /\n"},
		"more free":       {df: "F\n/dev/fuse 1000 0 1001 1% /\n"},
		"negative":        {df: "F\n/dev/fuse 1000 0 -1 1% /\n"},
		"nonsense":        {df: "%\n% % % %"},
		"nothing":         {},
		"a heading alone": {df: "Filesystem 1K-blocks Used Available Use% Mounted on\n"},
	} {
		t.Run(name, func(t *testing.T) {
			x, s := directPhone(t, adbtest.Config{Programs: map[string]string{"df": "printf '%s' '" + c.df + "'"}})
			defer x.Close()
			got, err := openPhone(t, s, device.PhoneOptions{}).Space(t.Context(), "")
			if got != c.want || (c.want.Total == 0) != errors.Is(err, device.ErrUntold) {
				t.Error(got, err)
			}
		})
	}
	x, s := directPhone(t, adbtest.Config{Without: []string{"df", "dumpsys"}})
	p := openPhone(t, s, device.PhoneOptions{})
	if _, err := p.Space(t.Context(), ""); !errors.Is(err, device.ErrUntold) {
		t.Error("no df:", err)
	}
	if b, err := p.Battery(t.Context()); b.Known || err != nil {
		t.Error("no dumpsys:", b, err)
	}
	x.Unplug()
	for range 2 {
		_, err := p.Space(t.Context(), "")
		_, err2 := p.Battery(t.Context())
		if !errors.Is(err, device.ErrPhoneGone) || !errors.Is(err2, device.ErrPhoneGone) {
			t.Error("unplugged:", err, err2)
		}
	}
}

func TestBattery(t *testing.T) {
	x, s := directPhone(t, adbtest.Config{})
	p := openPhone(t, s, device.PhoneOptions{})
	for _, c := range []struct {
		text string
		want device.Battery
	}{
		{adbtest.BatteryText(80, true), device.Battery{Level: 80, Charging: true, Known: true}},
		{adbtest.BatteryText(3, false), device.Battery{Level: 3, Known: true}},
		{"  status: 5\n  level: 255\n  scale: 255\n", device.Battery{Level: 100, Charging: true, Known: true}},
		{"  AC powered: true\r\n  level: 0\r\n  status: 4\r\n", device.Battery{Charging: true, Known: true}},
		{"  level: 101\n", device.Battery{}},
		{"  level: 50\n  scale: 0\n", device.Battery{Level: 50, Known: true}},
		{"  level: -1\n  status: 2\n", device.Battery{}},
		{"  level: 9223372036854775807\n  scale: 9223372036854775807", device.Battery{}},
		{"Can't find service: battery\n", device.Battery{}},
		{strings.Repeat("x", 1<<20), device.Battery{}},
	} {
		x.SetBattery(c.text)
		if got, err := p.Battery(t.Context()); got != c.want || err != nil {
			t.Errorf("%.60q: %+v, %v", c.text, got, err)
		}
	}
}

// A time before 1970 is told with its sign or without.
func TestRemoveOfLongAgo(t *testing.T) {
	for _, program := range []string{"", "s=$($(readlink \"${0%/*}/sync\") stat \"$@\"); echo \"${s%% *} 18446744073551785216 x 1\""} {
		c := adbtest.Config{}
		if program != "" {
			c.Programs = map[string]string{"stat": program}
		}
		h := newHomePhone(t, c)
		f, sum, at := h.put(t, "DCIM/old.jpg", 1000)
		f.ModTime = time.Unix(-157766400, 0)
		if err := os.Chtimes(at, time.Time{}, f.ModTime); err != nil {
			t.Fatal(err)
		}
		if err := openPhone(t, h.server, device.PhoneOptions{}).Remove(t.Context(), f, sum); err != nil || isThere(t, at) {
			t.Error(err)
		}
	}
}
