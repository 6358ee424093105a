package device_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// directPhone is a simulated phone without an adb server in between.
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
	return x, &adb.Server{Addr: x.Addr(), Stall: 20 * time.Second, Reply: 5 * time.Second}
}

// hostile is one way in which a phone is not what it should be.
type hostile struct {
	name  string
	setup func(m *adbtest.MemTree, x *adbtest.Direct, v2 bool)
	check func(t *testing.T, o outcome)
}

// outcome is what a backup of the phone came to.
type outcome struct {
	open     error            // of OpenPhone
	end      error            // of the listing
	problems map[string]error // by path
	good     []string         // files read to their io.EOF, all proven right
	failed   map[string]error // files that were not
}

// le32 is a length or number on the wire.
func le32(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }

// entry is one entry of a listing on the wire.
func entry(v2 bool, mode uint32, size uint64, name string) string {
	if !v2 {
		return "DENT" + le32(mode) + le32(uint32(size)) + le32(1700000000) + le32(uint32(len(name))) + name
	}
	b := []byte("DNT2")
	b = append(b, make([]byte, 68)...)
	binary.LittleEndian.PutUint32(b[24:], mode)
	binary.LittleEndian.PutUint64(b[40:], size)
	binary.LittleEndian.PutUint64(b[56:], 1700000000)
	return string(b) + le32(uint32(len(name))) + name
}

func done(v2 bool) string {
	if v2 {
		return "DONE" + strings.Repeat("\x00", 72)
	}
	return "DONE" + strings.Repeat("\x00", 16)
}

const (
	dirMode  = 0o040771
	fileMode = 0o100660
	linkMode = 0o120777
)

// listed answers the listing of DCIM with raw bytes.
func listed(raw func(v2 bool) string, kind adbtest.Kind) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(_ *adbtest.MemTree, x *adbtest.Direct, v2 bool) {
		x.Break(adbtest.Fault{Op: listOp(v2), Path: "DCIM", Kind: kind, Text: raw(v2)})
	}
}

func listOp(v2 bool) string {
	if v2 {
		return "LIS2"
	}
	return "LIST"
}

func statOp(v2 bool) string {
	if v2 {
		return "LST2"
	}
	return "STAT"
}

// named puts a name into the listing of DCIM.
func named(name string) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) {
		m.AddEntry("DCIM", adbtest.Node{Name: name, Mode: fileMode, Size: 1, Time: time.Unix(1700000000, 0)})
	}
}

// spoiled breaks the pull of a.jpg.
func spoiled(f adbtest.Fault) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(_ *adbtest.MemTree, x *adbtest.Direct, _ bool) {
		f.Op, f.Path = "RECV", "a.jpg"
		x.Break(f)
	}
}

// restated spoils the state asked for after the pull of a.jpg.
func restated(f adbtest.Fault) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(_ *adbtest.MemTree, x *adbtest.Direct, v2 bool) {
		f.Op, f.Path = statOp(v2), "a.jpg"
		x.Break(f)
	}
}

// afterwards answers the question after the pull of a.jpg with another state.
func afterwards(mode uint32, size uint64, sec uint32) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(_ *adbtest.MemTree, x *adbtest.Direct, v2 bool) {
		raw := "STAT" + le32(mode) + le32(uint32(size)) + le32(sec)
		if v2 {
			b := []byte(entry(true, mode, size, ""))[:72]
			copy(b, "LST2")
			binary.LittleEndian.PutUint64(b[56:], uint64(sec))
			raw = string(b)
		}
		x.Break(adbtest.Fault{Op: statOp(v2), Path: "a.jpg", Kind: adbtest.Raw, Text: raw})
	}
}

// What a check may ask for.

// onlyAFails: everything but a.jpg arrived.
func onlyAFails(want error) func(*testing.T, outcome) {
	return func(t *testing.T, o outcome) {
		if o.open != nil || o.end != nil || !slices.Contains(o.good, "DCIM/b.jpg") || len(o.good) != 40 {
			t.Errorf("%d good, open %v, end %v, failed %v", len(o.good), o.open, o.end, o.failed)
		}
		if err := o.failed["DCIM/a.jpg"]; err == nil || (want != nil && !errors.Is(err, want)) {
			t.Errorf("a.jpg: %v", err)
		}
	}
}

// problemAt: this path is named, everything else arrived.
func problemAt(path string, want error) func(*testing.T, outcome) {
	return func(t *testing.T, o outcome) {
		if o.end != nil || len(o.good) != 41 || len(o.failed) > 0 {
			t.Errorf("%d good, end %v, failed %v", len(o.good), o.end, o.failed)
		}
		if err, ok := o.problems[path]; !ok || (want != nil && !errors.Is(err, want)) {
			t.Errorf("problems: %v", o.problems)
		}
	}
}

// folderFails: DCIM is named as unread, the other folder arrived.
func folderFails(want error) func(*testing.T, outcome) {
	return func(t *testing.T, o outcome) {
		if err := o.problems["DCIM"]; err == nil || (want != nil && !errors.Is(err, want)) || o.end != nil {
			t.Errorf("problems %v, end %v", o.problems, o.end)
		}
		if !slices.Equal(o.good, []string{"Pictures/p.png"}) {
			t.Errorf("good: %v", o.good)
		}
	}
}

// allGood: nothing is wrong, and n files arrive.
func allGood(n int) func(*testing.T, outcome) {
	return func(t *testing.T, o outcome) {
		if o.open != nil || o.end != nil || len(o.failed) > 0 || len(o.problems) > 0 || len(o.good) != n {
			t.Errorf("%d good, %+v", len(o.good), o)
		}
	}
}

// stopped: the phone as a whole is given up, in this state.
func stopped(state error) func(*testing.T, outcome) {
	return func(t *testing.T, o outcome) {
		err := errors.Join(o.open, o.end)
		for _, e := range o.failed {
			err = errors.Join(err, e)
		}
		phone := (*device.PhoneError)(nil)
		if !errors.As(err, &phone) || !errors.Is(err, state) {
			t.Errorf("got %v, want %v", err, state)
		}
	}
}

// survived: whatever the answer, it is one.
func survived(*testing.T, outcome) {}

func hostilePhones() []hostile {
	long := strings.Repeat("n", 4096)
	raw := func(s string) func(bool) string { return func(bool) string { return s } }
	return []hostile{
		{"nothing wrong", func(*adbtest.MemTree, *adbtest.Direct, bool) {}, allGood(41)},

		{"name ..", named("../x"), problemAt("DCIM/../x", device.ErrName)},
		{"name up", named("../../../../../../tmp/x"), problemAt("DCIM/../../../../../../tmp/x", device.ErrName)},
		{"name absolute", named("/etc/x"), problemAt("DCIM//etc/x", device.ErrName)},
		{"name with slash", named("x/y"), problemAt("DCIM/x/y", device.ErrName)},
		{"name with NUL", named("x\x00y"), problemAt("DCIM/x\x00y", device.ErrName)},
		{"name empty", named(""), problemAt("DCIM/", device.ErrName)},
		{"name of 256 bytes", named(long[:256]), problemAt("DCIM/"+long[:256], device.ErrName)},
		{"name of 4 KiB", named(long), problemAt("DCIM/"+long, device.ErrName)},
		{"name of 64 KiB", named(strings.Repeat(long, 16)), problemAt("DCIM/"+strings.Repeat(long, 16), device.ErrName)},
		{"name over 64 KiB", named(strings.Repeat(long, 17)), folderFails(adb.ErrProtocol)},
		{"name newline", added("DCIM/a\nb.jpg"), allGood(42)},
		{"name invalid UTF-8", added("DCIM/\xff\xfe.jpg"), allGood(42)},
		{"name of 255 bytes", added("DCIM/" + long[:255]), allGood(42)},
		{"name of quotes", added("DCIM/'\"`$(id);.jpg"), allGood(42)},
		{"name of a temporary file", added("DCIM/.shoebox-0011223344556677.tmp"), allGood(42)},
		{"name twice", named("a.jpg"), func(t *testing.T, o outcome) {
			if o.problems["DCIM/a.jpg"] == nil || len(o.good)+len(o.failed) != 41 {
				t.Errorf("%v %v", o.problems, o.good)
			}
		}},
		{"name of file and folder", func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) {
			m.AddEntry("DCIM", adbtest.Node{Name: "b.jpg", Mode: dirMode})
		}, survived},

		{"name length 2^32-1", listed(func(v2 bool) string { e := entry(v2, fileMode, 1, ""); return e[:len(e)-4] + le32(math.MaxUint32) }, adbtest.RawClose), folderFails(adb.ErrProtocol)},
		{"listing endless", listed(func(v2 bool) string { return strings.Repeat(entry(v2, fileMode, 1, "x"), 5000) }, adbtest.Endless), folderFails(adb.ErrProtocol)},
		{"listing of zeros", listed(raw(strings.Repeat("\x00", 100000)), adbtest.Endless), folderFails(adb.ErrProtocol)},
		{"listing of noise", listed(raw("DENUFF"), adbtest.Endless), folderFails(adb.ErrProtocol)},
		{"listing without DONE", listed(func(v2 bool) string { return entry(v2, fileMode, 1, "x.jpg") }, adbtest.RawClose), folderFails(adb.ErrBroken)},
		{"listing cut in an entry", listed(func(v2 bool) string { return entry(v2, fileMode, 1, "x.jpg")[:15] }, adbtest.RawClose), folderFails(adb.ErrBroken)},
		{"listing cut in DONE", listed(func(v2 bool) string { d := done(v2); return d[:len(d)-3] }, adbtest.RawClose), folderFails(adb.ErrBroken)},
		{"listing empty", listed(done, adbtest.Raw), folderFails(adb.ErrNoListing)},
		{"listing FAIL", listed(raw("FAIL"+le32(4)+"nope"), adbtest.RawClose), folderFails(nil)},
		{"listing FAIL denied", listed(raw("FAIL"+le32(17)+"Permission denied"), adbtest.RawClose), folderFails(fs.ErrPermission)},
		{"listing FAIL and on", listed(raw("FAIL"+le32(4)+"nope"), adbtest.Raw), folderFails(nil)},
		{"listing FAIL of 4 GiB", listed(raw("FAIL"+le32(math.MaxUint32)), adbtest.RawClose), folderFails(adb.ErrProtocol)},
		{"listing FAIL with escapes", listed(raw("FAIL"+le32(6)+"\x1b[31mX"), adbtest.RawClose), func(t *testing.T, o outcome) {
			if err := o.problems["DCIM"]; err == nil || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%q", err)
			}
		}},
		{"listing hangs", listedFault(adbtest.Fault{Kind: adbtest.Hang, At: 100}), stopped(device.ErrPhoneStalled)},
		{"listing drips", listedFault(adbtest.Fault{Kind: adbtest.Drip}), stopped(device.ErrPhoneStalled)},
		{"listing cut once", listedFault(adbtest.Fault{Kind: adbtest.EndSession, At: 100, Times: 1}), allGood(41)},
		{"listing cut always", listedFault(adbtest.Fault{Kind: adbtest.EndSession, At: 100}), folderFails(adb.ErrBroken)},
		{"listing of all storage empty", func(_ *adbtest.MemTree, x *adbtest.Direct, v2 bool) {
			x.Break(adbtest.Fault{Op: listOp(v2), Path: "/sdcard", Kind: adbtest.Raw, Text: done(v2)})
		}, stopped(device.ErrStorageLocked)},

		{"entry with error", func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) {
			m.AddEntry("DCIM", adbtest.Node{Name: "x.jpg", Errno: 13})
		}, func(t *testing.T, o outcome) {
			if len(o.good) != 41 || (len(o.problems) != 0 && !errors.Is(o.problems["DCIM/x.jpg"], fs.ErrPermission)) {
				t.Errorf("%v", o.problems)
			}
		}},
		{"entry of 2^63 bytes", func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) {
			m.AddEntry("DCIM", adbtest.Node{Name: "x.jpg", Mode: fileMode, Size: math.MinInt64 + 7, Time: time.Unix(1, 0)})
		}, func(t *testing.T, o outcome) {
			if len(o.good) != 41 || (o.problems["DCIM/x.jpg"] == nil && o.failed["DCIM/x.jpg"] == nil) {
				t.Errorf("%v %v", o.problems, o.failed)
			}
		}},
		{"entry of 2^62 bytes", lying("DCIM/x.jpg", 1<<62, 100), aLiar},
		{"entry of no type", func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) {
			m.AddEntry("DCIM", adbtest.Node{Name: "x.jpg"})
		}, allGood(41)},
		{"entry socket and device", func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) {
			m.AddNode("DCIM/s.jpg", adbtest.Node{Mode: 0o140777})
			m.AddNode("DCIM/d.jpg", adbtest.Node{Mode: 0o060777})
			m.AddNode("DCIM/f.jpg", adbtest.Node{Mode: 0o010777})
		}, allGood(41)},
		{"entry link", func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) {
			m.AddNode("DCIM/l.jpg", adbtest.Node{Mode: linkMode})
		}, problemAt("DCIM/l.jpg", nil)}, // it has no target
		{"entry times", func(m *adbtest.MemTree, _ *adbtest.Direct, v2 bool) {
			for i, at := range []int64{math.MinInt64, math.MaxInt64, -1, 0, 1 << 40} {
				m.AddSize(fmt.Sprintf("DCIM/t%d.jpg", i), 10)
				m.Touch(fmt.Sprintf("DCIM/t%d.jpg", i), time.Unix(at, 0))
			}
		}, survived},
		{"folders without end", func(_ *adbtest.MemTree, x *adbtest.Direct, v2 bool) {
			x.Break(adbtest.Fault{Op: listOp(v2), Kind: adbtest.Raw, Skip: 2, Text: entry(v2, dirMode, 0, ".") + entry(v2, dirMode, 0, "DCIM") + done(v2)})
		}, survived},

		{"data of 2^32-1 bytes", spoiled(adbtest.Fault{Kind: adbtest.RawClose, Text: "DATA" + le32(math.MaxUint32)}), onlyAFails(adb.ErrProtocol)},
		{"data of 1 MiB and 1", spoiled(adbtest.Fault{Kind: adbtest.RawClose, Text: "DATA" + le32(1<<20+1)}), onlyAFails(adb.ErrProtocol)},
		{"data empty for ever", spoiled(adbtest.Fault{Kind: adbtest.Endless, Text: strings.Repeat("DATA\x00\x00\x00\x00", 1000)}), onlyAFails(adb.ErrProtocol)},
		{"data for ever", spoiled(adbtest.Fault{Kind: adbtest.Endless, Text: "DATA" + le32(50000) + strings.Repeat("x", 50000)}), onlyAFails(device.ErrChanged)},
		{"data of zeros", spoiled(adbtest.Fault{Kind: adbtest.Endless, Text: strings.Repeat("\x00", 9999)}), onlyAFails(adb.ErrProtocol)},
		{"data missing", spoiled(adbtest.Fault{Kind: adbtest.Raw, Text: "DONE\x00\x00\x00\x00"}), onlyAFails(device.ErrShort)},
		{"data too little", spoiled(adbtest.Fault{Kind: adbtest.Raw, Text: "DATA" + le32(3) + "abcDONE\x00\x00\x00\x00"}), onlyAFails(device.ErrShort)},
		{"data a byte too little", lying("DCIM/x.jpg", 5000, 4999), aLiar},
		{"data a byte too much", lying("DCIM/x.jpg", 5000, 5001), aLiar},
		{"data where nothing should be", lying("DCIM/x.jpg", 0, 1), aLiar},
		{"data 70 KB too much", lying("DCIM/x.jpg", 5000, 75000), aLiar},
		{"data then strange id", spoiled(adbtest.Fault{Kind: adbtest.RawClose, Text: "DATA" + le32(3) + "abcWHAT"}), onlyAFails(adb.ErrProtocol)},
		{"data then listing", spoiled(adbtest.Fault{Kind: adbtest.RawClose, Text: entry(true, fileMode, 1, "x")}), onlyAFails(adb.ErrProtocol)},
		{"FAIL at once", spoiled(adbtest.Fault{Kind: adbtest.Fail, Text: "read failed: I/O error"}), onlyAFails(nil)},
		{"FAIL missing", spoiled(adbtest.Fault{Kind: adbtest.Fail, Text: "open failed: No such file or directory"}), onlyAFails(device.ErrVanished)},
		{"FAIL after data", spoiled(adbtest.Fault{Kind: adbtest.Fail, At: 70000, Text: "read failed"}), onlyAFails(nil)},
		{"FAIL of 4 GiB", spoiled(adbtest.Fault{Kind: adbtest.RawClose, Text: "FAIL" + le32(math.MaxUint32)}), onlyAFails(adb.ErrProtocol)},
		{"FAIL cut off", spoiled(adbtest.Fault{Kind: adbtest.RawClose, Text: "FAIL" + le32(100) + "half"}), onlyAFails(adb.ErrBroken)},
		{"hangs at once", spoiled(adbtest.Fault{Kind: adbtest.Hang}), onlyAFails(adb.ErrStalled)},
		{"hangs midway", spoiled(adbtest.Fault{Kind: adbtest.Hang, At: 70000}), onlyAFails(adb.ErrStalled)},
		{"drips", spoiled(adbtest.Fault{Kind: adbtest.Drip}), onlyAFails(adb.ErrStalled)},
		{"cut at once", spoiled(adbtest.Fault{Kind: adbtest.EndSession}), onlyAFails(adb.ErrBroken)},
		{"cut midway", spoiled(adbtest.Fault{Kind: adbtest.EndSession, At: 70000}), onlyAFails(adb.ErrBroken)},
		{"cut midway once", spoiled(adbtest.Fault{Kind: adbtest.EndSession, At: 70000, Times: 1}), allGood(41)},
		{"cut midway twice", spoiled(adbtest.Fault{Kind: adbtest.EndSession, At: 120000, Times: 2}), allGood(41)},
		{"everything hangs", func(_ *adbtest.MemTree, x *adbtest.Direct, _ bool) {
			x.Break(adbtest.Fault{Op: "RECV", Kind: adbtest.Hang, At: 10})
		}, stopped(device.ErrPhoneStalled)},

		{"after: other size", afterwards(fileMode, 1, 1700000000), onlyAFails(device.ErrChanged)},
		{"after: other time", afterwards(fileMode, sizeOfA, 1700000001), onlyAFails(device.ErrChanged)},
		{"after: a link", afterwards(linkMode, sizeOfA, 1700000000), onlyAFails(device.ErrChanged)},
		{"after: gone", afterwards(0, 0, 0), onlyAFails(device.ErrVanished)},
		{"after: noise", restated(adbtest.Fault{Kind: adbtest.RawClose, Text: "NOISENOISENOISE"}), onlyAFails(adb.ErrProtocol)},
		{"after: FAIL", restated(adbtest.Fault{Kind: adbtest.RawClose, Text: "FAIL" + le32(1) + "x"}), onlyAFails(nil)},
		{"after: cut", restated(adbtest.Fault{Kind: adbtest.EndSession, At: 9}), onlyAFails(adb.ErrBroken)},
		{"after: hang", restated(adbtest.Fault{Kind: adbtest.Hang, At: 9}), onlyAFails(adb.ErrStalled)},

		{"gone after the listing", gone("features", 1), survived},
		{"gone midway", func(_ *adbtest.MemTree, x *adbtest.Direct, _ bool) {
			x.Break(adbtest.Fault{Op: "RECV", Path: "b.jpg", Kind: adbtest.Do, At: 5000, Func: x.Unplug})
		}, stopped(device.ErrPhoneGone)},
		{"server: devices noise", scripted("host:devices-l", "OKAYffff"+strings.Repeat("\xff\x00 x\n", 13107)), survived},
		{"server: devices hang", scripted("host:devices-l", "OKAY00ff…hang"), survived},
		{"server: no length", scripted("host:devices-l", "OKAYzzzz"), survived},
		{"server: no status", scripted("host:devices-l", "WHAT"), survived},
		{"server: version noise", scripted("host:version", "OKAY0004zzzz"), survived},
		{"server: version hang", scripted("host:version", "OK…hang"), stopped(device.ErrNoServer)},
		{"server: version endless", scripted("host:version", "OKAYffff"+strings.Repeat("0", 1<<20)), survived},
		{"server: features hang", scripted("host-transport-id:1:features", "…hang"), survived},
		{"server: features long", scripted("host-transport-id:1:features", "OKAYffff"+strings.Repeat(",", 0xffff)), survived},
		{"server: transport refused", scripted("host:transport-id:1", "FAIL000cunauthorized"), survived},
		{"server: unauthorized", scripted("host:transport-id:1", "FAIL0014device unauthorized."), stopped(device.ErrUnauthorized)},
		{"shell: serial endless", scripted("shell:getprop 'ro.serialno'", "OKAY"+strings.Repeat("9", 8<<20)), allGood(41)},
		{"shell: serial hangs", scripted("shell:getprop 'ro.serialno'", "OKAYab…hang"), allGood(41)},
		{"shell: serial noise", scripted("shell:getprop 'ro.serialno'", "OKAY\x1b[2J\x00\xff\n"), allGood(41)},
	}
}

const sizeOfA = 150000

func added(path string) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) { m.AddSize(path, 3000) }
}

func lying(path string, size, real int64) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(m *adbtest.MemTree, _ *adbtest.Direct, _ bool) { m.AddLying(path, size, real) }
}

// aLiar: the file that lies fails, all others arrive.
func aLiar(t *testing.T, o outcome) {
	if len(o.good) != 41 || o.failed["DCIM/x.jpg"] == nil || len(o.failed) != 1 {
		t.Errorf("%d good, failed %v", len(o.good), o.failed)
	}
}

func listedFault(f adbtest.Fault) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(_ *adbtest.MemTree, x *adbtest.Direct, v2 bool) {
		f.Op, f.Path = listOp(v2), "DCIM"
		x.Break(f)
	}
}

func scripted(service, raw string) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(_ *adbtest.MemTree, x *adbtest.Direct, _ bool) { x.Script(service, raw) }
}

func gone(string, int) func(*adbtest.MemTree, *adbtest.Direct, bool) {
	return func(_ *adbtest.MemTree, x *adbtest.Direct, v2 bool) {
		x.Break(adbtest.Fault{Op: listOp(v2), Path: "DCIM", Kind: adbtest.Do, At: 1, Func: x.Unplug})
	}
}
