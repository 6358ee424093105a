package vault

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"shoebox/repo/storage"
)

// recorder takes down the writes of a call, to do them one by one later.
type recorder struct {
	storage.Memory
	ops []func(storage.Store)
}

func (r *recorder) Put(_ context.Context, name string, data []byte) error {
	data = bytes.Clone(data)
	r.ops = append(r.ops, func(s storage.Store) { _ = s.Put(ctx, name, data) })
	return nil
}

func (r *recorder) Delete(_ context.Context, name string) error {
	r.ops = append(r.ops, func(s storage.Store) { _ = s.Delete(ctx, name) })
	return nil
}

// between does the operations of another process before certain calls, counted from 0.
type between struct {
	storage.Store
	ops  []func(storage.Store)
	at   []int
	call int
	last int    // call before which the last operation was done
	only bool   // there is one original: no other is looked at in between
	late string // an original that was put though its redundancy was gone before the call before
}

func (b *between) next() {
	for len(b.ops) > 0 && b.at[0] <= b.call {
		b.ops[0](b.Store)
		b.ops, b.at, b.last = b.ops[1:], b.at[1:], b.call
	}
	b.call++
}

func (b *between) Put(ctx context.Context, name string, data []byte) error {
	b.next()
	second := copyName(name)
	if kindOf(name) == packKind {
		second = SidecarName(name)
	}
	if k := kindOf(name); b.only && (k == packKind || k.copied()) && b.last < b.call-1 {
		if _, err := b.Store.Get(ctx, second, 0, 0); err != nil {
			b.late = name
		}
	}
	return b.Store.Put(ctx, name, data)
}

func (b *between) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	b.next()
	return b.Store.Get(ctx, name, off, n)
}

func (b *between) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	b.next()
	return b.Store.List(ctx, prefix)
}

func (b *between) Delete(ctx context.Context, name string) error {
	b.next()
	return b.Store.Delete(ctx, name)
}

// everyOrder runs do with the operations of another process between its calls, in every order there is.
func everyOrder(t *testing.T, base storage.Store, do func(*Vault) error, ops []func(storage.Store), check func(m *storage.Memory, at []int)) {
	t.Helper()
	n, calls, originals := 0, 0, map[string]bool{}
	for name := range contents(t, base) {
		originals[name[len(name)-8:]] = true // an original and its redundancy end alike
	}
	run := func(at []int) {
		m := clone(t, base)
		b := &between{Store: m, ops: ops, at: at, only: len(originals) == 1}
		must(t, do(New(&oneByOne{Store: b}, true)))
		if b.late != "" {
			t.Fatalf("%s was put back though it had been deleted at %v", b.late, at)
		}
		calls = max(calls, b.call)
		for _, op := range b.ops {
			op(m)
		}
		check(m, at)
		n++
	}
	var orders func(at []int)
	orders = func(at []int) {
		if len(at) == len(ops) {
			run(at)
			return
		}
		from := 0
		if len(at) > 0 {
			from = at[len(at)-1]
		}
		for k := from; k <= calls; k++ { // calls grows as longer runs are met
			orders(append(at[:len(at):len(at)], k))
		}
	}
	orders(nil)
	t.Logf("%d orders", n)
}

func recorded(t *testing.T, do func(*Vault) error) []func(storage.Store) {
	t.Helper()
	r := new(recorder)
	must(t, do(New(r, true)))
	return r.ops
}

// states are an original and its copy before somebody looks, in everything that can be wrong with them.
func states(t *testing.T, name string, data []byte) map[string]*storage.Memory {
	t.Helper()
	all := map[string]*storage.Memory{}
	for what, hurt := range map[string]func(m *storage.Memory){
		"damaged":      func(m *storage.Memory) { change(t, m, name, flip(60)) },
		"lost":         func(m *storage.Memory) { must(t, m.Delete(ctx, name)) },
		"bare":         func(m *storage.Memory) { must(t, m.Delete(ctx, copyName(name))) },
		"copy damaged": func(m *storage.Memory) { change(t, m, copyName(name), flip(120)) },
		"whole":        func(*storage.Memory) {},
	} {
		m := new(storage.Memory)
		must(t, New(m, true).Put(ctx, name, data))
		hurt(m)
		all[what] = m
	}
	return all
}

// What is deleted on purpose while it is healed stays deleted.
func TestHealBesideDelete(t *testing.T) {
	for what, base := range states(t, snapshotName, record("s", 1)) {
		ops := recorded(t, func(v *Vault) error { return v.Delete(ctx, snapshotName) })
		everyOrder(t, base, func(v *Vault) error { return ignore(v.Heal(ctx, Options{})) }, ops, func(m *storage.Memory, at []int) {
			wantContents(t, m, map[string]string{}, fmt.Sprintf("%s, deleted at %v", what, at))
		})
	}
}

// A password that is changed while its slot is healed is changed.
func TestHealBesideNewPassword(t *testing.T) {
	other := func(m storage.Store) { must(t, New(m, true).Put(ctx, "keys/recovery.age", slot("r"))) }
	for _, alone := range []bool{true, false} {
		for what, base := range states(t, slotName, slot("old")) {
			if !alone {
				other(base)
			}
			ops := recorded(t, func(v *Vault) error { return v.Put(ctx, slotName, slot("new")) })
			everyOrder(t, base, func(v *Vault) error { return ignore(v.Heal(ctx, Options{})) }, ops, func(m *storage.Memory, at []int) {
				must(t, ignore(New(m, true).Heal(ctx, Options{})))
				want := new(storage.Memory)
				must(t, New(want, true).Put(ctx, slotName, slot("new")))
				if !alone {
					other(want)
				}
				wantContents(t, m, contents(t, want), fmt.Sprintf("%s, changed at %v", what, at))
			})
		}
	}
}

// A change of the only password that stops before its end leaves a slot, the old one or the new.
func TestHealBesideStoppedChange(t *testing.T) {
	for what, base := range states(t, slotName, slot("old")) {
		ops := recorded(t, func(v *Vault) error { return v.Put(ctx, slotName, slot("new")) })
		everyOrder(t, base, func(v *Vault) error { return ignore(v.Heal(ctx, Options{})) }, ops[:2], func(m *storage.Memory, at []int) {
			if got := contents(t, m)[slotName]; got != string(slot("new")) && got != string(slot("old")) {
				t.Fatalf("%s, changed at %v and stopped: the slot has %d bytes", what, at, len(got))
			}
		})
	}
}

// Redundancy that is removed while it is used costs no original.
func TestHealBesideRemove(t *testing.T) {
	for what, base := range states(t, snapshotName, record("s", 1)) {
		ops := []func(storage.Store){
			func(s storage.Store) { must(t, s.Put(ctx, removedName, []byte(removedText))) },
			func(s storage.Store) {
				if data, err := s.Get(ctx, snapshotName, 0, -1); err == nil && whole(snapshotName, data) == nil {
					must(t, s.Delete(ctx, copyName(snapshotName)))
				}
			},
		}
		everyOrder(t, base, func(v *Vault) error { return ignore(v.Heal(ctx, Options{})) }, ops, func(m *storage.Memory, at []int) {
			if got, err := New(m, true).Get(ctx, snapshotName, 0, -1); err != nil || !bytes.Equal(got, record("s", 1)) {
				t.Fatalf("%s, copies removed at %v: the original is lost: %v", what, at, err)
			}
		})
	}
}

// A pack that is pruned while it is healed is gone, or whole: it never comes back damaged, and its sidecar does not outlive a sweep.
func TestHealBesidePrune(t *testing.T) {
	pack := noise("p", 12288)
	name := packName(pack)
	for what, hurt := range map[string]func(m *storage.Memory){
		"damaged":         func(m *storage.Memory) { change(t, m, name, flip(60)) },
		"bare":            func(m *storage.Memory) { must(t, m.Delete(ctx, SidecarName(name))) },
		"sidecar damaged": func(m *storage.Memory) { change(t, m, SidecarName(name), flip(120)) },
	} {
		base := new(storage.Memory)
		must(t, New(base, true).Put(ctx, name, pack))
		hurt(base)
		ops := recorded(t, func(v *Vault) error { return v.Delete(ctx, name) })
		back := 0
		everyOrder(t, base, func(v *Vault) error { return ignore(v.Heal(ctx, Options{})) }, ops, func(m *storage.Memory, at []int) {
			must(t, ignore(New(m, true).SweepParity(ctx, Sweep{})))
			for left, data := range contents(t, m) {
				if left != name && !strings.HasPrefix(left, ParityDir) || left == name && data != string(pack) {
					t.Fatalf("%s, pruned at %v: %s is left", what, at, left)
				}
				back++
			}
		})
		t.Logf("%s: came back whole %d times", what, back)
	}
}

// Copies that are added while something is deleted or replaced do not outlive it.
func TestAddBesideDelete(t *testing.T) {
	base := states(t, snapshotName, record("s", 1))["bare"]
	ops := recorded(t, func(v *Vault) error { return v.Delete(ctx, snapshotName) })
	everyOrder(t, base, func(v *Vault) error { return ignore(v.AddParity(ctx, Options{})) }, ops, func(m *storage.Memory, at []int) {
		wantContents(t, m, map[string]string{}, fmt.Sprintf("deleted at %v", at))
	})
	base = states(t, slotName, slot("old"))["bare"]
	ops = recorded(t, func(v *Vault) error { return v.Put(ctx, slotName, slot("new")) })
	everyOrder(t, base, func(v *Vault) error { return ignore(v.AddParity(ctx, Options{})) }, ops, func(m *storage.Memory, at []int) {
		must(t, ignore(New(m, true).Heal(ctx, Options{})))
		if got := contents(t, m)[slotName]; got != string(slot("new")) {
			t.Fatalf("changed at %v: the old password is back", at)
		}
	})
}
