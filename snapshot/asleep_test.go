package snapshot_test

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"

	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// asleep is a computer that falls asleep right before its session is open, while much happens elsewhere.
type asleep struct {
	storage.Store
	once  sync.Once
	while func()
}

func (a *asleep) Put(ctx context.Context, name string, data []byte) error {
	if strings.HasSuffix(name, ".open") {
		a.once.Do(a.while)
	}
	return a.Store.Put(ctx, name, data)
}

// distracted is a computer to which much happens right before it lists the snapshots, once.
type distracted struct {
	storage.Store
	once sync.Once
	by   func()
}

func (d *distracted) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	if prefix == "snapshots/" {
		d.once.Do(d.by)
	}
	return d.Store.List(ctx, prefix)
}

// Two backups of one computer between a pruner's listing of sessions and that of snapshots: the first looks unconfirmed and the second
// calls it its predecessor. Nothing has vanished.
func TestTwoBackupsBetweenTwoListings(t *testing.T) {
	l := newLab(t)
	if _, err := l.backup(l.store, firstRoll(), nil); err != nil {
		t.Fatal(err)
	}
	d := &distracted{Store: l.store, by: func() {
		for _, src := range []roll{nightRoll(), firstRoll()} {
			if _, err := l.backup(l.store, src, nil); err != nil {
				t.Error(err)
			}
		}
	}}
	r, err := openStore(t, d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := snapshot.Prune(t.Context(), r, snapshot.PruneOptions{}); err != nil {
		t.Error(err)
	}
}

// A parent that was chosen before the session was open may be gone, with what only it needed, when the backup goes on.
func TestParentPrunedWhileAsleep(t *testing.T) {
	l := newLab(t)
	src := firstRoll()
	other := firstRoll()
	src["DCIM/zz-big.jpg"] = jpeg(4711, 900_000)
	small := func(o *snapshot.BackupOptions) { o.Batch.DataPack = 100_000 }
	s, err := l.backup(l.store, src, small)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.backup(l.store, other, func(o *snapshot.BackupOptions) { small(o); o.Device.ID = strings.Repeat("ab", 16) })
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	a := &asleep{Store: l.store, while: func() {
		r, err := openStore(t, l.store)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := snapshot.Forget(ctx, r, []string{s.Name}, snapshot.ForgetOptions{LastCopies: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := snapshot.Prune(ctx, r, snapshot.PruneOptions{PruneOptions: repo.PruneOptions{MaxDead: 0.95}}); err != nil {
			t.Fatal(err)
		}
	}}
	s2, err := l.backup(a, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openStore(t, l.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := gives(r, s2, src); err != nil {
		t.Fatal(err)
	}
}
