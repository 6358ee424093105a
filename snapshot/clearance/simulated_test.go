package clearance_test

import (
	"context"
	"errors"
	"fmt"
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
	"shoebox/snapshot"
	"shoebox/snapshot/clearance"
)

// simulated is a phone that speaks adb's protocol, whose storage is a folder here.
type simulated struct {
	t       *testing.T
	storage string
	daemon  *adbtest.Daemon
	direct  *adbtest.Direct
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
	var err error
	if s.direct, err = adbtest.ListenDirect(s.daemon); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(s.direct.Close(), s.daemon.Close()) })
	if s.phone, err = device.OpenPhone(t.Context(), &adb.Server{Addr: s.direct.Addr()}, device.PhoneOptions{}); err != nil {
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
		if err := putBack(t, now, s, all, len(left)); err != nil {
			t.Errorf("stopped at call %d (dead from then on: %v): %v", at, dead, err)
		}
		return from.calls
	}
	calls := run(0, false)
	for at := 1; at <= calls; at++ {
		run(at, true)
	}
}

// putBack undoes the run, when anything is missing, and compares.
func putBack(t *testing.T, l *lab, s *simulated, all map[string]onPhone, left int) error {
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
		if did, err := clearance.Undo(t.Context(), r, run, home, today, snapshot.RestoreOptions{}); err != nil || len(did.Failed) > 0 || did.Kept > 0 {
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
