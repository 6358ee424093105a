package adb_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// directPhone is a simulated phone without an adb server in between, and a
// client with little patience.
func directPhone(t *testing.T, c adbtest.Config) (*adbtest.Direct, *adb.Server) {
	t.Helper()
	d := adbtest.New(c)
	x, err := adbtest.ListenDirect(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = x.Close()
		_ = d.Close()
	})
	return x, &adb.Server{Addr: x.Addr(), Stall: 400 * time.Millisecond, Reply: 5 * time.Second}
}

// Trap 1: the server never sets TCP_NODELAY, and each answer in two writes costs
// 40 ms when it is acknowledged late. A chain of folders cannot be asked ahead.
func TestTrap01NoDelayedAcknowledgment(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // only Linux can be told
	}
	tree := adbtest.NewMemTree()
	path := strings.Repeat("d/", 60) + "x"
	tree.AddSize(path, 1)
	_, s, _ := realPhone(t, adbtest.Config{Storage: tree, Chatty: true})
	d := only(t, s)
	best := time.Hour
	for range 3 {
		began := time.Now()
		n := 0
		err := d.Walk(t.Context(), []string{"/sdcard"}, func(dir string, entries []adb.Entry, err error) []string {
			n++
			if len(entries) == 1 && entries[0].Name == "d" {
				return []string{dir + "/d"}
			}
			return nil
		})
		if err != nil || n != 61 {
			t.Fatal(n, err)
		}
		best = min(best, time.Since(began))
	}
	t.Log(best)
	if best > 60*18*time.Millisecond {
		t.Errorf("60 folders one after another took %v", best)
	}
}

// Traps 2 and 3: every phone is listed, in every state.
func TestTrap02Devices(t *testing.T) {
	tests := []struct {
		line string
		want adb.Info
	}{
		{"emulator-5554          device product:sdk model:Pixel_8 device:emu64 transport_id:4",
			adb.Info{Serial: "emulator-5554", State: "device", Product: "sdk", Model: "Pixel_8", Device: "emu64", TransportID: 4}},
		{"192.168.1.5:5555       unauthorized transport_id:13", adb.Info{Serial: "192.168.1.5:5555", State: "unauthorized", TransportID: 13}},
		{"127.0.0.1:4711         device transport_id:9", adb.Info{Serial: "127.0.0.1:4711", State: "device", TransportID: 9}},
		{"X                      offline product:p model:m device:d transport_id:1",
			adb.Info{Serial: "X", State: "offline", Product: "p", Model: "m", Device: "d", TransportID: 1}},
		{"R58M                   unauthorized usb:1-1 transport_id:2", adb.Info{Serial: "R58M", State: "unauthorized", Path: "usb:1-1", TransportID: 2}},
		{"R58M                   device usb:1-1 product:a b model:c_d device:e f transport_id:2",
			adb.Info{Serial: "R58M", State: "device", Path: "usb:1-1", Product: "a b", Model: "c_d", Device: "e f", TransportID: 2}},
		{"R58M                   no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:1-1 transport_id:3",
			adb.Info{Serial: "R58M", State: "no permissions", Path: "usb:1-1", TransportID: 3}},
		{"????????????           no permissions usb:3-4", adb.Info{Serial: "????????????", State: "no permissions", Path: "usb:3-4"}},
		{"adb-R58M-x (2)._adb-tls-connect._tcp device product:p model:m device:d transport_id:7",
			adb.Info{Serial: "adb-R58M-x (2)._adb-tls-connect._tcp", State: "device", Product: "p", Model: "m", Device: "d", TransportID: 7}},
		{"0123 recovery transport_id:5", adb.Info{Serial: "0123", State: "recovery", TransportID: 5}},
		{"0123 sideload transport_id:5", adb.Info{Serial: "0123", State: "sideload", TransportID: 5}},
		{"0123 bootloader usb:1", adb.Info{Serial: "0123", State: "bootloader", Path: "usb:1"}},
		{"0123 rescue", adb.Info{Serial: "0123", State: "rescue"}},
		{"0123 authorizing transport_id:6", adb.Info{Serial: "0123", State: "authorizing", TransportID: 6}},
		{"0123 connecting transport_id:6", adb.Info{Serial: "0123", State: "connecting", TransportID: 6}},
		{"0123 somethingnew usb:2-2 transport_id:6", adb.Info{Serial: "0123", State: "somethingnew", Path: "usb:2-2", TransportID: 6}},
		{"device device device:device transport_id:1", adb.Info{Serial: "device", State: "device", Device: "device", TransportID: 1}},
	}
	var all strings.Builder
	for _, tt := range tests {
		got := adb.ParseDevices(tt.line + "\n")
		if len(got) != 1 || got[0] != tt.want {
			t.Errorf("%q:\n got %+v\nwant %+v", tt.line, got, tt.want)
		}
		all.WriteString(tt.line + "\n")
	}
	if got := adb.ParseDevices(all.String() + "\n\nX\n"); len(got) != len(tests) {
		t.Errorf("%d of %d lines", len(got), len(tests))
	}
}

// Trap 2 for real: a phone without ro.product.* has a line too short for gadb.
func TestTrap02NamelessPhone(t *testing.T) {
	d := adbtest.New(adbtest.Config{})
	d.Product, d.Model, d.Device = "", "", ""
	p, err := adbtest.Listen(d, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := adbtest.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(); _ = p.Close(); _ = d.Close() }()
	if _, err := s.Connect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	server := &adb.Server{Addr: s.Addr()}
	dev := only(t, server)
	if got, err := dev.Property(t.Context(), "ro.serialno"); got != "SIM0001" || err != nil {
		t.Fatalf("%q %v", got, err)
	}
	if serials, err := server.Serials(t.Context()); len(serials) != 1 || err != nil {
		t.Fatal(serials, err)
	}
}

// Trap 3 for real, and track-devices: a tap on Allow arrives as an event.
func TestTrap03Unauthorized(t *testing.T) {
	p, server, _ := realPhone(t, adbtest.Config{Unauthorized: true})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var states []string
	for infos, err := range server.Track(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if len(infos) != 1 {
			continue
		}
		if states = append(states, infos[0].State); infos[0].State == adb.StateDevice {
			break
		}
		_, err := server.Open(ctx, infos[0])
		if err == nil {
			t.Error("an unauthorized phone opened")
		}
		p.Authorize()
	}
	if states[0] != adb.StateUnauthorized || states[len(states)-1] != adb.StateDevice {
		t.Error(states)
	}
}

// Trap 5: a command may take longer than any fixed time as long as it talks, and
// is given up when it does not; its output is bounded.
func TestTrap05ShellPatience(t *testing.T) {
	x, s := directPhone(t, adbtest.Config{})
	_ = x
	d := only(t, s)
	s.Floor = 1
	out, err := d.Output(t.Context(), "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.1; done")
	if err != nil || !strings.HasSuffix(string(out), "10\n") {
		t.Errorf("%q %v", out, err)
	}
	began := time.Now()
	if _, err := d.Output(t.Context(), "sleep 5"); !errors.Is(err, adb.ErrStalled) || time.Since(began) > 3*time.Second {
		t.Error(err, time.Since(began))
	}
	if _, err := d.Output(t.Context(), "yes"); err == nil {
		t.Error("output without end was kept")
	}
}

// Trap 5, gadb's: an answer without end is not held in memory.
func TestTrap05GadbBounded(t *testing.T) {
	const size = 64 << 20
	x, s := directPhone(t, adbtest.Config{})
	d := only(t, s)
	x.Script("shell:getprop 'ro.serialno'", "OKAY"+strings.Repeat("9", size))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	value, err := d.Property(t.Context(), "ro.serialno")
	runtime.ReadMemStats(&after)
	if err != nil || len(value) > adb.MaxText {
		t.Error(len(value), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > size+32<<20 { // the phone itself takes size
		t.Errorf("%d MiB were taken", took>>20)
	}
}

// Trap 6: a name is one word, whatever is in it.
func TestTrap06Injection(t *testing.T) {
	dir := t.TempDir()
	_, s := directPhone(t, adbtest.Config{Storage: adbtest.DirTree(dir)})
	d := only(t, s)
	names := []string{
		"semi;touch INJECTED;.jpg", "$(touch INJECTED).jpg", "`touch INJECTED`.jpg", "a b", " lead", "trail ", "quo'te", `dq"`, "new\nline",
		"-rf", "--", "*", "?", "[a]", "~", "$HOME", "a\\b", "a\tb", "\xff\xfe", "ü", "#x", "&", "|", ">x", "<x", "!", "{a,b}", "=", "%s", "a\rb", "''", "'", "\x01", "\x7f",
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := d.Output(t.Context(), "cat -- "+adb.Quote("/sdcard/"+name))
		if err != nil || string(out) != name {
			t.Errorf("%q: %q %v", name, out, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != len(names) {
		t.Errorf("%d files became %d", len(names), len(entries))
	}
}

// Traps 7 and 8: sizes and times of v2 are whole, those of v1 are cut to 32 bits.
func TestTrap07SizesAndTimes(t *testing.T) {
	times := map[string]int64{"1965": -157766400, "2110": 4417977600, "now": 1700000000}
	for name, c := range generations() {
		tree := adbtest.NewMemTree()
		tree.AddSize("big", 5<<30)
		for n, at := range times {
			tree.AddSize(n, 7)
			tree.Touch(n, time.Unix(at, 0))
		}
		c.Storage = tree
		_, s := directPhone(t, c)
		d := only(t, s)
		got := map[string]adb.Stat{}
		err := d.Stats(t.Context(), []string{"/sdcard/big", "/sdcard/1965", "/sdcard/2110", "/sdcard/now", "/sdcard/none"}, func(path string, st adb.Stat, err error) {
			if err != nil {
				t.Error(path, err)
			}
			got[filepath.Base(path)] = st
		})
		if err != nil {
			t.Fatal(err)
		}
		v2 := name != "A"
		for n, at := range times {
			want := at
			if !v2 {
				want = int64(uint32(at))
			}
			if got[n].ModTime.Unix() != want {
				t.Errorf("%s: %s is %v", name, n, got[n].ModTime)
			}
		}
		if want := map[bool]int64{true: 5 << 30, false: 1 << 30}[v2]; got["big"].Size != want {
			t.Errorf("%s: 5 GiB is %d", name, got["big"].Size)
		}
		if err := got["none"].Err(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Trap 9: a folder that is missing, unreadable or a file lists as nothing, and an
// empty one does not. A path too long is not sent.
func TestTrap09ListCannotFail(t *testing.T) {
	for name, c := range generations() {
		tree := adbtest.NewMemTree()
		tree.Mkdir("empty")
		tree.AddSize("file", 1)
		tree.AddNode("dir/socket", adbtest.Node{Mode: 0o140777})
		tree.AddNode("dir/block", adbtest.Node{Mode: 0o060777})
		tree.AddNode("dir/link", adbtest.Node{Mode: 0o120777})
		tree.Mkdir("dir/sub")
		c.Storage = tree
		x, s := directPhone(t, c)
		d := only(t, s)
		long := "/sdcard/" + strings.Repeat("x", 1100)
		got := map[string]error{}
		kinds := map[string]uint32{}
		dirs := []string{"/sdcard/missing", "/sdcard/empty", "/sdcard/file", long, "/sdcard/dir"}
		err := d.Walk(t.Context(), dirs, func(dir string, entries []adb.Entry, err error) []string {
			got[dir] = err
			for _, e := range entries {
				kinds[e.Name] = e.Type()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]error{dirs[0]: adb.ErrNoListing, dirs[1]: nil, dirs[2]: adb.ErrNoListing, long: adb.ErrTooLong, dirs[4]: nil}
		for dir, w := range want {
			if e, asked := got[dir]; !asked || !errors.Is(e, w) {
				t.Errorf("%s: %.30s: %v", name, dir, e)
			}
		}
		if kinds["sub"] != adb.ModeDir || kinds["socket"] == adb.ModeDir || kinds["block"] == adb.ModeDir || kinds["link"] != adb.ModeLink {
			t.Errorf("%s: %v", name, kinds)
		}
		if n := x.Asked("LIST") + x.Asked("LIS2"); n != 4 {
			t.Errorf("%s: %d folders asked", name, n)
		}
	}
}
