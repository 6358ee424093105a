package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"shoebox/bench/proof/tried"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// hurt damages a store in all ways that heal, and in none that does not.
func hurt(t testing.TB, m storage.Store) {
	t.Helper()
	i := 0
	for _, name := range slices.Sorted(keys(house())) {
		switch k := kindOf(name); {
		case k == packKind:
			change(t, m, name, [3]func([]byte) []byte{flip(1000), func(b []byte) []byte { return b[:len(b)-200] }, func(b []byte) []byte { return append(b, 1) }}[i%3])
		case k.copied() && i%3 == 0:
			must(t, m.Delete(ctx, name))
		case k.copied() && i%3 == 1:
			change(t, m, name, flip(70))
		case k.copied():
			change(t, m, copyName(name), flip(100))
		}
		i++
	}
	packs := packNames()
	change(t, m, SidecarName(packs[0]), flip(20))
	must(t, m.Delete(ctx, copyName("shoebox.json")))
}

func packNames() (all []string) {
	for _, name := range slices.Sorted(keys(house())) {
		if kindOf(name) == packKind {
			all = append(all, name)
		}
	}
	return all
}

// longPack is a pack of more than one shard: those of one shard are copied, and heal whatever happens.
func longPack() string {
	all := house()
	return slices.MaxFunc(packNames(), func(a, b string) int { return len(all[a]) - len(all[b]) })
}

func shortPack() string {
	all := house()
	return slices.MinFunc(packNames(), func(a, b string) int { return len(all[a]) - len(all[b]) })
}

func keys(m map[string][]byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

func clone(t testing.TB, m storage.Store) *storage.Memory {
	t.Helper()
	c := new(storage.Memory)
	for name, data := range contents(t, m) {
		must(t, c.Put(ctx, name, []byte(data)))
	}
	return c
}

func TestHealAll(t *testing.T) {
	v, m := filled(t, true)
	want := contents(t, m)
	hurt(t, m)
	// shoebox.json was hurt in both places only if its turn took the original away: its copy is gone.
	must(t, m.Put(ctx, "shoebox.json", house()["shoebox.json"]))
	found, err := v.Verify(ctx, Options{})
	must(t, err)
	var logged []Correction
	rep, err := v.Heal(ctx, Options{Log: func(c Correction) { logged = append(logged, c) }})
	must(t, err)
	wantContents(t, m, want, "after healing")
	if len(rep.Damage) > 0 || len(rep.Corrected) != len(found.Damage)+found.Bare || len(logged) != len(rep.Corrected) {
		t.Errorf("found %d damaged and %d bare, corrected %d, logged %d, left %v", len(found.Damage), found.Bare, len(rep.Corrected), len(logged), rep.Damage)
	}
	for _, c := range logged {
		if c.From == "" || c.What == "" {
			t.Errorf("%+v says too little", c)
		}
	}
	if rep, err = v.Heal(ctx, Options{}); err != nil || len(rep.Corrected) > 0 {
		t.Errorf("a second healing: %+v, %v", rep, err)
	}
}

// What is beyond healing is told and left as it is.
func TestBeyondHealing(t *testing.T) {
	v, m := filled(t, true)
	pack := longPack()
	must(t, m.Put(ctx, pack, noise("other", 5000)))
	change(t, m, snapshotName, flip(9))
	change(t, m, copyName(snapshotName), flip(99))
	must(t, m.Delete(ctx, "tombstones/ff112233445566778899aabbccddeeff"))
	change(t, m, "copies/tombstones/ff112233445566778899aabbccddeeff", flip(99))
	change(t, m, "sessions/00112233445566778899aabbccddeef0.open", flip(99))
	want := contents(t, m)
	rep, err := v.Heal(ctx, Options{})
	must(t, err)
	wantContents(t, m, want, "after healing what does not heal")
	lost := []string{copyName(snapshotName), "copies/tombstones/ff112233445566778899aabbccddeeff", pack, "sessions/00112233445566778899aabbccddeef0.open", snapshotName,
		"tombstones/ff112233445566778899aabbccddeeff"}
	if got := names(rep.Damage); !slices.Equal(got, lost) {
		t.Errorf("%v, want %v", got, lost)
	}
	for _, d := range rep.Damage {
		if d.Heals {
			t.Errorf("%s is said to heal", d.Name)
		}
	}
}

// Stopped at every call, and begun again: complete, and never worse than before.
func TestStopHealing(t *testing.T) {
	v, m := filled(t, true)
	want := contents(t, m)
	hurt(t, m)
	must(t, m.Put(ctx, "shoebox.json", house()["shoebox.json"]))
	everyStop(t, m, func(s storage.Store) error { return ignore(New(s, true).Heal(ctx, Options{})) }, func(after *storage.Memory, k int) {
		for name, data := range house() {
			if k := kindOf(name); k != packKind && !k.copied() {
				continue
			}
			got, err := New(after, true).readAny(name)
			if err != nil || !bytes.Equal(got, data) && kindOf(name) != slotKind && kindOf(name) != hintKind {
				t.Fatalf("stopped after %d calls: %s: %v", k, name, err)
			}
		}
		must(t, ignore(New(after, true).Heal(ctx, Options{})))
		wantContents(t, after, want, fmt.Sprintf("stopped after %d calls and healed again", k))
	})
	_ = v
}

// readAny reads any object through damage.
func (v *Vault) readAny(name string) ([]byte, error) {
	if kindOf(name) == packKind {
		return v.Restored(ctx, name)
	}
	return v.Get(ctx, name, 0, -1)
}

// everyStop does something on copies of a store, stopped after 0, 1, 2 ... calls until it gets through.
func everyStop(t *testing.T, m storage.Store, do func(storage.Store) error, check func(*storage.Memory, int)) {
	t.Helper()
	for k := 0; ; k++ {
		after := clone(t, m)
		s := &oneByOne{Store: &stopping{Store: after, left: k}}
		_ = do(s)
		check(after, k)
		if s.Store.(*stopping).left >= 0 {
			t.Run("stops", func(t *testing.T) { tried.Cases(t, 1, k) })
			return
		}
	}
}

// oneByOne lets one call through at a time.
type oneByOne struct {
	mu    sync.Mutex
	Store storage.Store
}

func (o *oneByOne) Put(ctx context.Context, name string, data []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Store.Put(ctx, name, data)
}

func (o *oneByOne) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Store.Get(ctx, name, off, n)
}

func (o *oneByOne) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Store.List(ctx, prefix)
}

func (o *oneByOne) Delete(ctx context.Context, name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Store.Delete(ctx, name)
}

// eachCallFails makes each call fail once, in each way: what was asked for is done, or told as not done and done by the next run.
func eachCallFails(t *testing.T, stride int) (struck int) {
	_, base := filled(t, true)
	want := contents(t, base)
	hurt(t, base)
	must(t, base.Put(ctx, "shoebox.json", house()["shoebox.json"]))
	for f := range storagetest.Faults {
		for at := 1; ; at += stride {
			m := clone(t, base)
			faulty := &storagetest.Faulty{Store: m, At: at, Fault: f}
			rep, err := New(faulty, true).Heal(ctx, Options{})
			if faulty.Calls() < at {
				break
			}
			if !faulty.Struck() {
				continue
			}
			struck++
			if f != storagetest.StaleList && err == nil && len(rep.Damage) == 0 {
				wantContents(t, m, want, fmt.Sprintf("%v at call %d, told as healed", f, at))
			}
			must(t, ignore(New(m, true).Heal(ctx, Options{})))
			wantContents(t, m, want, fmt.Sprintf("%v at call %d, then healed again", f, at))
		}
	}
	if struck < 30 {
		t.Error("too few calls failed:", struck)
	}
	return struck
}

func TestListErrors(t *testing.T) {
	_, m := filled(t, true)
	for _, f := range []storagetest.Fault{storagetest.Fails, storagetest.BrokenList} {
		for what, do := range map[string]func(*Vault) error{
			"verify": func(v *Vault) error { return ignore(v.Verify(ctx, Options{})) },
			"heal":   func(v *Vault) error { return ignore(v.Heal(ctx, Options{})) },
			"sweep":  func(v *Vault) error { return ignore(v.SweepParity(ctx, Sweep{LoneCopies: true})) },
		} {
			before := contents(t, m)
			for at := 1; at <= 4; at++ {
				faulty := &storagetest.Faulty{Store: m, At: at, Fault: f}
				if err := do(New(faulty, true)); faulty.Struck() && err == nil && (what == "sweep" || at == 1) {
					t.Errorf("%s: call %d, %v, was taken for a shorter list", what, at, f)
				}
				wantContents(t, m, before, what)
			}
		}
	}
}

func TestRestored(t *testing.T) {
	v, m := filled(t, true)
	for _, name := range packNames() {
		change(t, m, name, flip(17))
		before := contents(t, m)
		got, err := v.Restored(ctx, name)
		if err != nil || !bytes.Equal(got, house()[name]) {
			t.Errorf("%s: %v", name, err)
		}
		wantContents(t, m, before, "after Restored")
	}
	name := packNames()[0]
	must(t, m.Delete(ctx, SidecarName(name)))
	if _, err := v.Restored(ctx, name); !errors.Is(err, ErrDamaged) {
		t.Error("without a sidecar:", err)
	}
	must(t, m.Delete(ctx, name))
	if _, err := v.Restored(ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Error("gone:", err)
	}
	if _, err := v.Restored(ctx, snapshotName); err == nil {
		t.Error("a snapshot is no pack")
	}
}

// badSector is a store in which some bytes of one object cannot be read.
type badSector struct {
	storage.Store
	name     string
	from, to int64
}

func (b badSector) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if name == b.name && off < b.to && (n < 0 || off+n > b.from) && n != 0 {
		return nil, fmt.Errorf("get %s: %w", name, syscall.EIO)
	}
	return b.Store.Get(ctx, name, off, n)
}

// A disk gives an error for the whole file where one sector is gone: the rest is read around it.
func TestUnreadableSector(t *testing.T) {
	m := new(storage.Memory)
	pack := noise("big", 8<<20)
	name := packName(pack)
	must(t, New(m, true).Put(ctx, name, pack))
	v := New(badSector{m, name, 1 << 20, 1<<20 + 512}, true)
	if got, err := v.Restored(ctx, name); err != nil || !bytes.Equal(got, pack) {
		t.Error(err)
	}
	rep, err := v.Verify(ctx, Options{})
	must(t, err)
	if len(rep.Damage) != 1 || !rep.Damage[0].Heals {
		t.Errorf("%+v", rep)
	}
	v = New(badSector{m, name, 0, 8 << 20}, true)
	if err := v.Quarantine(ctx, name); err == nil {
		t.Error("a pack that cannot be read was deleted")
	}
	if _, err := m.Get(ctx, name, 0, -1); err != nil {
		t.Error(err)
	}
}

func TestQuarantine(t *testing.T) {
	_, base := filled(t, true)
	name := longPack()
	v := New(base, true)
	if err := v.Quarantine(ctx, name); err == nil {
		t.Error("a whole pack was taken away")
	}
	change(t, base, name, flip(7))
	if err := v.Quarantine(ctx, name); err == nil {
		t.Error("a pack that heals was taken away")
	}
	bad := noise("bad", 6000)
	must(t, base.Put(ctx, name, bad))
	sidecar, err := base.Get(ctx, SidecarName(name), 0, -1)
	must(t, err)
	place := QuarantineDir + name[len(name)-64:]
	want := contents(t, base)
	want[place], want[place+".parity"] = string(bad), string(sidecar)
	delete(want, name)
	delete(want, SidecarName(name))
	everyStop(t, base, func(s storage.Store) error { return New(s, true).Quarantine(ctx, name) }, func(after *storage.Memory, k int) {
		if _, err := after.Get(ctx, name, 0, -1); err != nil {
			if kept, err := after.Get(ctx, place, 0, -1); err != nil || !bytes.Equal(kept, bad) {
				t.Fatalf("stopped after %d calls: gone and not kept", k)
			}
		}
		if err := New(after, true).Quarantine(ctx, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		must(t, ignore(New(after, true).SweepParity(ctx, Sweep{})))
		wantContents(t, after, want, fmt.Sprintf("stopped after %d calls", k))
	})
	if err := v.Quarantine(ctx, snapshotName); err == nil {
		t.Error("a snapshot is no pack")
	}
	rep, err := v.Verify(ctx, Options{})
	if must(t, err); strings.Join(names(rep.Damage), " ") != name {
		t.Errorf("%+v", rep)
	}
}
