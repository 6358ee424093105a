package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"shoebox/repo"
	"shoebox/snapshot"
)

// tester is what *testing.T and *rapid.T share.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// thinned is a repository in which things are forgotten, and every content that must still be had.
type thinned struct {
	lab  *lab
	now  time.Time
	must map[[32]byte][]byte
}

func newThinned(t testing.TB) *thinned {
	return &thinned{lab: newLab(t), now: time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC), must: make(map[[32]byte][]byte)}
}

func (k *thinned) clock() time.Time { return k.now }

// backup takes a snapshot of a device on the next day.
func (k *thinned) backup(t tester, device string, src roll, adjust func(*snapshot.BackupOptions)) snapshot.Snapshot {
	t.Helper()
	k.now = k.now.AddDate(0, 0, 1)
	o := labOptions(k.lab.repo)
	o.Device.ID, o.Device.Name, o.Now = snapshot.DeviceID(k.lab.repo, device), device, k.clock
	if adjust != nil {
		adjust(&o)
	}
	s, err := snapshot.Backup(context.Background(), k.lab.repo, src, o)
	if err != nil {
		t.Fatalf("backup: %v", err)
	}
	for _, data := range src {
		k.must[blake3.Sum256(data)] = data
	}
	return s
}

func (k *thinned) options() snapshot.ForgetOptions {
	return snapshot.ForgetOptions{Host: "here", Now: k.clock, Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
}

// forget forgets snapshots; what it says goes for good need not be had any more.
func (k *thinned) forget(t tester, o snapshot.ForgetOptions, names ...string) *snapshot.Forgotten {
	t.Helper()
	k.now = k.now.Add(time.Minute)
	did, err := snapshot.Forget(context.Background(), k.lab.repo, names, o)
	if err != nil {
		t.Fatalf("forget: %v", err)
	}
	if !o.DryRun {
		for _, x := range did.Going {
			delete(k.must, x.Hash)
		}
	}
	return did
}

func (k *thinned) list(t tester) []snapshot.Snapshot {
	t.Helper()
	all, damaged, err := snapshot.List(context.Background(), k.lab.repo)
	if err != nil || len(damaged) > 0 {
		t.Fatalf("list: %v, %v", damaged, err)
	}
	return all
}

func (k *thinned) prune(t tester) *repo.PruneReport {
	t.Helper()
	did, err := snapshot.Prune(context.Background(), k.lab.repo, snapshot.PruneOptions{})
	if err != nil {
		t.Fatalf("prune: %v", err)
	}
	return did
}

// prove holds the repository against its promise: every content is in a snapshot that remains, under one path of it, byte for byte;
// and a check finds nothing to say.
func (k *thinned) prove(t tester) {
	t.Helper()
	if err := k.proof(k.lab.repo); err != nil {
		t.Errorf("%v", err)
	}
}

func (k *thinned) proof(r *repo.Repo) error {
	ctx := context.Background()
	all, damaged, err := snapshot.List(ctx, r)
	if err != nil || len(damaged) > 0 {
		return fmt.Errorf("list: %v, %w", damaged, err)
	}
	had := make(map[[32]byte]bool)
	for _, s := range all {
		for e, err := range snapshot.Entries(ctx, r, s) {
			if err != nil {
				return fmt.Errorf("snapshot %s: %w", s.Name, err)
			}
			got, err := io.ReadAll(snapshot.Open(ctx, r, e))
			if want := k.must[e.Hash]; err != nil || k.must[e.Hash] != nil && !bytes.Equal(got, want) {
				return fmt.Errorf("snapshot %s: %s came back with other bytes: %w", s.Name, e.Path, err)
			}
			had[e.Hash] = true
		}
	}
	for hash, data := range k.must {
		if !had[hash] {
			return fmt.Errorf("%.20q is in no remaining snapshot", data)
		}
	}
	report, err := snapshot.Check(ctx, r, snapshot.CheckOptions{})
	if err != nil || len(report.Damage) > 0 {
		return fmt.Errorf("check: %+v, %w", report, err)
	}
	return nil
}

func attics(all []snapshot.Snapshot) (found []snapshot.Snapshot) {
	for _, s := range all {
		if s.Attic {
			found = append(found, s)
		}
	}
	return found
}

func pathsOf(t tester, r *repo.Repo, s snapshot.Snapshot) (paths []string) {
	t.Helper()
	for e, err := range snapshot.Entries(context.Background(), r, s) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		paths = append(paths, e.Path)
	}
	return paths
}

func hashOf(data []byte) [32]byte { return blake3.Sum256(data) }

func text(s string) []byte { return []byte("content " + s) }

// A picture that was deleted on the phone years ago stays, however few snapshots do.
func TestAtticKeepsAPictureThroughAYearOfThinning(t *testing.T) {
	k := newThinned(t)
	src := roll{"DCIM/a.jpg": jpeg(1, 9_000), "DCIM/b.jpg": jpeg(2, 9_000)}
	nights := 365
	for night := range nights {
		switch night {
		case 10:
			src["DCIM/deleted.jpg"] = jpeg(3, 9_000) // for one night
		case 11:
			delete(src, "DCIM/deleted.jpg")
		case 100:
			src["DCIM/a.jpg"] = jpeg(4, 9_000) // edited: the bytes of before are a last copy too
		}
		k.backup(t, "phone", src, nil)
		if night%30 == 29 {
			k.thin(t, snapshot.Policy{Daily: 7, Weekly: 5, Monthly: 3})
			k.prune(t)
		}
	}
	k.prove(t)
	all := k.list(t)
	if len(all) > 30 || len(attics(all)) != 1 {
		t.Fatalf("%d snapshots are left, %d attics", len(all), len(attics(all)))
	}
	attic := attics(all)[0]
	if got := pathsOf(t, k.lab.repo, attic); !slices.Equal(got, []string{"DCIM/a.jpg", "DCIM/deleted.jpg"}) {
		t.Errorf("the attic holds %q", got)
	}
	if s, err := snapshot.Resolve(all, "latest", k.now, time.UTC); err != nil || s.Attic {
		t.Errorf("latest is %+v, %v", s, err)
	}
	if s, err := snapshot.Resolve(all, "attic", k.now, time.UTC); err != nil || s.Name != attic.Name {
		t.Errorf("attic is %+v, %v", s, err)
	}
	t.Logf("%d nights, %d snapshots left", nights, len(all))
}

// thin forgets by a policy.
func (k *thinned) thin(t tester, p snapshot.Policy) {
	t.Helper()
	for _, g := range (snapshot.GroupBy{Device: true, Paths: true}).Group(k.list(t)) {
		var names []string
		for i, r := range p.Keep(g.Snapshots, k.now) {
			if !r.Keep {
				names = append(names, g.Snapshots[i].Name)
			}
		}
		k.forget(t, k.options(), names...)
	}
}

// Other content under the same path gets a name that follows from its hash; so do files where there are folders.
func TestAtticNames(t *testing.T) {
	k := newThinned(t)
	var all []string
	for i, src := range []roll{{"x.jpg": text("1"), ".nomedia": text("n")}, {"x.jpg": text("2"), ".nomedia": text("m")}, {"x.jpg/y": text("3")}, {"x.jpg": text("4")}, {"x.jpg/y/z": text("5")},
		{strings.Repeat("n", 254): text("6")}, {strings.Repeat("n", 254): text("7")}, {}} {
		all = append(all, k.backup(t, "phone", src, nil).Name)
		if i == 4 { // the first attic has some, the second all
			k.forget(t, k.options(), all[:3]...)
			k.prove(t)
		}
	}
	k.forget(t, k.options(), all...)
	k.prove(t)
	left := k.list(t)
	if len(left) != 1 || !left[0].Attic || left[0].Count.Files != 9 {
		t.Fatalf("left: %+v", left)
	}
	got := strings.Join(pathsOf(t, k.lab.repo, left[0]), "\n") + "\n"
	for _, data := range []string{"1", "4"} {
		sum := blake3.Sum256(text(data))
		if name := fmt.Sprintf("x~%x.jpg", sum[:4]); !strings.Contains(got, name+"\n") {
			t.Errorf("%s is not in the attic:\n%s", name, got)
		}
	}
	for _, path := range strings.Split(got, "\n") {
		for part := range strings.SplitSeq(path, "/") {
			if len(part) > 255 {
				t.Errorf("%q is too long for most file systems", part)
			}
		}
	}
}

func TestForgetRefuses(t *testing.T) {
	k := newThinned(t)
	a := k.backup(t, "phone", roll{"a": text("a")}, nil)
	k.backup(t, "phone", roll{"b": text("b")}, nil)
	k.forget(t, k.options(), a.Name)
	attic := attics(k.list(t))[0]
	for name, o := range map[string]snapshot.ForgetOptions{attic.Name: k.options(), strings.Repeat("0", 32): k.options()} {
		if _, err := snapshot.Forget(t.Context(), k.lab.repo, []string{name}, o); err == nil {
			t.Errorf("%s was forgotten", name)
		}
	}
	if did := k.forget(t, k.options(), a.Name); len(did.Snapshots)+len(did.Attics) > 0 {
		t.Errorf("forgotten twice: %+v", did)
	}
	o := k.options()
	o.LastCopies, o.Confirm = true, func(*snapshot.Forgotten) error { return errors.New("no") }
	if _, err := snapshot.Forget(t.Context(), k.lab.repo, []string{attic.Name}, o); err == nil {
		t.Error("forgotten without consent")
	}
	k.prove(t)
}

// Content leaves the attic only when that is asked for, is listed before, and does not come back from what was forgotten earlier.
func TestLastCopiesGo(t *testing.T) {
	k := newThinned(t)
	a := k.backup(t, "phone", roll{"x1": text("1"), "x2": text("2"), "y": text("y")}, nil)
	b := k.backup(t, "phone", roll{"y": text("y"), "z": text("z")}, nil)
	k.backup(t, "phone", roll{"y": text("y")}, nil)
	k.forget(t, k.options(), a.Name)
	o := k.options()
	o.LastCopies = true
	o.Confirm = func(f *snapshot.Forgotten) error {
		if len(f.Going) != 1 || f.Going[0].Path != "z" {
			t.Errorf("going: %+v", f.Going)
		}
		return nil
	}
	if did := k.forget(t, o, b.Name); len(did.Attics) != 0 {
		t.Errorf("%+v", did)
	}
	k.prove(t)
	o.Only = func(e snapshot.Entry) bool { return e.Path == "x1" }
	o.Confirm = func(f *snapshot.Forgotten) error {
		if len(f.Going) != 1 || f.Going[0].Path != "x1" {
			t.Errorf("going: %+v", f.Going)
		}
		return nil
	}
	k.forget(t, o, attics(k.list(t))[0].Name)
	k.prove(t)
	if left := attics(k.list(t)); len(left) != 1 || !slices.Equal(pathsOf(t, k.lab.repo, left[0]), []string{"x2"}) {
		t.Fatalf("left: %+v", left)
	}
	k.forget(t, k.options()) // nothing; it looks for what is forsaken
	o.Only, o.Confirm = func(snapshot.Entry) bool { return true }, nil
	k.forget(t, o, attics(k.list(t))[0].Name)
	k.prune(t)
	if left := k.list(t); len(left) != 1 {
		t.Errorf("left: %+v", left)
	}
	if standing, pruned, err := snapshot.ListForgotten(t.Context(), k.lab.repo); err != nil || len(standing) != 0 || len(pruned) != 4 {
		t.Errorf("%+v, %v, %v", standing, pruned, err)
	}
	k.prove(t)
}

func TestUndo(t *testing.T) {
	k := newThinned(t)
	a := k.backup(t, "phone", roll{"a": text("a")}, nil)
	b := k.backup(t, "phone", roll{"b": text("b")}, nil)
	c := k.backup(t, "phone", roll{"c": text("c")}, nil)
	if _, err := snapshot.Undo(t.Context(), k.lab.repo, nil, k.options()); err == nil {
		t.Error("nothing was undone without an error")
	}
	k.forget(t, k.options(), a.Name)
	k.forget(t, k.options(), b.Name, c.Name)
	back, err := snapshot.Undo(t.Context(), k.lab.repo, nil, k.options())
	if err != nil || len(back) != 2 || !back[0].Start.Equal(b.Start) || !back[1].Start.Equal(c.Start) || back[1].Name == c.Name || back[1].Writer != c.Writer {
		t.Fatalf("%+v, %v", back, err)
	}
	if again, err := snapshot.Undo(t.Context(), k.lab.repo, nil, k.options()); err != nil || len(again) != 0 {
		t.Errorf("undone twice: %+v, %v", again, err)
	}
	if back, err = snapshot.Undo(t.Context(), k.lab.repo, []string{a.Name}, k.options()); err != nil || len(back) != 1 {
		t.Errorf("%+v, %v", back, err)
	}
	k.prove(t)
	next := k.backup(t, "phone", roll{"d": text("d")}, nil)
	if next.Parent != k.list(t)[2].Name || next.Writer.Seq <= c.Writer.Seq {
		t.Errorf("%+v", next)
	}
	k.forget(t, k.options(), next.Name)
	k.prune(t)
	for _, names := range [][]string{nil, {next.Name}, {a.Name}} {
		if _, err := snapshot.Undo(t.Context(), k.lab.repo, names, k.options()); !errors.Is(err, snapshot.ErrPruned) {
			t.Errorf("%q: %v", names, err)
		}
	}
	k.prove(t)
}

func TestBrakeHoldsForgetting(t *testing.T) {
	k := newThinned(t)
	src := roll{}
	for i := range 20 {
		src[fmt.Sprintf("DCIM/%02d.jpg", i)] = jpeg(uint64(i), 2_000)
		src[fmt.Sprintf("notes/%02d.txt", i)] = text(fmt.Sprint(i))
	}
	least := func(o *snapshot.BackupOptions) { o.Brake.Least = 3 }
	first := k.backup(t, "phone", src, least)
	for i := range 20 {
		delete(src, fmt.Sprintf("notes/%02d.txt", i)) // no pictures
	}
	delete(src, "DCIM/00.jpg")
	delete(src, "DCIM/01.jpg")
	src["DCIM/02.jpg"], src["DCIM/03.jpg"] = text("encrypted"), text("encrypted too")
	if s := k.backup(t, "phone", src, least); s.Brake != nil {
		t.Errorf("%+v", s.Brake)
	}
	src["DCIM/04.jpg"], src["DCIM/05.jpg"], src["DCIM/06.jpg"] = text("4"), text("5"), text("6")
	delete(src, "DCIM/07.jpg")
	braked := k.backup(t, "phone", src, least)
	if braked.Brake == nil || *braked.Brake != (snapshot.Brake{Gone: 1, Changed: 3, Of: 18}) {
		t.Fatalf("%+v", braked.Brake)
	}
	other := k.backup(t, "tablet", src, least)
	k.backup(t, "phone", src, least)
	if _, err := snapshot.Forget(t.Context(), k.lab.repo, []string{first.Name}, k.options()); !errors.Is(err, snapshot.ErrBrake) {
		t.Errorf("forgotten though the brake is on: %v", err)
	}
	k.forget(t, k.options(), other.Name)
	held, err := snapshot.Braked(t.Context(), k.lab.repo)
	if err != nil || len(held) != 1 || held[0].Name != braked.Name {
		t.Fatalf("%+v, %v", held, err)
	}
	if err := snapshot.ReleaseBrake(t.Context(), k.lab.repo, held[0]); err != nil {
		t.Fatal(err)
	}
	k.forget(t, k.options(), first.Name, braked.Name)
	k.prove(t)
}
