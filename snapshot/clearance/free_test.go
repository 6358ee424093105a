package clearance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot"
	"shoebox/snapshot/clearance"
)

func (l *lab) plan(r *repo.Repo, p *phone, rules clearance.Rules) *clearance.Plan {
	l.t.Helper()
	plan, err := clearance.MakePlan(context.Background(), r, labDevice(r), p, rules, today)
	if err != nil {
		l.t.Fatal(err)
	}
	return plan
}

func chosen(p *clearance.Plan) (paths []string) {
	for _, c := range p.Candidates {
		paths = append(paths, c.File.Path)
	}
	return paths
}

// Only what is old, kept as it is, and asked for may go; the oldest first.
func TestPlan(t *testing.T) {
	l := newLab(t)
	old, young := pictures(6, 40), pictures(3, 0)
	on := newPhone(old)
	maps.Copy(on.files, young)
	on.files["DCIM/Camera/.pending-1-IMG_1.jpg"] = old[slices.Sorted(maps.Keys(old))[0]]
	on.files["Download/paper.pdf"] = onPhone{[]byte("%PDF-1.4 no picture"), today.AddDate(-1, 0, 0)}
	on.files["WhatsApp/IMG-20200101-WA0001.jpg"] = onPhone{bytes.Repeat([]byte{0xff, 0xd8, 0xff, 0xe0}, 10), today.AddDate(-2, 0, 0)}
	l.backup(on, nil)
	on.files["DCIM/Camera/IMG_20200101_1.jpg"] = onPhone{[]byte("never saved"), today.AddDate(-3, 0, 0)}
	paths := slices.Sorted(maps.Keys(old))
	touched := paths[2]
	on.files[touched] = onPhone{on.files[touched].data, on.files[touched].modified.Add(time.Second)}
	r := l.open(l.store)
	defer r.Close()

	inOrder := append([]string{"WhatsApp/IMG-20200101-WA0001.jpg"}, slices.Delete(slices.Clone(paths), 2, 3)...)
	for _, c := range []struct {
		name  string
		rules clearance.Rules
		want  []string
	}{
		{"the defaults", clearance.Rules{}, inOrder},
		{"a folder", clearance.Rules{Folders: []string{"WhatsApp/"}}, inOrder[:1]},
		{"a folder by half its name", clearance.Rules{Folders: []string{"WhatsA"}}, nil},
		{"videos", clearance.Rules{Types: []string{"video"}}, nil},
		{"a type in full", clearance.Rules{Types: []string{"image/jpeg"}}, inOrder},
		{"large ones", clearance.Rules{Larger: 1000}, inOrder[1:]},
		{"so many of the newest stay", clearance.Rules{KeepNewest: len(young) + 2}, inOrder[:len(inOrder)-2]},
		{"more stay than there are", clearance.Rules{KeepNewest: 1000}, nil},
		{"no more than needed", clearance.Rules{Enough: 41}, inOrder[:2]},
		{"a year old", clearance.Rules{Older: 365 * 24 * time.Hour}, inOrder[:1]},
		{"an hour old, which is less than the zones", clearance.Rules{Older: time.Hour, KeepNewest: 0}, append(slices.Clone(inOrder), slices.Sorted(maps.Keys(young))[:2]...)},
	} {
		plan := l.plan(r, on, c.rules)
		if got := chosen(plan); !slices.Equal(got, c.want) {
			t.Errorf("%s: chose %q, not %q", c.name, got, c.want)
		}
		var stay int64
		for _, s := range plan.Stay {
			stay += s.Files
		}
		if stay+int64(len(plan.Candidates)) != int64(len(on.files)) {
			t.Errorf("%s: %d stay and %d may go, of %d: %v", c.name, stay, len(plan.Candidates), len(on.files), plan.Stay)
		}
		if plan.Stay[clearance.Unsettled].Files != 1 || plan.Stay[clearance.NotKept].Files != 2 {
			t.Errorf("%s: %v", c.name, plan.Stay)
		}
	}
}

// What was freed is gone from the phone alone, and comes back by undo, byte for byte.
func TestFreeAndUndo(t *testing.T) {
	l := newLab(t)
	on := newPhone(pictures(9, 40))
	before := maps.Clone(on.files)
	l.backup(on, nil)
	r := l.open(l.store)
	defer r.Close()
	plan := l.plan(r, on, clearance.Rules{KeepNewest: 2})
	did, err := plan.Run(t.Context(), r, on, clearance.FreeOptions{GroupFiles: 3, Now: func() time.Time { return today }})
	if err != nil || did.Files != 7 || did.Bytes != plan.Bytes || len(did.Kept) > 0 || len(on.files) != 2 {
		t.Fatalf("%+v, %v; %d left", did, err, len(on.files))
	}
	run, err := clearance.LastRun(t.Context(), r, labDevice(r).ID, "")
	if err != nil || run.ID != did.Run || run.Removed != 7 || run.Bytes != did.Bytes || len(run.Files) != 7 {
		t.Fatalf("%+v, %v", run, err)
	}
	back, err := clearance.Undo(t.Context(), r, run, on, today, snapshot.RestoreOptions{})
	if err != nil || back.Files != 7 || len(back.Failed) > 0 {
		t.Fatalf("%+v, %v", back, err)
	}
	on.wants(t, before)
	if _, err = clearance.LastRun(t.Context(), r, labDevice(r).ID, ""); !errors.Is(err, clearance.ErrNoRun) {
		t.Errorf("it was undone, and there is still one: %v", err)
	}
	if again, err := clearance.LastRun(t.Context(), r, "", run.ID[:6]); err != nil || !again.Undone {
		t.Errorf("asked for by name: %+v, %v", again, err)
	}
}

func (p *phone) wants(t *testing.T, want map[string]onPhone) {
	t.Helper()
	for path, f := range want {
		is, ok := p.files[path]
		if !ok || !bytes.Equal(is.data, f.data) || !is.modified.Equal(f.modified) {
			t.Errorf("%s is not as it was (there: %v)", path, ok)
		}
	}
	if len(p.files) != len(want) {
		t.Errorf("%d files, not %d", len(p.files), len(want))
	}
}

// Each way in which a file may not be what it should be keeps it on the phone.
func TestStays(t *testing.T) {
	all := pictures(5, 40)
	victim := slices.Sorted(maps.Keys(all))[1]
	for name, c := range map[string]struct {
		spoil func(l *lab, on *phone, o *clearance.FreeOptions)
		stay  int // of the five
		fails error
	}{
		"other bytes of the same size and time": {func(_ *lab, on *phone, _ *clearance.FreeOptions) {
			f := on.files[victim]
			f.data = append(slices.Clone(f.data[1:]), f.data[0]^1)
			on.files[victim] = f
		}, 1, nil},
		"the phone cannot hash it": {func(_ *lab, on *phone, _ *clearance.FreeOptions) { on.mute = map[string]bool{victim: true} }, 1, nil},
		"it changes after it was hashed": {func(_ *lab, on *phone, _ *clearance.FreeOptions) {
			on.meet = func(call string) error {
				if call == "remove "+victim {
					on.files[victim] = onPhone{[]byte("edited"), today}
				}
				return nil
			}
		}, 1, nil},
		"it is gone already": {func(_ *lab, on *phone, _ *clearance.FreeOptions) {
			on.meet = func(call string) error {
				if call == "remove "+victim {
					delete(on.files, victim)
				}
				return nil
			}
		}, 0, nil},
		"the repository is damaged": {func(l *lab, _ *phone, _ *clearance.FreeOptions) { l.damage() }, -1, nil},
		"the second repository lacks it": {func(l *lab, on *phone, o *clearance.FreeOptions) {
			other := newLab(l.t)
			some := newPhone(on.files)
			delete(some.files, victim)
			other.backup(some, nil)
			o.Copy = other.open(other.store)
		}, 1, nil},
		"the second repository is damaged": {func(l *lab, on *phone, o *clearance.FreeOptions) {
			other := newLab(l.t)
			other.backup(on, nil)
			other.damage()
			o.Copy = other.open(other.store)
		}, -1, nil},
		"the second repository has all": {func(l *lab, on *phone, o *clearance.FreeOptions) {
			other := newLab(l.t)
			other.backup(on, nil)
			o.Copy = other.open(other.store)
		}, 0, nil},
		"its snapshot is forgotten meanwhile": {func(l *lab, on *phone, _ *clearance.FreeOptions) {
			on.meet = func(call string) error {
				if strings.HasPrefix(call, "sum ") && strings.HasSuffix(call, victim) {
					l.forgetAll()
				}
				return nil
			}
		}, 5, nil},
		"the brake is pulled meanwhile": {func(l *lab, on *phone, _ *clearance.FreeOptions) {
			on.meet = func(call string) error {
				if call == "sum "+victim {
					few := newPhone(map[string]onPhone{"one.jpg": all[victim]})
					l.backup(few, func(_ *repo.Repo, o *snapshot.BackupOptions) { o.Brake = snapshot.BrakeOptions{Share: 0.1, Least: 1} })
				}
				return nil
			}
		}, 5, snapshot.ErrBrake},
		"the phone is gone": {func(_ *lab, on *phone, _ *clearance.FreeOptions) {
			on.meet = func(call string) error {
				if call == "remove "+victim {
					return &device.PhoneError{State: device.ErrPhoneGone}
				}
				return nil
			}
		}, 4, device.ErrPhoneGone},
	} {
		t.Run(name, func(t *testing.T) {
			l, on := newLab(t), newPhone(all)
			l.backup(on, nil)
			r := l.open(l.store)
			defer r.Close()
			plan := l.plan(r, on, clearance.Rules{})
			var o clearance.FreeOptions
			c.spoil(l, on, &o)
			o.Workers = 1
			did, err := plan.Run(t.Context(), r, on, o)
			if c.fails == nil && err != nil || c.fails != nil && !errors.Is(err, c.fails) {
				t.Errorf("it ended with %v, not %v", err, c.fails)
			}
			if c.stay == -1 { // some, and each that went is proven
				if len(did.Kept) == 0 {
					t.Error("packs are damaged, and all went")
				}
				return
			}
			if len(on.files) != c.stay {
				t.Errorf("%d stayed, not %d: %+v", len(on.files), c.stay, did)
			}
			if int(did.Files)+len(on.files) > 5 {
				t.Errorf("%d are said to be removed, and %d are there", did.Files, len(on.files))
			}
		})
	}
}

// forgetAll forgets all snapshots, for good.
func (l *lab) forgetAll() {
	r := l.open(l.store)
	defer r.Close()
	all, _, err := snapshot.List(l.t.Context(), r)
	if err != nil {
		l.t.Fatal(err)
	}
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	if _, err := snapshot.Forget(l.t.Context(), r, names, snapshot.ForgetOptions{LastCopies: true}); err != nil {
		l.t.Fatal(err)
	}
}

// While the brake is on nothing leaves the phone.
func TestBrakeHolds(t *testing.T) {
	l, on := newLab(t), newPhone(pictures(9, 40))
	l.backup(on, nil)
	for path := range maps.Clone(on.files) {
		if len(on.files) > 4 {
			delete(on.files, path)
		}
	}
	tight := func(_ *repo.Repo, o *snapshot.BackupOptions) { o.Brake = snapshot.BrakeOptions{Share: 0.3, Least: 2} }
	s := l.backup(on, tight)
	if s.Brake == nil {
		t.Fatal("five of nine are gone, and nothing is held")
	}
	r := l.open(l.store)
	defer r.Close()
	plan := l.plan(r, on, clearance.Rules{})
	if plan.Held == nil || len(plan.Candidates) > 0 {
		t.Errorf("the brake is on, and the plan is %+v", plan)
	}
	if _, err := plan.Run(t.Context(), r, on, clearance.FreeOptions{}); !errors.Is(err, snapshot.ErrBrake) || len(on.files) != 4 {
		t.Errorf("%v; %d left", err, len(on.files))
	}
}

// What was freed does not pull the brake at the next backup; what else is gone does, and so does what nobody can know to be freed. While nothing is gone no
// receipt is read.
func TestFreedIsExpected(t *testing.T) {
	over, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx             context.Context // with which receipts are read; nil: nobody asks
		free            bool
		brake, troubled bool
	}{
		"told":             {t.Context(), true, false, false},
		"not told":         {nil, true, true, false},
		"unreadable":       {over, true, true, true},
		"nothing is freed": {over, false, false, false},
	} {
		l, on := newLab(t), newPhone(pictures(9, 40))
		l.backup(on, nil)
		r := l.open(l.store)
		if c.free {
			if _, err := l.plan(r, on, clearance.Rules{KeepNewest: 2}).Run(t.Context(), r, on, clearance.FreeOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		var trouble []error
		s := l.backup(on, func(r *repo.Repo, o *snapshot.BackupOptions) {
			o.Brake = snapshot.BrakeOptions{Share: 0.3, Least: 2}
			if c.ctx != nil {
				o.Expected = clearance.Taken(c.ctx, r, o.Device.ID, func(err error) { trouble = append(trouble, err) })
			}
		})
		if (s.Brake != nil) != c.brake || len(trouble) > 1 || (len(trouble) == 1) != c.troubled {
			t.Errorf("%s: the brake: %+v, trouble %v", name, s.Brake, trouble)
		}
		_ = r.Close()
	}
}

// A run may stop anywhere, by a power cut or at one call that fails: every picture is then on the phone, or the repository gives it back; and undo
// puts everything back.
func TestStopAnywhere(t *testing.T) {
	l := newLab(t)
	all := pictures(4, 40)
	l.backup(newPhone(all), nil)
	calls := l.freeUntil(all, 0, false)
	if calls < 20 {
		t.Fatalf("a run is %d calls", calls)
	}
	for at := 1; at <= calls; at++ {
		for _, dead := range []bool{true, false} {
			l.copied().freeUntil(all, at, dead)
		}
	}
}

var errCut = errors.New("the power is cut")

// freeUntil runs free-space until a call of the phone or the store, and looks what is left. It gives how many calls there were.
func (l *lab) freeUntil(all map[string]onPhone, at int, dead bool) (calls int) {
	l.t.Helper()
	on := newPhone(all)
	meet := func(string) error {
		if calls++; at > 0 && (calls == at || dead && calls > at) {
			return errCut
		}
		return nil
	}
	r, err := l.tryOpen(l.store)
	if err != nil {
		l.t.Fatal(err)
	}
	plan := l.plan(r, on, clearance.Rules{})
	_ = r.Close()
	on.meet = meet
	if r, err = l.tryOpen(stopping{l.store, meet}); err == nil {
		_, err = plan.Run(context.Background(), r, on, clearance.FreeOptions{Workers: 1, GroupFiles: 2})
		_ = r.Close()
	}
	on.meet = nil
	if at == 0 && err != nil {
		l.t.Fatal(err)
	}
	if err := l.comesBack(on, all); err != nil {
		l.t.Errorf("stopped at call %d (dead from then on: %v): %v", at, dead, err)
	}
	return calls
}

// comesBack sees that each file is on the phone or in a snapshot, and that undo puts back what is not there.
func (l *lab) comesBack(on *phone, all map[string]onPhone) error {
	r := l.open(l.store)
	defer r.Close()
	snapshots, _, err := snapshot.List(context.Background(), r)
	if err != nil || len(snapshots) != 1 {
		return fmt.Errorf("%d snapshots, %v", len(snapshots), err)
	}
	for path, f := range all {
		e, err := snapshot.Lookup(context.Background(), r, snapshots[0], path)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(snapshot.Open(context.Background(), r, e))
		if err != nil || !bytes.Equal(data, f.data) {
			return fmt.Errorf("%s does not come back: %v", path, err)
		}
	}
	if len(on.files) == len(all) {
		return nil // nothing was removed, so there may be no receipt
	}
	run, err := clearance.LastRun(context.Background(), r, labDevice(r).ID, "")
	if err != nil {
		return fmt.Errorf("%d of %d are left: %w", len(on.files), len(all), err)
	}
	did, err := clearance.Undo(context.Background(), r, run, on, today, snapshot.RestoreOptions{})
	if err != nil || len(did.Failed) > 0 || len(on.files) != len(all) {
		return fmt.Errorf("undo: %+v, %w; %d of %d", did, err, len(on.files), len(all))
	}
	for path, f := range all {
		if is := on.files[path]; !bytes.Equal(is.data, f.data) || !is.modified.Equal(f.modified) {
			return fmt.Errorf("%s came back otherwise", path)
		}
	}
	return nil
}

// stopping is a store whose every call may be the last.
type stopping struct {
	storage.Store
	meet func(string) error
}

func (s stopping) Put(ctx context.Context, name string, data []byte) error {
	if err := s.meet("put " + name); err != nil {
		return err
	}
	if err := s.Store.Put(ctx, name, data); err != nil {
		return err
	}
	return s.meet("was put " + name)
}

func (s stopping) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if err := s.meet("get " + name); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, name, off, n)
}

// A store that answers wrongly leaves everything on the phone that it does not give back.
func TestWrongAnswers(t *testing.T) {
	l := newLab(t)
	all := pictures(4, 40)
	l.backup(newPhone(all), nil)
	for fault := range storagetest.Faults {
		for at := 1; ; at++ {
			now := l.copied()
			faulty := &storagetest.Faulty{Store: now.store, At: at, Fault: fault}
			on := newPhone(all)
			r, err := now.tryOpen(faulty)
			if err == nil {
				var plan *clearance.Plan
				if plan, err = clearance.MakePlan(t.Context(), r, labDevice(r), on, clearance.Rules{}, today); err == nil {
					_, _ = plan.Run(t.Context(), r, on, clearance.FreeOptions{Workers: 1, GroupFiles: 2})
				}
				_ = r.Close()
			}
			if err := now.comesBack(on, all); err != nil {
				t.Errorf("%v at call %d: %v", fault, at, err)
			}
			if faulty.Calls() < at {
				break
			}
		}
	}
}
