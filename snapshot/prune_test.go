package snapshot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// mortal is a store that dies at the first Put whose name begins with prefix, or right after it.
type mortal struct {
	storage.Store
	prefix string
	dead   bool
}

func (d *mortal) Put(ctx context.Context, name string, data []byte) error {
	if d.dead {
		return errCut
	}
	err := d.Store.Put(ctx, name, data)
	if strings.HasPrefix(name, d.prefix) {
		d.dead = true
		return errCut
	}
	return err
}

func (k *thinned) openThrough(t *testing.T, store storage.Store) *repo.Repo {
	t.Helper()
	r, err := openStore(t, store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// A forget that dies after its tombstone, when it would have looked whether somebody else forgot the other copy at the same time,
// leaves a content in forgotten snapshots alone. Prune keeps them, and the next forget carries the content.
func TestPruneKeepsForgottenLastCopies(t *testing.T) {
	k := newThinned(t)
	a := k.backup(t, "phone", roll{"both": text("both"), "more": text("more")}, nil)
	b := k.backup(t, "phone", roll{"both": text("both")}, nil)
	k.backup(t, "phone", roll{"more": text("more")}, nil)
	dead := &mortal{Store: k.lab.store, prefix: "tombstones/"}
	// The other forgets b while this one has decided about a, and not put its tombstone.
	late := &beforePut{Store: dead, prefix: "tombstones/", do: func() { k.forget(t, k.options(), b.Name) }}
	r := k.openThrough(t, late)
	if _, err := snapshot.Forget(t.Context(), r, []string{a.Name}, k.options()); !errors.Is(err, errCut) {
		t.Fatalf("%v", err)
	}
	if len(k.list(t)) != 1 {
		t.Fatalf("%+v", k.list(t))
	}
	k.prune(t)
	if standing, pruned, err := snapshot.ListForgotten(t.Context(), k.lab.repo); err != nil || len(standing) != 1 || len(pruned) != 1 {
		t.Errorf("%+v, %q, %v: one of the two holds the last copy", standing, pruned, err)
	}
	if did := k.forget(t, k.options()); len(did.Carried) != 1 || len(did.Attics) != 1 {
		t.Errorf("%+v", did)
	}
	k.prove(t)
	k.prune(t)
	k.prove(t)
	if standing, _, err := snapshot.ListForgotten(t.Context(), k.lab.repo); err != nil || len(standing) != 0 {
		t.Errorf("%+v, %v: nothing holds it any more", standing, err)
	}
}

// beforePut does something once before the first Put of a name.
type beforePut struct {
	storage.Store
	prefix string
	do     func()
}

func (b *beforePut) Put(ctx context.Context, name string, data []byte) error {
	if do := b.do; do != nil && strings.HasPrefix(name, b.prefix) {
		b.do = nil
		do()
	}
	return b.Store.Put(ctx, name, data)
}

// A snapshot that is gone without a tombstone stops a prune: one that a successor speaks of, and the newest, which only this computer remembers.
func TestPruneRefusesWhenASnapshotVanished(t *testing.T) {
	for _, newest := range []bool{false, true} {
		l := newLab(t)
		cache := t.TempDir()
		r, err := repo.Open(t.Context(), l.store, labSecret(t, "p"), repo.Options{CacheDir: cache})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		k := newThinned(t)
		k.lab = l
		l.repo = r
		old := k.backup(t, "phone", roll{"a": text("a")}, nil)
		last := k.backup(t, "phone", roll{"b": text("b")}, nil)
		k.prune(t)
		gone := old
		if newest {
			gone = last
		}
		if err := l.store.Delete(t.Context(), "snapshots/"+gone.Name); err != nil {
			t.Fatal(err)
		}
		_, err = snapshot.Prune(t.Context(), r, snapshot.PruneOptions{})
		if !errors.Is(err, snapshot.ErrVanished) || !strings.Contains(err.Error(), gone.Name) {
			t.Errorf("newest %v: %v", newest, err)
		}
		if _, err := snapshot.Prune(t.Context(), r, snapshot.PruneOptions{ForgetVanished: true}); err != nil {
			t.Errorf("newest %v: %v", newest, err)
		}
		if newest {
			k.prune(t) // it is not remembered any more
		}
		if err := os.WriteFile(filepath.Join(r.CacheDir(), "snapshots.json"), []byte("]"), 0o600); err != nil {
			t.Fatal(err)
		}
		if newest {
			k.prune(t) // what cannot be understood is no memory
		}
	}
}

// What is forgotten is not missed, also when it was the newest, and also after it was pruned.
func TestForgottenIsNotVanished(t *testing.T) {
	k := newThinned(t)
	r, err := repo.Open(t.Context(), k.lab.store, labSecret(t, "p"), repo.Options{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	k.lab.repo = r
	a := k.backup(t, "phone", roll{"a": text("a")}, nil)
	k.backup(t, "phone", roll{"a": text("a")}, nil)
	c := k.backup(t, "phone", roll{"a": text("a")}, nil)
	k.prune(t)
	k.forget(t, k.options(), a.Name, c.Name)
	k.prove(t)
	k.prune(t)
	k.prove(t)
	k.backup(t, "phone", roll{"b": text("b")}, nil)
	k.prune(t)
	k.prove(t)
}

// Damage does not spread: a damaged tombstone forgets nothing, a damaged snapshot stops forget and prune until it is let go of
// on purpose, and each is named.
func TestForgettingAndDamage(t *testing.T) {
	k := newThinned(t)
	a := k.backup(t, "phone", roll{"a": text("a")}, nil)
	b := k.backup(t, "phone", roll{"b": text("b")}, nil)
	c := k.backup(t, "phone", roll{"c": text("c")}, nil)
	k.forget(t, k.options(), a.Name)
	spoil(t, k.lab.store, "tombstones/"+a.Name)
	if left := k.list(t); len(left) != 4 {
		t.Errorf("%d snapshots, with that of the damaged tombstone and the attic", len(left))
	}
	report, err := snapshot.Check(t.Context(), k.lab.repo, snapshot.CheckOptions{})
	if err != nil || len(report.Damage) != 1 || report.Damage[0].Name != "tombstones/"+a.Name {
		t.Errorf("%+v, %v", report, err)
	}
	spoil(t, k.lab.store, "snapshots/"+b.Name)
	if _, err := snapshot.Prune(t.Context(), k.lab.repo, snapshot.PruneOptions{}); err == nil || !strings.Contains(err.Error(), b.Name) || !strings.Contains(err.Error(), "shoebox heal") {
		t.Errorf("pruned: %v", err)
	}
	if _, err := snapshot.Forget(t.Context(), k.lab.repo, []string{b.Name}, k.options()); err == nil || !strings.Contains(err.Error(), "shoebox heal") {
		t.Errorf("forgotten: %v", err)
	}
	o := k.options()
	o.LastCopies = true
	did, err := snapshot.Forget(t.Context(), k.lab.repo, []string{b.Name}, o)
	if err != nil || len(did.Unreadable) != 1 {
		t.Errorf("%+v, %v", did, err)
	}
	delete(k.must, hashOf(text("b")))
	if _, err := snapshot.Prune(t.Context(), k.lab.repo, snapshot.PruneOptions{}); err != nil {
		t.Error(err)
	}
	for _, s := range k.list(t) {
		if s.Name == c.Name && s.Writer.Prev != b.Name {
			t.Errorf("%+v", s)
		}
	}
}

// spoil changes a byte in the middle of an object.
func spoil(t *testing.T, store storage.Store, name string) {
	t.Helper()
	data, err := store.Get(t.Context(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	data = append([]byte(nil), data...)
	data[len(data)/2] ^= 1
	if err := store.Put(t.Context(), name, data); err != nil {
		t.Fatal(err)
	}
}

// Pages that cannot be read: nobody knows what a snapshot holds, so it is forgotten only on purpose, and nothing is pruned before.
func TestForgettingWhatCannotBeRead(t *testing.T) {
	k := newThinned(t)
	src := roll{}
	for _, name := range strings.Fields("a b c d e f g h") {
		src[name] = text(name)
	}
	hurt := k.backup(t, "phone", src, nil)
	before := make(map[string]bool)
	for o, err := range k.lab.store.List(t.Context(), "packs/") {
		if err != nil {
			t.Fatal(err)
		}
		before[o.Name] = true
	}
	k.backup(t, "phone", roll{"other": text("other")}, nil)
	k.lab.repo.Close()
	for name := range before {
		base := *k
		base.lab = k.lab.copied()
		if err := base.lab.store.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		r := base.openThrough(t, base.lab.store)
		_, forgot := snapshot.Forget(t.Context(), r, []string{hurt.Name}, base.options())
		if forgot == nil || !strings.Contains(forgot.Error(), "shoebox heal") {
			t.Errorf("without %s it was forgotten: %v", name, forgot)
		}
		o := base.options()
		o.LastCopies = true
		did, err := snapshot.Forget(t.Context(), r, []string{hurt.Name}, o)
		if err != nil || len(did.Unreadable)+len(did.Going) == 0 {
			t.Errorf("without %s: %+v, %v", name, did, err)
		}
		if _, err := snapshot.Prune(t.Context(), r, snapshot.PruneOptions{}); err != nil {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if len(before) < 2 {
		t.Errorf("only %d packs", len(before))
	}
}

// What an interrupted backup had made safe stays, unless it is let go.
func TestPruneKeepsNotes(t *testing.T) {
	for _, drop := range []bool{false, true} {
		l := interrupted(t)
		for o, err := range l.store.List(t.Context(), "sessions/") {
			if err == nil && strings.HasSuffix(o.Name, ".open") {
				err = l.store.Delete(t.Context(), o.Name) // no packs are spared as those of a writer at work
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r, err := openStore(t, l.store)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		o := snapshot.PruneOptions{DropNotes: drop}
		if _, err := snapshot.Prune(t.Context(), r, o); err != nil {
			t.Fatal(err)
		}
		s, err := l.backup(l.store, firstRoll(), nil)
		if err != nil || (s.Count.Read < s.Count.Bytes) == drop {
			t.Errorf("dropped %v: %d of %d bytes were read again, %v", drop, s.Count.Read, s.Count.Bytes, err)
		}
		l.prove()
	}
}
