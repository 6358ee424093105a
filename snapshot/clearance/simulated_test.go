package clearance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/clearance"
)

// simulated is a phone that speaks adb's protocol, whose storage is a folder here.
type simulated struct {
	t       *testing.T
	storage string
	daemon  *adbtest.Daemon
	phone   *device.Phone
}

// oddNames are names that a shell would make something else of.
var oddNames = []string{"; rm -rf .jpg", "$(touch x).jpg", "`a`'b\"c.jpg", "new\nline.jpg", "-rf.jpg", " * ?.jpg", "\xff\xfe.jpg"}

// newSimulated connects a phone with pictures on it, with or without some programs.
func newSimulated(t *testing.T, files map[string]onPhone, adjust func(*adbtest.Config)) *simulated {
	t.Helper()
	s := &simulated{t: t, storage: t.TempDir()}
	s.fill(files)
	config := adbtest.Config{Model: "Pixel_8", Serial: "SIMULATED", Storage: adbtest.DirTree(s.storage)}
	if adjust != nil {
		adjust(&config)
	}
	s.daemon = adbtest.New(config)
	direct, err := adbtest.ListenDirect(s.daemon)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = direct.Close() })
	if s.phone, err = device.OpenPhone(t.Context(), &adb.Server{Addr: direct.Addr()}, device.PhoneOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.phone.Close() })
	return s
}

// fill puts back what is not there.
func (s *simulated) fill(files map[string]onPhone) {
	s.t.Helper()
	for path, f := range files {
		at := filepath.Join(s.storage, path)
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if err == nil {
			err = os.WriteFile(at, f.data, 0o644)
		}
		if err == nil {
			err = os.Chtimes(at, f.modified, f.modified)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// holds reads what is on the phone, behind its back.
func (s *simulated) holds() map[string]onPhone {
	s.t.Helper()
	all := make(map[string]onPhone)
	err := filepath.WalkDir(s.storage, func(at string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		info, err := d.Info()
		path, _ := filepath.Rel(s.storage, at)
		all[filepath.ToSlash(path)] = onPhone{data, info.ModTime()}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// stops ends a run at one of its calls to the phone: before it, or after it when its answer is lost.
type stops struct {
	*device.Phone
	at, calls int
	dead      bool
}

func (s *stops) meet() error {
	if s.calls++; s.at > 0 && (s.calls == s.at || s.dead && s.calls > s.at) {
		return &device.PhoneError{State: device.ErrPhoneGone}
	}
	return nil
}

func (s *stops) Files(ctx context.Context) iter.Seq2[device.File, error] { return s.Phone.Files(ctx) }

func (s *stops) Sum(ctx context.Context, f device.File) (sum [32]byte, err error) {
	if err := s.meet(); err != nil {
		return sum, err
	}
	return s.Phone.Sum(ctx, f)
}

func (s *stops) Remove(ctx context.Context, f device.File, sum [32]byte) error {
	if err := s.meet(); err != nil {
		return err
	}
	return errors.Join(s.Phone.Remove(ctx, f, sum), s.meet())
}

func (s *stops) Forget(ctx context.Context, files []device.File) ([]string, error) {
	if err := s.meet(); err != nil {
		return nil, err
	}
	return s.Phone.Forget(ctx, files)
}

func oddPictures() map[string]onPhone {
	all := make(map[string]onPhone)
	plain := pictures(len(oddNames), 40)
	for i, path := range slices.Sorted(maps.Keys(plain)) {
		f := plain[path]
		f.modified = f.modified.Truncate(time.Second)
		all["DCIM/Camera/"+oddNames[i]] = f
	}
	return all
}

// The same with a phone that speaks the real protocol, and with names that a shell mangles: stopped before and after each call to the phone,
// nothing is lost, and undo puts everything back onto the phone.
func TestStopAnywhereOnAPhone(t *testing.T) {
	all := oddPictures()
	s := newSimulated(t, all, nil)
	l := newLab(t)
	l.backupOf(s.phone)
	run := func(at int, dead bool) int {
		s.fill(all)
		now := l.copied()
		r := now.open(now.store)
		defer r.Close()
		plan, err := clearance.MakePlan(t.Context(), r, labDevice(r), s.phone, clearance.Rules{}, today)
		if err != nil || len(plan.Candidates) != len(all) {
			t.Fatalf("%d candidates, %v", len(plan.Candidates), err)
		}
		from := &stops{Phone: s.phone, at: at, dead: dead}
		did, err := plan.Run(t.Context(), r, from, clearance.FreeOptions{Workers: 1, GroupFiles: 3})
		if (err == nil) != (at == 0 || from.calls < at) {
			t.Errorf("stopped at call %d: %v", at, err)
		}
		left := s.holds()
		if at == 0 && (len(left) > 0 || did.Files != int64(len(all))) {
			t.Errorf("%d left, %+v", len(left), did)
		}
		if err := putBack(t, now, s, all, len(left), 0); err != nil {
			t.Errorf("stopped at call %d (dead from then on: %v): %v", at, dead, err)
		}
		return from.calls
	}
	calls := run(0, false)
	for at := 1; at <= calls; at++ {
		run(at, true)
	}
}

// sameIn counts the files that are the same in both.
func sameIn(a, b map[string]onPhone) (n int) {
	for path, f := range a {
		if string(f.data) == string(b[path].data) {
			n++
		}
	}
	return n
}

// putBack undoes the run, when anything is missing, and compares. So many files were edited since, and stay.
func putBack(t *testing.T, l *lab, s *simulated, all map[string]onPhone, left, edited int) error {
	r := l.open(l.store)
	defer r.Close()
	if left < len(all) {
		run, err := clearance.LastRun(t.Context(), r, labDevice(r).ID, "")
		if err != nil {
			return err
		}
		home, err := s.phone.Home(t.Context(), device.HomeOptions{})
		if err != nil {
			return err
		}
		if did, err := clearance.Undo(t.Context(), r, run, home, today, snapshot.RestoreOptions{}); err != nil || len(did.Failed) > 0 || did.Kept > int64(edited) {
			return fmt.Errorf("undo: %+v, %w", did, err)
		}
	}
	is := s.holds()
	for path, f := range all {
		if string(is[path].data) != string(f.data) || !is[path].modified.Equal(f.modified) {
			return fmt.Errorf("%q is not as it was", path)
		}
	}
	if len(is) != len(all) {
		return fmt.Errorf("%d files, not %d", len(is), len(all))
	}
	return nil
}

// Phones that cannot hash, hash wrongly, lie about how it went, or are full or read-only, lose nothing.
func TestOddPhones(t *testing.T) {
	for name, c := range map[string]struct {
		adjust func(*adbtest.Config)
		stay   bool
	}{
		"no sha256sum": {func(c *adbtest.Config) { c.Without = []string{"sha256sum"} }, false},
		"sha256sum tells another hash": {func(c *adbtest.Config) {
			c.Programs = map[string]string{"sha256sum": "echo 0000000000000000000000000000000000000000000000000000000000000000  \"$1\""}
		}, true},
		"sha256sum says nothing and that all is well": {func(c *adbtest.Config) { c.Programs = map[string]string{"sha256sum": "exit 0"} }, false},
		"sha256sum fails": {func(c *adbtest.Config) { c.Programs = map[string]string{"sha256sum": "echo no >&2; exit 1"} }, false},
		"rm does nothing and says that all is well": {func(c *adbtest.Config) { c.Programs = map[string]string{"rm": "exit 0"} }, true},
		"rm refuses": {func(c *adbtest.Config) {
			c.Programs = map[string]string{"rm": "echo 'Read-only file system' >&2; exit 1"}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			all := oddPictures()
			s := newSimulated(t, all, c.adjust)
			l := newLab(t)
			l.backupOf(s.phone)
			r := l.open(l.store)
			defer r.Close()
			plan, err := clearance.MakePlan(t.Context(), r, labDevice(r), s.phone, clearance.Rules{}, today)
			if err != nil {
				t.Fatal(err)
			}
			did, err := plan.Run(t.Context(), r, s.phone, clearance.FreeOptions{})
			left := s.holds()
			if err != nil || len(left)+int(did.Files) != len(all) || c.stay != (len(left) == len(all)) {
				t.Errorf("%d left, %+v, %v", len(left), did, err)
			}
			for path, f := range left {
				if string(f.data) != string(all[path].data) {
					t.Errorf("%q changed", path)
				}
			}
		})
	}
}

// Whatever goes wrong on the way to the phone, no wrong yes is said of it, nothing leaves it that is not kept, and what changed meanwhile stays.
func TestFaultsOnTheWay(t *testing.T) {
	for without, ops := range map[string][]string{"": {"LIS2", "LST2", "SHELL"}, "sha256sum": {"RECV"}} { // without it files are pulled
		w := newWay(t, without)
		for _, op := range ops {
			for _, fault := range []adbtest.Fault{{Kind: adbtest.Cut}, {Kind: adbtest.EndSession, At: 40}, {Kind: adbtest.Fail, At: 50, Text: "read failed: Input/output error"},
				{Kind: adbtest.Raw, Text: "\x00\xffnonsense"}, {Kind: adbtest.Do, Func: w.edit}} {
				for _, skip := range []int{0, 5} {
					fault.Op, fault.Skip, fault.Times = op, skip, 1
					if op == "LST2" && fault.Kind == adbtest.Fail {
						fault.At = 0 // a phone says FAIL in place of an answer, and not within one
					}
					w.compare(fault)
					w.free(fault)
					w.backup(fault)
					w.tried++
				}
			}
		}
		t.Logf("without %q: %d faults", without, w.tried)
	}
}

// The same while everything is put back onto an empty phone: nothing half written ever has a picture's name, and the next run completes it.
func TestFaultsOnTheWayBack(t *testing.T) {
	for without, ops := range map[string][]string{"": {"SEND", "LST2", "SHELL"}, "sha256sum": {"RECV"}} {
		w := newWay(t, without)
		for _, op := range ops {
			for _, fault := range []adbtest.Fault{{Kind: adbtest.Cut, At: 5000}, {Kind: adbtest.EndSession}, {Kind: adbtest.Fail, At: 100, Text: "write failed: No space left on device"},
				{Kind: adbtest.Raw, Text: "\x00\xffnonsense"}} {
				for _, skip := range []int{0, 5} {
					fault.Op, fault.Skip, fault.Times = op, skip, 1
					w.restore(fault)
					w.tried++
				}
			}
		}
		t.Logf("without %q: %d faults", without, w.tried)
	}
}

// way is a phone, a repository that has all of it, and what goes wrong between them.
type way struct {
	t      *testing.T
	all    map[string]onPhone
	phone  *simulated
	lab    *lab
	edited bool // the picture that edit changes was changed
	tried  int
}

func newWay(t *testing.T, without string) *way {
	w := &way{t: t, all: oddPictures(), lab: newLab(t)}
	w.phone = newSimulated(t, w.all, func(c *adbtest.Config) { c.Without = []string{without} })
	w.lab.backupOf(w.phone.phone)
	return w
}

// victim is the picture that is edited on the phone while it is looked at.
const victim = "DCIM/Camera/$(touch x).jpg"

func (w *way) edit() {
	w.edited = true
	if err := os.WriteFile(filepath.Join(w.phone.storage, victim), []byte("edited meanwhile"), 0o644); err != nil {
		w.t.Error(err)
	}
}

// anew puts everything back and then lets it go wrong.
func (w *way) anew(fault adbtest.Fault) {
	w.phone.daemon.Mend()
	w.phone.fill(w.all)
	w.edited = false
	w.phone.daemon.Break(fault)
}

func (w *way) compare(fault adbtest.Fault) {
	w.t.Helper()
	w.anew(fault)
	r := w.lab.open(w.lab.store)
	defer r.Close()
	said, err := clearance.Compare(w.t.Context(), r, w.phone.phone, clearance.CompareOptions{Workers: 1})
	if err == nil && !w.edited && said.Yes() && said.Proven != int64(len(w.all)) {
		w.t.Errorf("%+v: a wrong yes: %+v", fault, said)
	}
}

func (w *way) free(fault adbtest.Fault) {
	w.t.Helper()
	w.anew(fault)
	now := w.lab.copied()
	r := now.open(now.store)
	if plan, err := clearance.MakePlan(w.t.Context(), r, labDevice(r), w.phone.phone, clearance.Rules{}, today); err == nil {
		_, _ = plan.Run(w.t.Context(), r, w.phone.phone, clearance.FreeOptions{Workers: 1, GroupFiles: 3})
	}
	_ = r.Close()
	w.phone.daemon.Mend()
	left, want := w.phone.holds(), maps.Clone(w.all)
	if is, there := left[victim]; w.edited && there {
		want[victim] = is // it was not deleted, and stays as it is
	}
	if err := putBack(w.t, now, w.phone, want, len(left), len(want)-sameIn(want, w.all)); err != nil {
		w.t.Errorf("%+v (%d left): %v", fault, len(left), err)
	}
}

// backup takes a snapshot with the fault, and one without: the second holds all that is on the phone, and neither holds anything else.
func (w *way) backup(fault adbtest.Fault) {
	w.t.Helper()
	w.anew(fault)
	now := w.lab.copied()
	r := now.open(now.store)
	defer r.Close()
	o := snapshot.BackupOptions{Device: labDevice(r), Host: "here", Dear: true, Recheck: 1, Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
	first, err := snapshot.Backup(w.t.Context(), r, w.phone.phone, o)
	w.phone.daemon.Mend()
	is := w.phone.holds()
	if first.Name != "" {
		w.gives(r, first, is, err == nil && first.Count.Failed == 0)
	}
	second, err := snapshot.Backup(w.t.Context(), r, w.phone.phone, o)
	if err != nil || second.Count.Failed > 0 {
		w.t.Errorf("%+v: the backup after it: %+v, %v", fault, second.Failed, err)
		return
	}
	w.gives(r, second, is, true)
}

// gives compares a snapshot with what is on the phone: all of it when it is whole. What was edited meanwhile may be there as it was before.
func (w *way) gives(r *repo.Repo, s snapshot.Snapshot, is map[string]onPhone, whole bool) {
	w.t.Helper()
	n := 0
	for e, err := range snapshot.Entries(w.t.Context(), r, s) {
		if err != nil {
			w.t.Fatal(err)
		}
		data, err := io.ReadAll(snapshot.Open(w.t.Context(), r, e))
		if err != nil || string(data) != string(is[e.Path].data) && string(data) != string(w.all[e.Path].data) {
			w.t.Errorf("%q is in the snapshot with other bytes: %d instead of %d, %v", e.Path, len(data), len(is[e.Path].data), err)
		}
		n++
	}
	if whole && n != len(is) {
		w.t.Errorf("%d files in the snapshot, %d on the phone", n, len(is))
	}
}

// restore puts everything back onto the phone with the fault, and then without.
func (w *way) restore(fault adbtest.Fault) {
	w.t.Helper()
	w.phone.daemon.Mend()
	for path := range w.phone.holds() {
		if err := os.Remove(filepath.Join(w.phone.storage, path)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.phone.daemon.Break(fault)
	r := w.lab.open(w.lab.store)
	defer r.Close()
	all, _, err := snapshot.List(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range 2 {
		home, err := w.phone.phone.Home(w.t.Context(), device.HomeOptions{})
		var did snapshot.Restored
		if err == nil {
			did, err = snapshot.Restore(w.t.Context(), r, all[0], home, snapshot.RestoreOptions{Workers: 2})
		}
		w.phone.daemon.Mend()
		whole := 0
		for path, f := range w.phone.holds() {
			if want, ok := w.all[path]; ok {
				whole++
				if string(f.data) != string(want.data) {
					w.t.Errorf("%+v: %q has other bytes", fault, path)
				}
			}
		}
		if i == 1 && (err != nil || len(did.Failed) > 0 || whole != len(w.all)) {
			w.t.Errorf("%+v: the second run: %+v, %v, %d whole", fault, did, err, whole)
		}
	}
}
