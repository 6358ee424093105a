package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot"
)

// nights are so many rolls, each one night later.
func nights(n int) (all []Roll) {
	roll := FirstRoll()
	for night := range n {
		all = append(all, roll)
		roll = roll.Night(night + 1)
	}
	return all
}

// forget forgets all snapshots but the newest, with what only they hold or without it.
func forget(forever bool) func(*World, storage.Store) error {
	return func(w *World, store storage.Store) error {
		r, err := w.Open(store)
		if err != nil {
			return err
		}
		defer r.Close()
		names, err := old(r)
		if err != nil {
			return err
		}
		w.Forgets(names, forever)
		o := snapshot.ForgetOptions{Host: "here", Now: w.Now, LastCopies: forever, Batch: w.Options(r).Batch}
		_, err = snapshot.Forget(context.Background(), r, names, o)
		return err
	}
}

// old names all snapshots but attics and the newest.
func old(r *repo.Repo) (names []string, err error) {
	listed, _, err := snapshot.List(context.Background(), r)
	if err != nil {
		return nil, err
	}
	for _, s := range listed {
		if !s.Attic {
			names = append(names, s.Name)
		}
	}
	return names[:max(0, len(names)-1)], nil
}

// forgotten leaves something to prune: two of three nights are forgotten for good. Then comes more.
func forgotten(then func(*World) error) func(*World) error {
	return func(w *World) error {
		if err := backupOf(nights(3)...)(w); err != nil {
			return err
		}
		if err := forget(true)(w, w.Store); err != nil {
			return err
		}
		return then(w)
	}
}

// prune frees what nothing needs, and also what is dead in packs of which more than a share is. Every session at work is presumed dead, as this
// very process is the one that left it.
func prune(maxDead float64) func(*World, storage.Store) error {
	return func(w *World, store storage.Store) error {
		r, err := w.Open(store)
		if err != nil {
			return err
		}
		defer r.Close()
		o := repo.PruneOptions{MaxDead: maxDead, RoundBytes: 10_000, Batch: w.Options(r).Batch, Presume: func(string) bool { return true },
			Sleep: func(context.Context, time.Duration) error { return nil }}
		_, err = snapshot.Prune(context.Background(), r, snapshot.PruneOptions{PruneOptions: o})
		return err
	}
}

// deadPruner leaves the mark of a prune that died while it deleted packs.
func deadPruner(w *World) error {
	for at := 1; at < 100; at++ {
		cut := &storagetest.CutOff{Store: w.Store, At: at}
		if err := prune(0.01)(w, cut); err == nil {
			return errors.New("the prune was over before it left a mark behind")
		}
		for o, err := range w.Store.List(context.Background(), "marks/") {
			if err != nil {
				return fmt.Errorf("look for a mark: %w", err)
			}
			if len(o.Name) == len("marks/")+32 {
				return nil
			}
		}
	}
	return errors.New("no mark after a hundred calls")
}
