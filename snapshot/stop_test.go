package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"shoebox/bench/proof/tried"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot"
)

// job is one thing done to a repository, through a store that may fail.
type job struct {
	name  string
	mayBe []roll
	begin func(t *testing.T) *lab
	do    func(l *lab, store storage.Store) error
}

func afterFirst(t *testing.T) *lab {
	t.Helper()
	l := newLab(t)
	if _, err := l.backup(l.store, firstRoll(), nil); err != nil {
		t.Fatal(err)
	}
	return l
}

func often(o *snapshot.BackupOptions) { o.CheckpointBytes, o.Workers = 20_000, 1 }

func backupOf(src roll, adjust func(*snapshot.BackupOptions)) func(*lab, storage.Store) error {
	return func(l *lab, store storage.Store) error {
		_, err := l.backup(store, src, adjust)
		return err
	}
}

// interrupted leaves notes behind: the job goes on with them.
func interrupted(t *testing.T) *lab {
	t.Helper()
	l := newLab(t)
	for at := 1; ; at++ {
		store := &cutOff{Store: l.store, at: at}
		_, err := l.backup(store, firstRoll(), often)
		r, openErr := openStore(t, l.store)
		if err == nil || openErr != nil {
			t.Fatal(err, openErr)
		}
		left, err := r.Unfinished(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			return l
		}
	}
}

func changePassword(l *lab, store storage.Store) error {
	r, err := openStore(l.t, store)
	if err != nil {
		return err
	}
	defer r.Close()
	ctx := context.Background()
	if err := r.AddSlot(ctx, labSecret(l.t, "p")[0], "second", labLock(l.t, "two"), false); err != nil {
		return err
	}
	if err := r.AddSlot(ctx, labSecret(l.t, "p")[0], "second", labLock(l.t, "three"), true); err != nil {
		return err
	}
	return r.RemoveSlot(ctx, "second")
}

// beforeForget has two snapshots, of which the first may go.
func beforeForget(t *testing.T) *lab {
	t.Helper()
	l := afterFirst(t)
	later := func(o *snapshot.BackupOptions) {
		o.Now = func() time.Time { return time.Now().Add(time.Hour) } // not in the same millisecond
	}
	if _, err := l.backup(l.store, nightRoll(), later); err != nil {
		t.Fatal(err)
	}
	delete(l.truth, l.firstName())
	return l
}

func afterForget(t *testing.T) *lab {
	t.Helper()
	l := beforeForget(t)
	if err := forgetFirst(l, l.store); err != nil {
		t.Fatal(err)
	}
	return l
}

// firstName names the snapshot that holds what atticRoll does.
func (l *lab) firstName() string {
	l.t.Helper()
	r, err := openStore(l.t, l.store)
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Close()
	all, _, err := snapshot.List(context.Background(), r)
	if err != nil || len(all) == 0 {
		l.t.Fatal(len(all), err)
	}
	return all[0].Name
}

// atticRoll is what the first roll has and the night's has not.
func atticRoll() roll {
	first := firstRoll()
	return roll{"DCIM/IMG_0002.jpg": first["DCIM/IMG_0002.jpg"], "DCIM/IMG_0003.jpg": first["DCIM/IMG_0003.jpg"]}
}

func forgetFirst(l *lab, store storage.Store) error {
	r, err := openStore(l.t, store)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = snapshot.Forget(context.Background(), r, []string{l.firstName()}, forgetOptions())
	return err
}

func undoForget(l *lab, store storage.Store) error {
	r, err := openStore(l.t, store)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = snapshot.Undo(context.Background(), r, nil, forgetOptions())
	return err
}

func forgetOptions() snapshot.ForgetOptions {
	return snapshot.ForgetOptions{Host: "here", Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
}

var jobs = []job{
	{name: "first backup", mayBe: []roll{firstRoll()}, begin: func(t *testing.T) *lab { return newLab(t) }, do: backupOf(firstRoll(), nil)},
	{name: "first backup with checkpoints", mayBe: []roll{firstRoll()}, begin: func(t *testing.T) *lab { return newLab(t) }, do: backupOf(firstRoll(), often)},
	{name: "going on after an interruption", mayBe: []roll{firstRoll()}, begin: interrupted, do: backupOf(firstRoll(), often)},
	{name: "a night", mayBe: []roll{nightRoll()}, begin: afterFirst, do: backupOf(nightRoll(), nil)},
	{name: "forget", mayBe: []roll{firstRoll(), atticRoll()}, begin: beforeForget, do: forgetFirst},
	{name: "undo", mayBe: []roll{firstRoll(), atticRoll()}, begin: afterForget, do: undoForget},
	{name: "key change", begin: afterFirst, do: changePassword},
}

// Stopped at any call that changes the store, before or after it took effect, nothing that was reported is lost and
// nothing is claimed that is not there.
func TestStopAtEveryStoreCall(t *testing.T) {
	for _, j := range jobs {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			base, stops := j.begin(t), 0
			for _, after := range []bool{false, true} {
				for at := 1; ; at++ {
					l := base.copied()
					store := &cutOff{Store: l.store, at: at, after: after}
					err := j.do(l, store)
					if !store.struck() {
						if err != nil {
							t.Fatal(err)
						}
						break
					}
					stops++
					if err := l.proof(j.mayBe...); err != nil {
						t.Errorf("stopped at call %d, after=%v: %v", at, after, err)
					}
				}
			}
			tried.Cases(t, 1, stops)
		})
	}
}

// A set-up that is cut short can be done again, or is complete.
func TestStopAtEveryCallOfSetUp(t *testing.T) {
	setup := func(store storage.Store) error {
		slots := map[string]crypt.Lock{"p": labLock(t, "p"), "recovery": labLock(t, "r"), "x": labLock(t, "x")}
		r, err := repo.Create(context.Background(), store, repo.Setup{Slots: slots, Chunks: labSizes, PageBits: 1}, repo.Options{})
		if err != nil {
			return err
		}
		return r.Close()
	}
	stops := 0
	for range 2 { // slots are written in any order
		for _, after := range []bool{false, true} {
			for at := 1; ; at++ {
				l := &lab{t: t, store: new(storage.Memory), truth: map[string]roll{}}
				store := &cutOff{Store: l.store, at: at, after: after}
				if err := setup(store); err == nil {
					break
				}
				stops++
				if err := setup(l.store); err != nil && !errors.Is(err, repo.ErrExists) {
					t.Fatalf("stopped at call %d, after=%v, and done again: %v", at, after, err)
				}
				for _, password := range []string{"p", "r", "x"} {
					if r, err := repo.Open(t.Context(), l.store, labSecret(t, password), repo.Options{}); err != nil {
						t.Errorf("stopped at call %d, after=%v: password %q: %v", at, after, password, err)
					} else {
						r.Close()
					}
				}
				l.prove()
			}
		}
	}
	tried.Cases(t, 1, stops)
}

// A single call of any kind that goes wrong, in any way, makes the job fail cleanly or leaves no trace.
func TestEachCallFailsOnce(t *testing.T) {
	for _, j := range jobs {
		for fault := range storagetest.Faults {
			if !long() && (j.name == "first backup" || fault == storagetest.Full) {
				continue // as the one with checkpoints, and as Fails
			}
			t.Run(fmt.Sprintf("%s/%v", j.name, fault), func(t *testing.T) {
				t.Parallel()
				base, done, failed := j.begin(t), 0, 0
				for at := 1; ; at++ {
					l := base.copied()
					store := &storagetest.Faulty{Store: l.store, At: at, Fault: fault}
					err := j.do(l, store)
					if !store.Struck() {
						if store.Calls() < at {
							break
						}
						continue // a call of another kind
					}
					if done++; err != nil {
						failed++
					}
					if err := l.proof(j.mayBe...); err != nil {
						t.Errorf("call %d, and the job said %v: %v", at, err, err)
					}
				}
				t.Logf("%d faults, %d of them failed the job", done, failed)
			})
		}
	}
}

// A list that fails or breaks off is never taken for an empty or a shorter one.
func TestBrokenListIsNeverTakenForAnEmptyOne(t *testing.T) {
	l := afterFirst(t)
	if _, err := l.backup(l.store, nightRoll(), nil); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, fault := range []storagetest.Fault{storagetest.Fails, storagetest.BrokenList} {
		for at := 1; ; at++ {
			inner := copyStore(t, l.store)
			store := &storagetest.Faulty{Store: inner, At: at, Fault: fault}
			seen, err := lookAround(t, &listsOnly{inner, store})
			if !store.Struck() {
				break
			}
			tried++
			if err == nil && seen != "2 snapshots, 0 damaged, 0 fresh" {
				t.Errorf("list %d %v: %s", at, fault, seen)
			}
		}
	}
	t.Logf("%d lists", tried)
	l.prove()
}

// listsOnly sends its lists through another store and all else past it.
type listsOnly struct {
	storage.Store
	lists storage.Store
}

func (l *listsOnly) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return l.lists.List(ctx, prefix)
}

func lookAround(t *testing.T, store storage.Store) (string, error) {
	r, err := openStore(t, store)
	if err != nil {
		return "", err
	}
	defer r.Close()
	all, damaged, err := snapshot.List(t.Context(), r)
	if err != nil {
		return "", err
	}
	report, err := snapshot.Check(t.Context(), r, snapshot.CheckOptions{})
	if err != nil {
		return "", err
	}
	o := labOptions(r)
	o.Force = true
	s, err := snapshot.Backup(t.Context(), r, nightRoll(), o)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d snapshots, %d damaged, %d fresh", len(all), len(damaged)+len(report.Damage), s.Count.Fresh), nil
}
