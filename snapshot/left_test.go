package snapshot_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/snapshot"
)

// readWhole reads all that a snapshot holds.
func readWhole(ctx context.Context, r *repo.Repo, s snapshot.Snapshot) error {
	for e, err := range snapshot.Entries(ctx, r, s) {
		if err == nil {
			_, err = io.Copy(io.Discard, snapshot.Open(ctx, r, e))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Whoever reads a snapshot that another computer forgets and prunes meanwhile, at whichever call, is told that, and not of damage.
func TestReadWhileAnotherPrunes(t *testing.T) {
	told := 0
	meetAnywhere(t, func(m *meeting, r *repo.Repo) {
		m.forget(r, "there")
		m.prune(r, "there")
	}, func(m *meeting, r *repo.Repo) {
		all, damaged, err := snapshot.List(t.Context(), r)
		m.well("the list", errors.Join(append(damaged, err)...))
		for _, s := range all {
			err := snapshot.WhyLost(t.Context(), r, []snapshot.Snapshot{s}, readWhole(t.Context(), r, s))
			if (s.Attic || slices.Contains(m.names, s.Name)) && errors.Is(err, snapshot.ErrForgotten) {
				told++
				continue
			}
			m.well("reading "+s.Name[:8], err)
		}
	})
	if told == 0 {
		t.Error("nobody was told")
	}
}

// What is damaged stays so: in a snapshot that is there, in one that is forgotten and there, and where another one left.
func TestWhyLostHidesNoDamage(t *testing.T) {
	k, a, b := beforeBoth(t)
	r, err := openStore(t, k.lab.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, _, err := snapshot.List(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var one, two []snapshot.Snapshot
	for _, s := range all {
		switch s.Name {
		case a:
			one = append(one, s)
		case b:
			two = append(two, s)
		}
	}
	still := func(when string) {
		t.Helper()
		if why := snapshot.WhyLost(t.Context(), r, one, crypt.ErrDamaged); why != crypt.ErrDamaged {
			t.Errorf("%s: %v", when, why)
		}
	}
	still("there")
	k.forget(t, k.options(), b)
	if _, err := snapshot.Prune(t.Context(), r, snapshot.PruneOptions{}); err != nil {
		t.Fatal(err)
	}
	still("another left")
	if why := snapshot.WhyLost(t.Context(), r, two, crypt.ErrDamaged); !errors.Is(why, snapshot.ErrForgotten) || errors.Is(why, crypt.ErrDamaged) {
		t.Errorf("it left: %v", why)
	}
	if why := snapshot.WhyLost(t.Context(), r, two, io.ErrUnexpectedEOF); why != io.ErrUnexpectedEOF {
		t.Errorf("nothing is lost: %v", why)
	}
	if why := snapshot.WhyLost(t.Context(), r, two, nil); why != nil {
		t.Errorf("no error: %v", why)
	}
	k.forget(t, k.options(), a)
	still("forgotten and there")
}
