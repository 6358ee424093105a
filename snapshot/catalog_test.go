package snapshot_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// nightsOf takes snapshots of so many files, with some changes between each two, of several devices in turn.
func nightsOf(tb testing.TB, l *lab, nights, files, changes, devices int) (all []snapshot.Snapshot) {
	tb.Helper()
	rng, rolls := rand.New(rand.NewPCG(1, 2)), make([]roll, devices)
	for night := range nights {
		d := night % devices
		if rolls[d] == nil {
			rolls[d] = roll{}
			for i := range files {
				rolls[d][fmt.Sprintf("DCIM/%06d", i)] = fmt.Append(nil, i)
			}
		}
		for range changes {
			path := fmt.Sprintf("DCIM/%06d", rng.IntN(files+files/10))
			if rng.IntN(3) == 0 {
				delete(rolls[d], path)
			} else {
				rolls[d][path] = fmt.Append(nil, rng.IntN(4))
			}
		}
		s, err := l.backup(l.store, rolls[d], func(o *snapshot.BackupOptions) {
			o.Device.ID = fmt.Sprintf("%032d", d)
			o.Device.Name = fmt.Sprint("phone", d)
		})
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, s)
		rolls[d] = maps.Clone(rolls[d])
	}
	return all
}

// Whatever pages the snapshots share, the catalog tells what reading each snapshot on its own tells.
func TestCatalogTellsWhatSnapshotsHold(t *testing.T) {
	l := newLab(t)
	all := nightsOf(t, l, 24, 300, 12, 3)
	type seen struct{ first, last, in int }
	want := map[string]*seen{}
	for i, s := range all {
		for e, err := range snapshot.Entries(t.Context(), l.repo, s) {
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint(s.Device.ID, e.Path, e.Hash, e.ModTime.UnixNano())
			if want[key] == nil {
				want[key] = &seen{i, i, 0}
			}
			want[key].last = i
			want[key].in++
		}
	}
	c, err := snapshot.ReadCatalog(t.Context(), l.repo, all)
	if err != nil || len(c.Damaged) > 0 || len(c.Pictures) != len(want) {
		t.Fatalf("%d of %d pictures, damaged %v, %v", len(c.Pictures), len(want), c.Damaged, err)
	}
	for i, p := range c.Pictures {
		key := fmt.Sprint(all[p.First].Device.ID, p.Path, p.Hash, p.ModTime.UnixNano())
		if w := want[key]; w == nil || *w != (seen{p.First, p.Last, p.In}) {
			t.Errorf("%s: first %d, last %d, in %d; want %+v", p.Path, p.First, p.Last, p.In, w)
		}
		if i > 0 && (c.Pictures[i-1].Path > p.Path || c.Pictures[i-1].Path == p.Path && c.Pictures[i-1].First > p.First) {
			t.Errorf("%s is not in its place", p.Path)
		}
	}
}

// BenchmarkReadCatalog reads 100 snapshots of a camera that takes 20 pictures a day after the first 5,000.
func BenchmarkReadCatalog(b *testing.B) {
	l := &lab{t: b, store: new(storage.Memory), truth: make(map[string]roll)}
	var err error
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": labLock(b, "p")}} // pages as long as they are
	if l.repo, err = repo.Create(b.Context(), l.store, setup, repo.Options{}); err != nil {
		b.Fatal(err)
	}
	var all []snapshot.Snapshot
	for camera, night := (roll{}), 0; night < 100; night++ {
		for n := len(camera); n < 5_000+20*night; n++ {
			camera[fmt.Sprintf("DCIM/%06d", n)] = fmt.Append(nil, n)
		}
		s, err := l.backup(l.store, camera, func(o *snapshot.BackupOptions) { o.Batch = repo.BatchOptions{} })
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, s)
	}
	for b.Loop() {
		if c, err := snapshot.ReadCatalog(context.Background(), l.repo, all); err != nil || len(c.Pictures) != 5_000+99*20 {
			b.Fatal(err, len(c.Pictures))
		}
	}
}

// What a pattern matches is found the same whether all pages were looked through or only those where it may stand, and most were not.
func TestCatalogOfAPattern(t *testing.T) {
	l := newLab(t)
	all := nightsOf(t, l, 12, 3000, 12, 2)
	whole, err := snapshot.ReadCatalog(t.Context(), l.repo, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"001234", "00123*", "DCIM/000007", "*5", "**", "nowhere", "DCIM"} {
		p, err := snapshot.CompilePattern(text, false)
		if err != nil {
			t.Fatal(err)
		}
		match := func(one snapshot.Picture) bool { return p.Match(one.Path) }
		some, err := snapshot.ReadCatalogOf(t.Context(), l.repo, all, []snapshot.Pattern{p})
		if err != nil || len(some.Damaged) > 0 {
			t.Fatal(err, some.Damaged)
		}
		if got, want := some.Find(match), whole.Find(match); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d found and not %d", text, len(got), len(want))
		}
		if text == "001234" && len(some.Pictures) > len(whole.Pictures)/2 {
			t.Errorf("%d of %d pictures were looked at for one", len(some.Pictures), len(whole.Pictures))
		}
	}
}
