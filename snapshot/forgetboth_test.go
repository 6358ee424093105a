package snapshot_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"shoebox/bench/proof"
	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// turnstile is a store that lets somebody else work before one of its calls.
type turnstile struct {
	storage.Store
	mu        sync.Mutex // calls may come side by side; they wait for whoever works meanwhile
	at, calls int
	meanwhile func()
}

func (g *turnstile) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls++; g.calls == g.at {
		g.meanwhile()
	}
}

func (g *turnstile) Put(ctx context.Context, name string, data []byte) error {
	g.pass()
	return g.Store.Put(ctx, name, data)
}

func (g *turnstile) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	g.pass()
	return g.Store.Get(ctx, name, off, n)
}

func (g *turnstile) Delete(ctx context.Context, name string) error {
	g.pass()
	return g.Store.Delete(ctx, name)
}

func (g *turnstile) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	g.pass()
	return g.Store.List(ctx, prefix)
}

// beforeBoth is a content that two snapshots hold and no other, and an attic.
func beforeBoth(t *testing.T) (k *thinned, a, b string) {
	t.Helper()
	k = newThinned(t)
	old := k.backup(t, "phone", roll{"old": text("old"), "both": text("earlier")}, nil)
	one := k.backup(t, "phone", roll{"both": text("both"), "one": text("one")}, nil)
	two := k.backup(t, "phone", roll{"both": text("both"), "two": text("two")}, nil)
	k.backup(t, "phone", roll{"last": text("last")}, nil)
	k.forget(t, k.options(), old.Name)
	return k, one.Name, two.Name
}

// Two computers that each forget one of the two snapshots that hold a content, one of them stopped at any of its calls while the other
// does all of its work: neither relies on the other's. And then a prune, at the worst moment.
func TestTwoForgetsAtOnce(t *testing.T) {
	tried, stride := 0, proof.Pick(t, 23, 1, 1)
	for _, lastCopies := range []bool{false, true} {
		base, a, b := beforeBoth(t)
		for at := 1; ; at += stride {
			k := *base
			k.lab = base.lab.copied()
			store := &turnstile{Store: k.lab.store, at: at}
			store.meanwhile = func() {
				k.there(t, func(r *repo.Repo) {
					o := k.options()
					o.Host = "there"
					if _, err := snapshot.Forget(t.Context(), r, []string{b}, o); err != nil {
						t.Errorf("call %d: the other forget: %v", at, err)
					}
				})
			}
			r, err := openStore(t, store)
			if err != nil {
				t.Fatal(err)
			}
			o := k.options()
			o.LastCopies = lastCopies
			did, err := snapshot.Forget(t.Context(), r, []string{a}, o)
			if err != nil {
				t.Fatalf("call %d: %v", at, err)
			}
			if k.must = cloneOf(base.must); lastCopies {
				for _, x := range did.Going {
					delete(k.must, x.Hash)
				}
			}
			if err := k.proof(r); err != nil {
				t.Errorf("call %d, last copies %v: %v", at, lastCopies, err)
			}
			if _, err := snapshot.Prune(t.Context(), r, snapshot.PruneOptions{}); err != nil {
				t.Errorf("call %d: prune: %v", at, err)
			}
			if err := k.proof(r); err != nil {
				t.Errorf("call %d, last copies %v, pruned: %v", at, lastCopies, err)
			}
			// The next forget makes one attic of several.
			if _, err := snapshot.Forget(t.Context(), r, []string{b}, k.options()); err != nil {
				t.Errorf("call %d: %v", at, err)
			}
			r.Close()
			if store.calls < at {
				break
			}
			tried++
		}
	}
	proof.Count(t, 15, tried)
}

// there is another computer, which knew nothing before, doing something.
func (k *thinned) there(t *testing.T, do func(*repo.Repo)) {
	t.Helper()
	r, err := openStore(t, k.lab.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	do(r)
}

func cloneOf(m map[[32]byte][]byte) map[[32]byte][]byte {
	c := make(map[[32]byte][]byte, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// Stopped at any call that changes the store, a forget or an undo loses no content, also not when a prune comes next; and the forget can
// be done again.
func TestStopAtEveryCallOfForgetAndUndo(t *testing.T) {
	base, a, b := beforeBoth(t)
	forget := func(k *thinned, store storage.Store) error {
		r, err := openStore(t, store)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = snapshot.Forget(context.Background(), r, []string{a, b}, k.options())
		return err
	}
	undo := func(k *thinned, store storage.Store) error {
		r, err := openStore(t, store)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = snapshot.Undo(context.Background(), r, nil, k.options())
		return err
	}
	stops := 0
	for name, do := range map[string]func(*thinned, storage.Store) error{"forget": forget, "undo": undo} {
		for _, after := range []bool{false, true} {
			for at := 1; ; at++ {
				k := *base
				k.lab = base.lab.copied()
				store := &cutOff{Store: k.lab.store, at: at, after: after}
				if err := do(&k, store); err == nil {
					break
				}
				stops++
				for _, then := range []string{"look", "prune", "again", "prune"} {
					if err := k.next(t, then, do); err != nil {
						t.Errorf("%s stopped at call %d, after=%v, then %s: %v", name, at, after, then, err)
					}
				}
			}
		}
	}
	proof.Count(t, 1, stops)
}

func (k *thinned) next(t *testing.T, what string, do func(*thinned, storage.Store) error) error {
	r, err := openStore(t, k.lab.store)
	if err != nil {
		return err
	}
	defer r.Close()
	switch what {
	case "prune":
		presume := snapshot.PruneOptions{}
		presume.Presume = func(string) bool { return true } // the process is dead, though its number is ours
		if _, err := snapshot.Prune(t.Context(), r, presume); err != nil {
			return fmt.Errorf("prune: %w", err)
		}
	case "again":
		_ = do(k, k.lab.store) // an undo may come too late
	}
	return k.proof(r)
}

// afterPut does something once after the first Put of a name.
type afterPut struct {
	storage.Store
	prefix string
	do     func()
}

func (a *afterPut) Put(ctx context.Context, name string, data []byte) error {
	err := a.Store.Put(ctx, name, data)
	if do := a.do; do != nil && strings.HasPrefix(name, a.prefix) {
		a.do = nil
		do()
	}
	return err
}

// A computer asks for last copies to go and falls asleep. Meanwhile another forgets the other snapshot that holds some of them, and when the
// first has put its tombstone, and when it has let go of what was listed, there is a prune. Only what was listed may be gone.
func TestPruneBetweenTombstoneAndSecondLook(t *testing.T) {
	k, a, b := beforeBoth(t)
	other, err := openStore(t, k.lab.store)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	forget := func() { k.forget(t, k.options(), b) }
	prune := func() {
		if _, err := snapshot.Prune(t.Context(), other, patient(true)); err != nil {
			t.Error(err)
		}
	}
	pruned := &afterPut{&afterPut{k.lab.store, "tombstones/" + a, prune}, "releases/" + a, prune}
	r, err := openStore(t, &beforePut{pruned, "tombstones/" + a, forget})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := k.options()
	o.LastCopies = true
	did, err := snapshot.Forget(t.Context(), r, []string{a}, o)
	if err != nil || len(did.Going) != 1 || did.Going[0].Path != "one" || len(did.Carried) != 1 {
		t.Errorf("%+v, %v", did, err)
	}
	delete(k.must, hashOf(text("one")))
	prune()
	if err := k.proof(r); err != nil {
		t.Error(err)
	}
}
