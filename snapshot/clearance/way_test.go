package clearance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/clearance"
	"shoebox/snapshot/photo/phototest"
)

const (
	camera   = "DCIM/Camera"
	victim   = camera + "/$(touch x).jpg" // is in the repository, and the oldest: the first to go
	other    = camera + "/new\nline.jpg"  // is there too
	stranger = camera + "/zz é.jpg"       // is in no snapshot, and listed last
)

// way is a phone, a repository that has all of it but the stranger, and what goes wrong between them.
type way struct {
	t        *testing.T
	all      map[string]onPhone // what the repository has
	is       map[string]onPhone // what people have on the phone: whatever they did to it is done here too
	versions map[string][]string
	phone    *simulated
	labs     [3]*lab
	mu       sync.Mutex // is held while people are at it
	changed  bool       // people changed something
	planned  func()     // comes between plan and run
	name     string     // of what is tried
	tried    int
}

// state is what the repository knows.
type state uint8

const (
	kept    state = iota // it has a snapshot, from before the stranger came
	nothing              // it is empty
	freed                // as kept, and everything was deleted from the phone
)

func newWay(t *testing.T, adjust func(*adbtest.Config)) *way {
	all := make(map[string]onPhone)
	for i, path := range []string{victim, other} {
		taken := today.AddDate(0, 0, i-40)
		all[path] = onPhone{phototest.JPEG(phototest.Rand(uint64(i)), phototest.Picture{Bytes: 1500, Tags: phototest.Tags{Taken: taken}}), taken}
	}
	w := &way{t: t, all: all, labs: [3]*lab{newLab(t), newLab(t), nil}}
	w.phone = newSimulated(t, all, adjust)
	w.labs[kept].backupOf(w.phone.phone)
	w.labs[freed] = w.labs[kept].copied()
	r := w.labs[freed].open(w.labs[freed].store)
	defer r.Close()
	plan, err := clearance.MakePlan(t.Context(), r, labDevice(r), w.phone.phone, clearance.Rules{}, today)
	if err != nil {
		t.Fatal(err)
	}
	if did, err := plan.Run(t.Context(), r, w.phone.phone, clearance.FreeOptions{}); err != nil || int(did.Files) != len(all) {
		t.Fatalf("%+v, %v", did, err)
	}
	return w
}

// command is one that works on a phone. Its do judges what it did, whatever went wrong; with nothing wrong any more it must do all of it.
type command struct {
	from state
	do   func(w *way, ctx context.Context, r *repo.Repo, p *device.Phone, mended bool) error
	end  func(w *way, r *repo.Repo) // after both
}

var commands = map[string]command{
	"compare": {from: kept, do: (*way).compare},
	"free":    {from: kept, do: (*way).free, end: (*way).undoAll},
	"undo":    {from: freed, do: (*way).undo},
	"restore": {from: kept, do: (*way).restore},
	"backup":  {from: nothing, do: (*way).backup},
}

// bound is the longest that a command may take, however slow this computer is.
const bound = 30 * time.Second

// patience is how long a phone may be silent, when nothing hangs.
const patience = 15 * time.Second

// try has a command meet a fault, and then run again without.
func (w *way) try(command, name string, silence time.Duration, fault adbtest.Fault) {
	w.t.Helper()
	c := commands[command]
	w.name, w.tried = fmt.Sprintf("%s, %s %s%s: %s", command, fault.Op, fault.Has, fault.Path, name), w.tried+1
	r := w.meets(c, silence, fault, c.from != freed && command != "restore")
	defer r.Close()
	if w.phone.daemon.Spoiled() == 0 {
		w.bad("the fault was never met")
	}
	w.mend()
	if err := w.once(c, r, patience, true); err != nil {
		w.bad("it does not work afterwards: %v", err)
	}
	if c.end != nil {
		c.end(w, r)
	}
}

// meets has a command run into a fault, on a phone and in a repository as they were before. The phone of a busy machine may seem silent before it comes
// to that: then once more, with more patience.
func (w *way) meets(c command, silence time.Duration, fault adbtest.Fault, full bool) *repo.Repo {
	w.t.Helper()
	for {
		w.reset(full)
		l := w.labs[c.from].copied()
		r := l.open(l.store)
		if strings.HasPrefix(fault.Has, "content") { // its gallery knows what it has, and is to forget it
			if err := w.phone.daemon.Learn(); err != nil {
				w.t.Fatal(err)
			}
		}
		w.phone.daemon.Break(fault)
		_ = w.once(c, r, silence, false) // what it says of the fault is told elsewhere; do judges what it did
		if w.phone.daemon.Spoiled() > 0 || silence >= patience {
			return r
		}
		_ = r.Close()
		w.mend()
		silence *= 4
	}
}

func (w *way) mend() {
	w.phone.daemon.Mend()
	w.phone.direct.Plug()
}

func (w *way) bad(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("%s: %s", w.name, fmt.Sprintf(format, args...))
}

func (w *way) once(c command, r *repo.Repo, silence time.Duration, mended bool) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), bound)
	defer cancel()
	began := time.Now()
	p, err := device.OpenPhone(ctx, &adb.Server{Addr: w.phone.direct.Addr(), Stall: silence}, device.PhoneOptions{Sleep: atOnce})
	if err == nil {
		err = c.do(w, ctx, r, p, mended)
		_ = p.Close()
	}
	if took := time.Since(began); ctx.Err() != nil {
		w.bad("it had no end after %v: %v", took, err)
	}
	return err
}

// atOnce is a clock's Sleep for which nobody waits.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// reset puts everything on the phone back to how it was: all of it, or the stranger alone.
func (w *way) reset(full bool) {
	w.t.Helper()
	if err := os.RemoveAll(filepath.Join(w.phone.storage, "DCIM")); err != nil {
		w.t.Fatal(err)
	}
	w.is = map[string]onPhone{stranger: {bytes.Repeat([]byte{7}, len(w.all[victim].data)), w.all[victim].modified}} // as large as another, so that its bytes count
	if full {
		maps.Copy(w.is, w.all)
	}
	w.phone.fill(w.is)
	w.versions = make(map[string][]string)
	for path, f := range w.is {
		w.versions[path] = []string{string(f.data)}
	}
	w.changed, w.planned = false, nil
}

// drop takes a file off the phone, as people may.
func (w *way) drop(path string) {
	w.t.Helper()
	delete(w.is, path)
	if err := os.Remove(filepath.Join(w.phone.storage, path)); err != nil {
		w.t.Fatal(err)
	}
}

// on is what the phone holds, after whatever people did.
func (w *way) on() map[string]onPhone {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.phone.holds()
}

// compare: no wrong yes.
func (w *way) compare(ctx context.Context, r *repo.Repo, p *device.Phone, mended bool) error {
	w.t.Helper()
	if mended {
		w.drop(stranger)
	}
	said, err := clearance.Compare(ctx, r, p, clearance.CompareOptions{Workers: 1})
	if err != nil {
		return err
	}
	safe := true
	for _, f := range w.on() {
		safe = safe && slices.ContainsFunc(slices.Collect(maps.Values(w.all)), func(k onPhone) bool { return bytes.Equal(k.data, f.data) })
	}
	if said.Yes() && !safe {
		w.bad("a wrong yes: %+v", said)
	}
	if mended && said.Yes() != safe {
		w.bad("it may be wiped: %v, and the answer is %+v", safe, said)
	}
	return nil
}

// free: nothing leaves the phone that is not kept.
func (w *way) free(ctx context.Context, r *repo.Repo, p *device.Phone, mended bool) error {
	w.t.Helper()
	plan, err := clearance.MakePlan(ctx, r, labDevice(r), p, clearance.Rules{}, today)
	if err != nil {
		return err
	}
	w.on()
	if w.planned != nil {
		w.planned()
	}
	did, err := plan.Run(ctx, r, p, clearance.FreeOptions{Workers: 1})
	on := w.on()
	for path, f := range w.is {
		is, there := on[path]
		if gone := !there && bytes.Equal(f.data, w.all[path].data); !gone && !bytes.Equal(is.data, f.data) {
			w.bad("%q is lost", path)
		}
		if mended && err == nil && there && bytes.Equal(f.data, w.all[path].data) && f.modified.Equal(w.all[path].modified) {
			w.bad("%q is there still: %+v", path, did)
		}
	}
	for path := range on {
		if _, ok := w.is[path]; !ok {
			w.bad("%q came to be", path)
		}
	}
	return err
}

// undoAll puts back whatever left the phone.
func (w *way) undoAll(r *repo.Repo) {
	w.t.Helper()
	receipts, damaged, err := clearance.Receipts(w.t.Context(), r)
	if err != nil || len(damaged) > 0 {
		w.t.Fatal(damaged, err)
	}
	home, err := w.phone.phone.Home(w.t.Context(), device.HomeOptions{Sleep: atOnce})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, run := range clearance.Runs(receipts) {
		if did, err := clearance.Undo(w.t.Context(), r, run, home, today, snapshot.RestoreOptions{}); err != nil || len(did.Failed) > 0 && !w.changed {
			w.bad("undo: %+v, %v", did, err)
		}
	}
	on := w.on()
	for path, f := range w.is {
		if !bytes.Equal(on[path].data, f.data) {
			w.bad("%q did not come back", path)
		}
	}
}

func (w *way) undo(ctx context.Context, r *repo.Repo, p *device.Phone, mended bool) error {
	w.t.Helper()
	run, err := clearance.LastRun(ctx, r, labDevice(r).ID, "")
	if errors.Is(err, clearance.ErrNoRun) {
		w.back(snapshot.Restored{}, mended) // it said so the first time
		return nil
	}
	if err != nil {
		return err
	}
	home, err := p.Home(ctx, device.HomeOptions{Sleep: atOnce})
	if err != nil {
		return err
	}
	did, err := clearance.Undo(ctx, r, run, home, today, snapshot.RestoreOptions{})
	if err != nil {
		did.Kept++ // it does not say that all is there
	}
	w.back(did, mended)
	return err
}

func (w *way) restore(ctx context.Context, r *repo.Repo, p *device.Phone, mended bool) error {
	w.t.Helper()
	all, _, err := snapshot.List(ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	home, err := p.Home(ctx, device.HomeOptions{Sleep: atOnce})
	if err != nil {
		return err
	}
	did, err := snapshot.Restore(ctx, r, all[0], home, snapshot.RestoreOptions{Workers: 2})
	if err != nil {
		did.Kept++
	}
	w.back(did, mended)
	return err
}

// back: what has a picture's name is the picture, or what people put there; what was said to be there is.
func (w *way) back(did snapshot.Restored, mended bool) {
	w.t.Helper()
	on := w.on()
	for path, f := range on {
		want, ours := w.all[path]
		theirs, put := w.is[path]
		unfinished := strings.HasPrefix(filepath.Base(path), ".shoebox-")
		switch {
		case put && !bytes.Equal(f.data, theirs.data):
			w.bad("%q was overwritten", path)
		case !put && !ours && !(unfinished && (!mended || w.changed)):
			w.bad("%q came to be", path)
		case ours && !put && !bytes.Equal(f.data, want.data):
			w.bad("%q has other bytes", path)
		}
	}
	for path := range w.is {
		if _, there := on[path]; !there {
			w.bad("%q is lost", path)
		}
	}
	for path, f := range w.all {
		if _, put := w.is[path]; !put && !bytes.Equal(on[path].data, f.data) && (mended || did.Kept == 0 && len(did.Failed) == 0) {
			w.bad("%q is said to be there: %+v", path, did)
		}
	}
}

// backup: what is in the snapshot was on the phone so, and one that says it is whole is.
func (w *way) backup(ctx context.Context, r *repo.Repo, p *device.Phone, mended bool) error {
	w.t.Helper()
	o := snapshot.BackupOptions{Device: labDevice(r), Host: "here", Dear: true, Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
	s, err := snapshot.Backup(ctx, r, p, o)
	w.on()
	if mended && (err != nil || s.Count.Failed > 0) {
		w.bad("the next: %+v, %v", s.Failed, err)
	}
	if s.Name == "" {
		return err
	}
	whole := err == nil && s.Count.Failed == 0 && !s.Partial
	has := make(map[string]bool)
	for e, failed := range snapshot.Entries(w.t.Context(), r, s) {
		if failed != nil {
			w.t.Fatal(failed)
		}
		data, failed := io.ReadAll(snapshot.Open(w.t.Context(), r, e))
		if failed != nil || !slices.Contains(w.versions[e.Path], string(data)) {
			w.bad("%q is in the snapshot with bytes it never had: %d, %v", e.Path, len(data), failed)
		}
		has[e.Path] = true
	}
	for path := range w.is {
		if whole && (mended || !w.changed) && !has[path] {
			w.bad("%q is not in a snapshot that is whole", path)
		}
	}
	if !mended && !w.changed {
		w.beside(r, s)
	}
	return err
}

// beside gives a snapshot back to a folder, and sees that nothing comes to lie beside it.
func (w *way) beside(r *repo.Repo, s snapshot.Snapshot) {
	w.t.Helper()
	above := w.t.TempDir()
	target := filepath.Join(above, "target")
	if err := os.Mkdir(target, 0o755); err != nil {
		w.t.Fatal(err)
	}
	dir, err := device.NewDir(target, device.DirOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer dir.Close()
	if did, err := snapshot.Restore(w.t.Context(), r, s, dir, snapshot.RestoreOptions{}); err != nil || len(did.Failed) > 0 {
		w.bad("restored here: %+v, %v", did, err)
	}
	if entries, err := os.ReadDir(above); err != nil || len(entries) != 1 {
		w.bad("something lies beside the target: %v, %v", entries, err)
	}
}
