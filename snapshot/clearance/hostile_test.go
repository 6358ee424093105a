package clearance_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/bench/proof/tried"
	"shoebox/device/adb/adbtest"
)

// answer is a way in which a phone answers wrongly.
type answer struct {
	name  string
	fault adbtest.Fault
}

// place is a request of a command that is answered wrongly.
type place struct {
	op, path, has string // as in adbtest.Fault
	answers       func(*way) []answer
}

// places are the requests that each command makes; on a phone without sha256sum, bytes go over the cable instead.
var places = map[string]map[string][]place{
	"": {
		"compare": {
			{op: "LIS2", path: camera, answers: (*way).listings},
			{op: "SHELL", has: "sha256sum '/sdcard/" + stranger, answers: shells},
		},
		"free": {
			{op: "LIS2", path: camera, answers: (*way).listings},
			{op: "SHELL", has: "2>&1; sha256sum '/sdcard/" + victim, answers: shells},
			{op: "SHELL", has: `rm -f "$f"`, answers: shells},
			{op: "LST2", path: victim, answers: (*way).states},
			{op: "SHELL", has: "content query", answers: shells},
			{op: "SHELL", has: "content call", answers: scans},
		},
		"backup": {
			{op: "LIS2", path: camera, answers: (*way).listings},
			{op: "RECV", path: stranger, answers: (*way).contents},
			{op: "LST2", path: stranger, answers: (*way).states},
		},
		"undo": {
			{op: "LIS2", path: "/storage", answers: cards},
			{op: "LST2", path: victim, answers: (*way).states},
			{op: "SEND", path: ".tmp", answers: pushes},
			{op: "LST2", path: ".tmp", answers: (*way).states},
			{op: "SHELL", has: "sha256sum '", answers: shells},
			{op: "SHELL", has: "mv -f", answers: shells},
			{op: "SHELL", has: "sync", answers: shells},
			{op: "SHELL", has: "content call", answers: scans},
		},
		"restore": {
			{op: "LST2", path: victim, answers: (*way).states},
			{op: "SEND", path: ".tmp", answers: pushes},
			{op: "SHELL", has: "sha256sum '", answers: shells},
		},
	},
	"sha256sum": {
		"compare": {
			{op: "RECV", path: stranger, answers: (*way).contents},
			{op: "LST2", path: stranger, answers: (*way).states},
		},
		"free": {
			{op: "RECV", path: victim, answers: (*way).contents},
			{op: "LST2", path: victim, answers: (*way).states},
			{op: "SHELL", has: "; stat -c", answers: shells},
		},
		"undo": {
			{op: "RECV", path: ".tmp", answers: (*way).contents},
		},
		"restore": {
			{op: "RECV", path: ".tmp", answers: (*way).contents},
		},
	},
}

// A phone that answers wrongly in every way, while it is compared, freed, filled again, backed up: no wrong yes; nothing leaves it that does not come
// back; nothing half written has a picture's name; nothing is written beside the target; all ends in bounded time and memory; and the
// same command works when the phone does. SHOEBOX_PROOF and SHOEBOX_LONG ask for all of them, else it is every fourth.
func TestFaultsOnTheWay(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	t.Run("all", func(t *testing.T) {
		for without, commands := range places {
			for command, places := range commands {
				t.Run(command+" without "+without, func(t *testing.T) {
					t.Parallel()
					w := newWay(t, func(c *adbtest.Config) { c.Without = []string{without} })
					for _, p := range places {
						w.meet(command, p)
					}
					t.Logf("%d faults", w.tried)
					tried.Cases(t, 13, w.tried)
				})
			}
		}
	})
	runtime.ReadMemStats(&after)
	if grown := (int64(after.HeapSys) - int64(before.HeapSys)) >> 20; grown > 700 {
		t.Errorf("it took %d MiB of memory", grown)
	}
}

// meet has a command meet each wrong answer at a place.
func (w *way) meet(command string, p place) {
	w.t.Helper()
	w.reset(true) // answers are made of what there is
	every := 1
	if os.Getenv("SHOEBOX_PROOF") == "" && os.Getenv("SHOEBOX_LONG") == "" {
		every = 4 // all of them take a minute
	}
	for i, a := range p.answers(w) {
		if i%every > 0 {
			continue
		}
		a.fault.Op, a.fault.Path, a.fault.Has = p.op, p.path, p.has
		silence := patience
		if a.fault.Kind == adbtest.Hang {
			silence = 150 * time.Millisecond
		}
		w.try(command, a.name, silence, a.fault)
	}
}

// anywhere are faults of the way itself, whatever goes over it.
func anywhere(all ...answer) []answer {
	return append(all,
		answer{"the connection is cut", adbtest.Fault{Kind: adbtest.Cut, At: 20}},
		answer{"the connection is cut once", adbtest.Fault{Kind: adbtest.Cut, At: 20, Times: 1}},
		answer{"it ends at once", adbtest.Fault{Kind: adbtest.EndSession, Times: 1}},
		answer{"nothing comes", adbtest.Fault{Kind: adbtest.Hang}},
		answer{"nothing more comes", adbtest.Fault{Kind: adbtest.Hang, At: 30, Times: 1}},
		answer{"byte by byte", adbtest.Fault{Kind: adbtest.Drip, Pace: time.Microsecond}},
		answer{"nonsense", adbtest.Fault{Kind: adbtest.Raw, Text: "\x00\xffnonsense"}},
		answer{"zeros for ever", adbtest.Fault{Kind: adbtest.Endless, Text: strings.Repeat("\x00", 1<<16)}},
	)
}

// synced are those of the sync protocol, which says FAIL.
func synced(all ...answer) []answer {
	return anywhere(append(all,
		answer{"FAIL", adbtest.Fault{Kind: adbtest.RawClose, Text: fails("read failed: Input/output error")}},
		answer{"FAIL once", adbtest.Fault{Kind: adbtest.RawClose, Text: fails("read failed: Input/output error"), Times: 1}},
		answer{"FAIL and on", adbtest.Fault{Kind: adbtest.Raw, Text: fails("nope")}},
		answer{"FAIL of 4 GiB", adbtest.Fault{Kind: adbtest.RawClose, Text: "FAIL" + le32(math.MaxUint32)}},
	)...)
}

func le32(n uint32) string           { return string(binary.LittleEndian.AppendUint32(nil, n)) }
func fails(text string) string       { return "FAIL" + le32(uint32(len(text))) + text }
func data(text string) string        { return "DATA" + le32(uint32(len(text))) + text }
func packet(k byte, t string) string { return string(k) + le32(uint32(len(t))) + t }

const done = "DONE\x00\x00\x00\x00"

// listings are wrong answers to LIS2 of the camera's folder. The stranger is missing from most: what stands there instead may not be
// passed over.
func (w *way) listings() (all []answer) {
	there, err := adbtest.DirTree(w.phone.storage).List(camera)
	if err != nil || len(there) != 3 || there[2].Name != filepath.Base(stranger) {
		w.t.Fatal(there, err)
	}
	dots := []adbtest.Node{{Name: ".", Mode: 0o040771, Time: today}, {Name: "..", Mode: 0o040771, Time: today}}
	with := func(last ...adbtest.Node) string {
		return adbtest.Listing("LIS2", append(append(dots[:2:2], there[:2]...), last...)...)
	}
	long := strings.Repeat("n", 4096)
	for name, path := range map[string]string{"a name above": "../x.jpg", "a name far above": "../../../../../../tmp/x.jpg", "an absolute name": "/etc/x.jpg", "a name that goes up": "a/../../b.jpg",
		"a name with a slash": "x/y.jpg", "no name": "", "a name with a zero": "x\x00.jpg", "a name with a line feed": "n\nm.jpg", "a name of 4 KiB": long[4:] + ".jpg", "the name of another": filepath.Base(victim)} {
		one := there[2]
		one.Name = path
		all = append(all, answer{name, adbtest.Fault{Kind: adbtest.Raw, Text: with(one)}})
	}
	for name, size := range map[string]int64{"a byte too many": there[2].Size + 1, "a byte too few": there[2].Size - 1, "no bytes": 0, "5 GiB": 5 << 30, "2^62 bytes": 1 << 62, "fewer than none": -1} {
		one := there[2]
		one.Size = size
		all = append(all, answer{"listed with " + name, adbtest.Fault{Kind: adbtest.Raw, Text: with(one)}})
	}
	end := adbtest.Listing("LIS2")
	entry := strings.TrimSuffix(adbtest.Listing("LIS2", there[2]), end)
	endless := there[2]
	endless.Name = strings.Repeat(long, 15)
	return synced(append(all,
		answer{"no DONE", adbtest.Fault{Kind: adbtest.RawClose, Text: strings.TrimSuffix(with(), end)}},
		answer{"no DONE once", adbtest.Fault{Kind: adbtest.RawClose, Text: strings.TrimSuffix(with(), end), Times: 1}},
		answer{"half a DONE", adbtest.Fault{Kind: adbtest.RawClose, Text: with()[:len(with())-3]}},
		answer{"nothing at all", adbtest.Fault{Kind: adbtest.Raw, Text: end}},
		answer{"a name of 4 GiB", adbtest.Fault{Kind: adbtest.RawClose, Text: entry[:len(entry)-len(there[2].Name)-4] + le32(math.MaxUint32)}},
		answer{"without end", adbtest.Fault{Kind: adbtest.Endless, Text: strings.TrimSuffix(adbtest.Listing("LIS2", endless), end)}},
		answer{"dots without end", adbtest.Fault{Kind: adbtest.Endless, Text: strings.Repeat(strings.TrimSuffix(adbtest.Listing("LIS2", dots...), end), 500)}},
		answer{"FAIL within", adbtest.Fault{Kind: adbtest.Fail, At: 200, Text: "no more"}},
	)...)
}

// cards are wrong answers to LIS2 of the folder of cards.
func cards(*way) (all []answer) {
	for _, name := range []string{"../x", "/1234-ABCD", "1234-ABCD/../../x", "1234-ABCD\n", "1234-ABCD", strings.Repeat("1", 4096)} {
		all = append(all, answer{"a card " + name[:min(20, len(name))], adbtest.Fault{Kind: adbtest.Raw, Text: adbtest.Listing("LIS2", adbtest.Node{Name: name, Mode: 0o040771, Time: today})}})
	}
	return synced(append(all, answer{"no DONE", adbtest.Fault{Kind: adbtest.RawClose, Text: "DNT2"}})...)
}

// states are wrong answers to LST2.
func (w *way) states() (all []answer) {
	f := w.all[victim]
	right := adbtest.Node{Mode: 0o100644, Size: int64(len(f.data)), Time: f.modified}
	for name, change := range map[string]func(*adbtest.Node){
		"a byte too many": func(n *adbtest.Node) { n.Size++ },
		"a byte too few":  func(n *adbtest.Node) { n.Size-- },
		"6 GiB":           func(n *adbtest.Node) { n.Size = 6 << 30 },
		"4 GiB too many":  func(n *adbtest.Node) { n.Size += 1 << 32 },
		"a size below 0":  func(n *adbtest.Node) { n.Size = -1 },
		"a folder":        func(n *adbtest.Node) { n.Mode = 0o040771 },
		"a symlink":       func(n *adbtest.Node) { n.Mode = 0o120777 },
		"not permitted":   func(n *adbtest.Node) { n.Errno = 13 },
	} {
		one := right
		change(&one)
		all = append(all, answer{name, adbtest.Fault{Kind: adbtest.Raw, Text: adbtest.State("LST2", one)}})
	}
	return synced(append(all, answer{"half", adbtest.Fault{Kind: adbtest.RawClose, Text: adbtest.State("LST2", right)[:50]}})...)
}

// contents are wrong answers to RECV.
func (w *way) contents() []answer {
	whole := string(w.is[stranger].data)
	return synced(
		answer{"DATA of 4 GiB", adbtest.Fault{Kind: adbtest.RawClose, Text: "DATA" + le32(math.MaxUint32) + whole}},
		answer{"DATA of 2 MiB", adbtest.Fault{Kind: adbtest.RawClose, Text: "DATA" + le32(2<<20) + whole}},
		answer{"no DONE", adbtest.Fault{Kind: adbtest.RawClose, Text: data(whole)}},
		answer{"too few bytes", adbtest.Fault{Kind: adbtest.Raw, Text: data(whole[1:]) + done}},
		answer{"too many bytes", adbtest.Fault{Kind: adbtest.Raw, Text: data(whole+"x") + done}},
		answer{"no bytes", adbtest.Fault{Kind: adbtest.Raw, Text: done}},
		answer{"bytes for ever", adbtest.Fault{Kind: adbtest.Endless, Text: data(strings.Repeat("x", 60000))}},
		answer{"nothing for ever", adbtest.Fault{Kind: adbtest.Endless, Text: strings.Repeat(data(""), 1000)}},
		answer{"FAIL within", adbtest.Fault{Kind: adbtest.Fail, At: 700, Text: "read failed: Input/output error"}},
		answer{"cut midway", adbtest.Fault{Kind: adbtest.Cut, At: 700}},
		answer{"cut midway once", adbtest.Fault{Kind: adbtest.Cut, At: 700, Times: 1}},
	)
}

// pushes are wrong answers to SEND.
func pushes(*way) []answer {
	return synced(
		answer{"it says OKAY and stores nothing", adbtest.Fault{Kind: adbtest.Raw, Text: "OKAY\x00\x00\x00\x00"}},
		answer{"full", adbtest.Fault{Kind: adbtest.Fail, At: 700, Text: "write failed: No space left on device"}},
		answer{"cut midway", adbtest.Fault{Kind: adbtest.Cut, At: 700}},
		answer{"silent midway", adbtest.Fault{Kind: adbtest.Hang, At: 700}},
		answer{"the second ends at once", adbtest.Fault{Kind: adbtest.EndSession, Times: 1, Skip: 1}},
		answer{"FAIL without end", adbtest.Fault{Kind: adbtest.Endless, Text: fails("no")}},
	)
}

// shells are wrong answers of a program in the phone's shell.
func shells(*way) []answer {
	const zeros = "0000000000000000000000000000000000000000000000000000000000000000  x\n"
	return anywhere(
		answer{"no exit code", adbtest.Fault{Kind: adbtest.RawClose, Text: packet(1, zeros)}},
		answer{"another hash", adbtest.Fault{Kind: adbtest.Raw, Text: packet(1, zeros) + packet(3, "\x00")}},
		answer{"half a hash", adbtest.Fault{Kind: adbtest.Raw, Text: packet(1, zeros[:40]) + packet(3, "\x00")}},
		answer{"nothing and all is well", adbtest.Fault{Kind: adbtest.Raw, Text: packet(3, "\x00")}},
		answer{"removed and moved", adbtest.Fault{Kind: adbtest.Raw, Text: packet(1, "removed\nmoved\nremoved\n") + packet(3, "\x00")}},
		answer{"moved", adbtest.Fault{Kind: adbtest.Raw, Text: packet(1, "moved\n") + packet(3, "\x00")}},
		answer{"exit code 1", adbtest.Fault{Kind: adbtest.Raw, Text: packet(2, "Input/output error\n") + packet(3, "\x01")}},
		answer{"a packet of 4 GiB", adbtest.Fault{Kind: adbtest.RawClose, Text: "\x01" + le32(math.MaxUint32) + zeros}},
		answer{"an exit code of 4 GiB", adbtest.Fault{Kind: adbtest.RawClose, Text: packet(1, zeros) + "\x03" + le32(math.MaxUint32)}},
		answer{"text for ever", adbtest.Fault{Kind: adbtest.Endless, Text: packet(1, strings.Repeat("removed\n", 8<<10))}},
		answer{"complaints for ever", adbtest.Fault{Kind: adbtest.Endless, Text: packet(2, strings.Repeat("oh no\n", 8<<10))}},
		answer{"nothing for ever", adbtest.Fault{Kind: adbtest.Endless, Text: strings.Repeat(packet(1, ""), 10_000)}},
	)
}

// scans are those of a look at a whole storage, which may be silent for minutes.
func scans(w *way) []answer {
	return slices.DeleteFunc(shells(w), func(a answer) bool { return a.fault.Kind == adbtest.Hang })
}
