package clearance_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shoebox/bench/proof/tried"
	"shoebox/device/adb/adbtest"
)

// change is what people, or their phone, do to a file while a command is at it.
type change struct {
	name   string
	unseen bool // its size and time stay
	do     func(w *way, path string)
}

var changes = []change{
	{"appended", false, func(w *way, path string) {
		w.rewrite(path, append(bytes.Clone(w.is[path].data), "more"...), time.Now())
	}},
	{"cut short", false, func(w *way, path string) { w.rewrite(path, w.is[path].data[:len(w.is[path].data)/2], time.Now()) }},
	{"rewritten", false, func(w *way, path string) {
		w.rewrite(path, bytes.Repeat([]byte("n"), len(w.is[path].data)), time.Now())
	}},
	{"rewritten, as large and as old", true, func(w *way, path string) {
		w.rewrite(path, append(bytes.Clone(w.is[path].data[:len(w.is[path].data)-4]), "edit"...), w.is[path].modified)
	}},
	{"deleted", false, func(w *way, path string) { w.drop(path) }},
	{"renamed", false, func(w *way, path string) {
		to := filepath.Dir(path) + "/renamed.jpg"
		if err := os.Rename(filepath.Join(w.phone.storage, path), filepath.Join(w.phone.storage, to)); err != nil {
			w.t.Error(err)
		}
		w.is[to] = w.is[path]
		w.versions[to] = w.versions[path]
		delete(w.is, path)
	}},
	{"replaced by a folder", false, func(w *way, path string) {
		w.drop(path)
		if err := os.Mkdir(filepath.Join(w.phone.storage, path), 0o755); err != nil {
			w.t.Error(err)
		}
	}},
}

// rewrite is a file with other bytes.
func (w *way) rewrite(path string, data []byte, at time.Time) {
	w.is[path] = onPhone{data, at.Truncate(time.Second)}
	w.versions[path] = append(w.versions[path], string(data))
	w.phone.fill(map[string]onPhone{path: w.is[path]})
}

// moment is when something changes.
type moment struct {
	name  string
	fault adbtest.Fault // whose Func it is; none: between plan and run
	seen  bool          // an unseen change must be noticed too: the bytes are looked at later
}

// moments of each command; on a phone without sha256sum, bytes go over the cable instead.
var moments = map[string]map[string][]moment{
	"": {
		"compare": {
			{"between list and hash", adbtest.Fault{Op: "SHELL", Has: "sha256sum '/sdcard/" + victim, Kind: adbtest.First}, true},
		},
		"free": {
			{name: "between plan and run", seen: true},
			{"between list and hash", adbtest.Fault{Op: "SHELL", Has: "2>&1; sha256sum '/sdcard/" + victim, Kind: adbtest.First}, true},
			{"between hash and rm", adbtest.Fault{Op: "SHELL", Has: "2>&1; sha256sum '/sdcard/" + victim, Kind: adbtest.Do}, true},
			{"just before rm", adbtest.Fault{Op: "SHELL", Has: `rm -f "$f"`, Kind: adbtest.First}, true},
		},
		"backup": {
			{"between list and pull", adbtest.Fault{Op: "RECV", Path: victim, Kind: adbtest.First}, true},
			{"while it is pulled", adbtest.Fault{Op: "RECV", Path: victim, Kind: adbtest.Do, At: 1000}, false},
			{"between pull and stat", adbtest.Fault{Op: "LST2", Path: victim, Kind: adbtest.First}, true},
			{"after stat", adbtest.Fault{Op: "LST2", Path: victim, Kind: adbtest.Do}, true},
		},
	},
	"sha256sum": {
		"compare": {
			{"between list and pull", adbtest.Fault{Op: "RECV", Path: victim, Kind: adbtest.First}, true},
			{"while it is pulled", adbtest.Fault{Op: "RECV", Path: victim, Kind: adbtest.Do, At: 1000}, true},
			{"between pull and stat", adbtest.Fault{Op: "LST2", Path: victim, Kind: adbtest.First}, false},
		},
		"free": {
			{name: "between plan and run", seen: true},
			{"between list and pull", adbtest.Fault{Op: "RECV", Path: victim, Kind: adbtest.First, Times: 1}, true},
			{"while it is pulled", adbtest.Fault{Op: "RECV", Path: victim, Kind: adbtest.Do, At: 1000, Times: 1}, true},
			{"between pull and stat", adbtest.Fault{Op: "LST2", Path: victim, Kind: adbtest.First, Times: 1}, true},
			{"between hash and stamp", adbtest.Fault{Op: "SHELL", Has: "; stat -c", Kind: adbtest.First, Times: 1}, true},
			{"while it is pulled again", adbtest.Fault{Op: "RECV", Path: victim, Kind: adbtest.Do, At: 1000, Times: 1, Skip: 1}, false},
			{"just before rm", adbtest.Fault{Op: "SHELL", Has: `rm -f "$f"`, Kind: adbtest.First, Times: 1, Skip: 1}, false},
		},
	},
}

// What people do to a picture while a command is at it is theirs: no wrong yes, nothing of it is deleted or overwritten, no snapshot has a mix of
// old and new, and the same command works afterwards.
func TestChangedMeanwhile(t *testing.T) {
	for without, commands := range moments {
		for command, moments := range commands {
			t.Run(command+" without "+without, func(t *testing.T) {
				t.Parallel()
				w := newWay(t, func(c *adbtest.Config) { c.Without, c.Frame = []string{without}, 500 })
				for _, m := range moments {
					for _, c := range changes {
						if m.seen || !c.unseen {
							w.change(command, m, c, victim)
						}
					}
				}
				t.Logf("%d changes", w.tried)
				tried.Cases(t, 14, w.tried)
			})
		}
	}
}

func (w *way) change(command string, m moment, c change, path string) {
	w.t.Helper()
	f := m.fault
	happen := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.changed { // once
			w.changed = true
			c.do(w, path)
		}
	}
	if f.Op == "" {
		f.Op, f.Path, f.Kind = "LIS2", camera, adbtest.First
		f.Func = func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.planned = happen
		}
	} else {
		f.Func = happen
	}
	w.try(command, c.name+" "+m.name, patience, f)
}

// back is a moment at which something is put where a picture is about to be put back.
var putMeanwhile = []moment{
	{name: "before it is looked at", fault: adbtest.Fault{Op: "LST2", Path: victim, Kind: adbtest.First}},
	{name: "after it was looked at", fault: adbtest.Fault{Op: "LST2", Path: victim, Kind: adbtest.Do, Skip: 1}},
	{name: "before it is pushed", fault: adbtest.Fault{Op: "SEND", Path: ".tmp", Kind: adbtest.First}},
	{name: "while it is pushed", fault: adbtest.Fault{Op: "SEND", Path: ".tmp", Kind: adbtest.Do, At: 1000}},
	{name: "before it is hashed", fault: adbtest.Fault{Op: "SHELL", Has: "sha256sum '", Kind: adbtest.First}},
	{name: "before it is renamed", fault: adbtest.Fault{Op: "SHELL", Has: "mv -f", Kind: adbtest.First}},
}

// What comes to lie in the place of a picture that is being put back is never overwritten; and what happens to the unfinished file never gets a
// picture's name.
func TestPutMeanwhile(t *testing.T) {
	for _, command := range []string{"undo", "restore"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			w := newWay(t, nil)
			for _, m := range putMeanwhile {
				w.change(command, m, change{name: "a new one", do: func(w *way, path string) { w.rewrite(path, []byte("taken meanwhile"), time.Now()) }}, victim)
				w.change(command, m, change{name: "one as large", do: func(w *way, path string) {
					w.rewrite(path, bytes.Repeat([]byte("n"), len(w.all[victim].data)), time.Now())
				}}, victim)
			}
			for _, c := range unfinishedChanges {
				for _, m := range []moment{
					{name: "after it was pushed", fault: adbtest.Fault{Op: "SEND", Path: ".tmp", Kind: adbtest.Do}},
					{name: "before it is looked at", fault: adbtest.Fault{Op: "LST2", Path: ".tmp", Kind: adbtest.First}},
					{name: "before it is hashed", fault: adbtest.Fault{Op: "SHELL", Has: "sha256sum '", Kind: adbtest.First}},
				} {
					w.change(command, m, c, "")
				}
			}
			t.Logf("%d changes", w.tried)
			tried.Cases(t, 14, w.tried)
		})
	}
}

// unfinishedChanges happen to files that are not yet all there.
var unfinishedChanges = []change{
	{name: "unfinished: appended", do: unfinished(func(at string, old []byte) error { return os.WriteFile(at, append(old, 'x'), 0o644) })},
	{name: "unfinished: rewritten", do: unfinished(func(at string, old []byte) error { return os.WriteFile(at, bytes.Repeat([]byte("n"), len(old)), 0o644) })},
	{name: "unfinished: deleted", do: unfinished(func(at string, _ []byte) error { return os.Remove(at) })},
	{name: "unfinished: renamed", do: unfinished(func(at string, _ []byte) error { return os.Rename(at, at[:len(at)-len(".tmp")]+"2.tmp") })},
}

func unfinished(do func(at string, old []byte) error) func(*way, string) {
	return func(w *way, _ string) {
		found, err := filepath.Glob(filepath.Join(w.phone.storage, camera, ".shoebox-*.tmp"))
		if err != nil {
			w.t.Error(err)
		}
		for _, at := range found {
			old, err := os.ReadFile(at)
			if err == nil {
				err = do(at, old)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may just have been finished
				w.t.Error(err)
			}
		}
	}
}

// The cable is pulled in the middle of a file, or of a question.
func TestUnpluggedMeanwhile(t *testing.T) {
	for without, commands := range map[string]map[string][]adbtest.Fault{
		"": {
			"compare": {{Op: "LIS2", Path: camera, At: 100}, {Op: "SHELL", Has: "sha256sum"}, {Op: "SHELL", Has: "sha256sum", At: 30}},
			"free":    {{Op: "SHELL", Has: "2>&1; sha256sum"}, {Op: "SHELL", Has: `rm -f "$f"`}, {Op: "SHELL", Has: `rm -f "$f"`, Skip: 1}, {Op: "LST2", Path: victim}, {Op: "SHELL", Has: "content query"}},
			"backup":  {{Op: "LIS2", Path: camera, At: 100}, {Op: "RECV", Path: victim, At: 700}, {Op: "RECV", Path: stranger, At: 1500}, {Op: "LST2", Path: other}},
			"undo":    {{Op: "SEND", At: 700}, {Op: "SEND", At: 1500, Skip: 1}, {Op: "LST2", Path: ".tmp"}, {Op: "SHELL", Has: "sha256sum"}, {Op: "SHELL", Has: "mv -f"}, {Op: "SHELL", Has: "content call"}},
			"restore": {{Op: "SEND", At: 700}, {Op: "SHELL", Has: "mv -f"}, {Op: "SHELL", Has: "mv -f", At: 3}},
		},
		"sha256sum": {
			"compare": {{Op: "RECV", Path: victim, At: 700}, {Op: "LST2", Path: victim}},
			"free":    {{Op: "RECV", Path: victim, At: 700}, {Op: "RECV", Path: victim, At: 700, Skip: 1}, {Op: "SHELL", Has: `rm -f "$f"`, Skip: 1}},
		},
	} {
		for command, faults := range commands {
			t.Run(command+" without "+without, func(t *testing.T) {
				t.Parallel()
				w := newWay(t, func(c *adbtest.Config) { c.Without, c.Frame = []string{without}, 500 })
				for _, f := range faults {
					f.Kind, f.Times, f.Func = adbtest.Do, 1, w.phone.direct.Unplug
					w.try(command, "unplugged", patience, f)
				}
				t.Logf("%d times", w.tried)
				tried.Cases(t, 14, w.tried)
			})
		}
	}
}
