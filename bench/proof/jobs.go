package proof

import (
	"context"
	"errors"
	"fmt"

	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/repo/vault"
	"shoebox/snapshot"
)

// Job is one thing done to a repository, to be cut short and made to fail in every way. A new room adds its line to Jobs.
type Job struct {
	Name   string
	MayBe  []Roll                                    // snapshots it may leave that nobody reported
	Parity bool                                      // in a repository with sidecars and second copies
	Empty  bool                                      // it begins without a repository, and only when done again is there surely one
	Begin  func(w *World) error                      // brings a new repository to where the job starts
	Do     func(w *World, store storage.Store) error // does it; what it reported is in w afterwards
	Again  func(w *World, store storage.Store) error // what a user does after it was cut short; nil for Do
	Done   func(w *World, store storage.Store) error // says what is wrong when it was reported as done; nil for nothing more than the oracle
}

func nothing(*World) error { return nil }

func backupOf(rolls ...Roll) func(*World) error {
	return func(w *World) error {
		for _, roll := range rolls {
			if _, err := w.Backup(w.Store, roll, nil); err != nil {
				return err
			}
		}
		return nil
	}
}

// Jobs are all that are cut short.
func Jobs() []Job {
	first, night := FirstRoll(), FirstRoll().Night(1)
	take := func(roll Roll) func(*World, storage.Store) error {
		return func(w *World, store storage.Store) error {
			_, err := w.Backup(store, roll, nil)
			return err
		}
	}
	takeOften := func(roll Roll) func(*World, storage.Store) error {
		return func(w *World, store storage.Store) error {
			_, err := w.Backup(store, roll, Often)
			return err
		}
	}
	return []Job{
		{Name: "init", Empty: true, Begin: nothing, Do: (*World).SetUp, Again: setUpAgain},
		{Name: "first backup", MayBe: []Roll{first}, Begin: nothing, Do: take(first)},
		{Name: "first backup with notes", MayBe: []Roll{first}, Begin: nothing, Do: takeOften(first)},
		{Name: "going on after an interruption", MayBe: []Roll{first}, Begin: interrupted, Do: takeOften(first)},
		{Name: "a night", MayBe: []Roll{night}, Begin: backupOf(first), Do: take(night)},
		{Name: "forget into the attic", Begin: backupOf(nights(3)...), Do: forget(false)},
		{Name: "forget for good", Begin: backupOf(nights(3)...), Do: forget(true)},
		{Name: "prune", Begin: forgotten(nothing), Do: prune(0.5)},
		{Name: "prune that repacks, beside notes", Begin: forgotten(interrupted), Do: prune(0.01)},
		{Name: "prune after a prune that died", Begin: forgotten(deadPruner), Do: prune(0.01)},
		{Name: "parity made", Begin: backupOf(first), Do: through(addParity)},
		{Name: "heal of what was lost beside the packs", Begin: broken, Do: through(healAll)},
		{Name: "index from the packs alone", Begin: withoutSegments, Do: through(repairIndex)},
		{Name: "key change", Begin: backupOf(first), Do: changeKeys, Again: changeKeysAgain},
		{Name: "a night with parity", Parity: true, MayBe: []Roll{night}, Begin: backupOf(first), Do: take(night)},
		{Name: "prune that repacks with parity", Parity: true, Begin: forgotten(nothing), Do: prune(0.01)},
	}
}

func setUpAgain(w *World, store storage.Store) error {
	if err := w.SetUp(store); err != nil && !errors.Is(err, repo.ErrExists) {
		return err
	}
	return nil
}

// interrupted leaves notes behind: the job goes on with them.
func interrupted(w *World) error {
	for at := 1; at < 100; at++ {
		_, err := w.Backup(&storagetest.CutOff{Store: w.Store, At: at}, FirstRoll(), Often)
		if err == nil {
			return errors.New("the backup was over before it left a note")
		}
		r, err := w.Open(w.Store)
		if err != nil {
			return err
		}
		left, err := r.Unfinished(context.Background())
		r.Close()
		if err != nil || len(left) > 0 {
			return err
		}
	}
	return fmt.Errorf("no note after a hundred calls")
}

// changeKeys adds a key slot, replaces it and removes it.
func changeKeys(w *World, store storage.Store) error {
	return w.changeKeys(store, false)
}

func changeKeysAgain(w *World, store storage.Store) error { return w.changeKeys(store, true) }

func (w *World) changeKeys(store storage.Store, replace bool) error {
	r, err := w.Open(store)
	if err != nil {
		return err
	}
	defer r.Close()
	ctx := context.Background()
	if err := r.AddSlot(ctx, w.keys.mine, "second", w.keys.slots["spare"], replace); err != nil {
		return err
	}
	if err := r.AddSlot(ctx, w.keys.mine, "second", w.keys.slots["mine"], true); err != nil {
		return err
	}
	return r.RemoveSlot(ctx, "second")
}

// through opens the repository for a job.
func through(do func(context.Context, *repo.Repo) error) func(*World, storage.Store) error {
	return func(w *World, store storage.Store) error {
		r, err := w.Open(store)
		if err != nil {
			return err
		}
		defer r.Close()
		return do(context.Background(), r)
	}
}

func addParity(ctx context.Context, r *repo.Repo) error {
	_, err := r.AddParity(ctx, vault.Options{})
	return err
}

func repairIndex(ctx context.Context, r *repo.Repo) error {
	_, err := r.RepairIndex(ctx)
	return err
}

func healAll(ctx context.Context, r *repo.Repo) error {
	h, err := snapshot.Heal(ctx, r, snapshot.HealOptions{})
	if err == nil && len(h.Lost) > 0 {
		err = fmt.Errorf("%s stays lost: %w", h.Lost[0].Name, h.Lost[0].Err)
	}
	return err
}

// withoutSegments has lost all it knew of where chunks lie.
func withoutSegments(w *World) error {
	if err := backupOf(FirstRoll())(w); err != nil {
		return err
	}
	return deleteAll(w.Store, "segments/")
}

// broken has lost its sidecars and copies, and a segment.
func broken(w *World) error {
	if err := backupOf(FirstRoll())(w); err != nil {
		return err
	}
	if err := through(addParity)(w, w.Store); err != nil {
		return err
	}
	for _, dir := range []string{"parity/", "copies/", "segments/"} {
		if err := deleteAll(w.Store, dir); err != nil {
			return err
		}
	}
	return nil
}

func deleteAll(store storage.Store, dir string) error {
	var names []string
	for o, err := range store.List(context.Background(), dir) {
		if err != nil {
			return err
		}
		names = append(names, o.Name)
	}
	for _, name := range names {
		if err := store.Delete(context.Background(), name); err != nil {
			return err
		}
	}
	return nil
}
