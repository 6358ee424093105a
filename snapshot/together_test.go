package snapshot_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"shoebox/repo"
	"shoebox/snapshot"
)

// Two computers and readers at once on one store: same and different pictures, nothing in each other's way.
func TestManyAtOnce(t *testing.T) {
	l := newLab(t)
	rounds := 3
	if long() {
		rounds = 40
	}
	shared := firstRoll()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for writer := range 3 {
		wg.Go(func() {
			for round := range rounds {
				src := maps.Clone(shared)
				src[fmt.Sprintf("own-%d-%d", writer, round)] = jpeg(uint64(500+10*round+writer), 20_000)
				r, err := openStore(t, l.store)
				if err != nil {
					t.Error(err)
					return
				}
				o := labOptions(r)
				o.Device.ID, o.Host = snapshot.DeviceID(r, fmt.Sprint("phone", writer%2)), fmt.Sprint("host", writer)
				s, err := snapshot.Backup(context.Background(), r, src, o)
				if err != nil {
					t.Errorf("writer %d: %v", writer, err)
				} else {
					mu.Lock()
					l.truth[s.Name] = src
					mu.Unlock()
				}
				r.Close()
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			r, err := openStore(t, l.store)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			for range 2 * rounds {
				readAll(t, r)
			}
		})
	}
	wg.Wait()
	l.prove()
}

// readAll reads everything that is confirmed at this moment.
func readAll(t *testing.T, r *repo.Repo) {
	all, damaged, err := snapshot.List(context.Background(), r)
	if err != nil || len(damaged) > 0 {
		t.Errorf("%v, %v", damaged, err)
	}
	for _, s := range all {
		if err := readWhole(context.Background(), r, s); err != nil {
			t.Error(err)
			return
		}
	}
}

// A snapshot whose session is not done is shown to nobody, and nothing follows it.
func TestUnconfirmedIsNeitherListedNorFollowed(t *testing.T) {
	l := afterFirst(t)
	night, err := l.backup(l.store, nightRoll(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var newest string
	for o, err := range l.store.List(t.Context(), "sessions/") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(o.Name, ".done") {
			lone := l.copied()
			if err := lone.store.Delete(t.Context(), o.Name); err != nil {
				t.Fatal(err)
			}
			r, err := openStore(t, lone.store)
			if err != nil {
				t.Fatal(err)
			}
			all, _, err := snapshot.List(t.Context(), r)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d listed, %v", len(all), err)
			}
			if all[0].Name != night.Name {
				newest = o.Name
			}
			r.Close()
		}
	}
	if err := l.store.Delete(t.Context(), newest); err != nil {
		t.Fatal(err)
	}
	delete(l.truth, night.Name)
	next, err := l.backup(l.store, nightRoll(), nil)
	if err != nil || next.Parent != night.Parent || next.Writer.Prev != night.Writer.Prev || next.Writer.Seq != night.Writer.Seq {
		t.Errorf("%+v follows %+v: %v", next, night, err)
	}
	if next.Count.Fresh > 5_000 {
		t.Errorf("%d bytes were stored again", next.Count.Fresh)
	}
	l.prove()
}

// A confirmed snapshot that is gone, or is not confirmed any more, is noticed by the one that followed it.
func TestVanishedSnapshotIsNoticed(t *testing.T) {
	for _, dir := range []string{"snapshots/", "sessions/"} {
		l := afterFirst(t)
		for o, err := range l.store.List(t.Context(), dir) {
			if err != nil {
				t.Fatal(err)
			}
			if dir == "sessions/" && !strings.HasSuffix(o.Name, ".done") {
				continue
			}
			if _, err := l.backup(l.store, nightRoll(), nil); err != nil {
				t.Fatal(err)
			}
			if err := l.store.Delete(t.Context(), o.Name); err != nil {
				t.Fatal(err)
			}
			break
		}
		r, err := openStore(t, l.store)
		if err != nil {
			t.Fatal(err)
		}
		report, err := snapshot.Check(t.Context(), r, snapshot.CheckOptions{})
		if err != nil || len(report.Damage) != 1 || !strings.Contains(report.Damage[0].Err.Error(), "vanished") {
			t.Errorf("%s: %+v, %v", dir, report, err)
		}
		r.Close()
	}
}

// What an unconfirmed snapshot lacks is no damage, and hides none of a confirmed one that needs the same pages.
func TestUnconfirmedHidesNoDamage(t *testing.T) {
	l := afterFirst(t)
	for o, err := range l.store.List(t.Context(), "sessions/") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(o.Name, ".done") {
			if err := l.store.Delete(t.Context(), o.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := l.backup(l.store, firstRoll(), nil); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for o, err := range l.store.List(t.Context(), "packs/") {
		if err != nil {
			t.Fatal(err)
		}
		lone := l.copied()
		if err := lone.store.Delete(t.Context(), o.Name); err != nil {
			t.Fatal(err)
		}
		r, err := openStore(t, lone.store)
		if err != nil {
			t.Fatal(err)
		}
		report, err := snapshot.Check(t.Context(), r, snapshot.CheckOptions{})
		if err != nil || len(report.Damage) == 0 || report.Unconfirmed != 1 || report.Snapshots != 2 {
			t.Errorf("without %s: %+v, %v", o.Name, report, err)
		}
		r.Close()
		tried++
	}
	t.Logf("%d packs", tried)
}
