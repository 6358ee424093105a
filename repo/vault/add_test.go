package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"shoebox/repo/parity"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

func TestAddAndRemove(t *testing.T) {
	v, m := filled(t, false)
	_, redundant := filled(t, true)
	bare, full := contents(t, m), contents(t, redundant)
	rep, err := v.Verify(ctx, Options{})
	if must(t, err); len(rep.Damage) > 0 || rep.Bare != len(full)-len(bare) {
		t.Errorf("%+v", rep)
	}
	progress := new(Progress)
	rep, err = v.AddParity(ctx, Options{Progress: progress})
	if must(t, err); len(rep.Damage) > 0 || len(rep.Corrected) != len(full)-len(bare) || progress.Objects.Load() != progress.AllObjects.Load() {
		t.Errorf("%+v", rep)
	}
	wantContents(t, m, full, "after adding")
	log := &storagetest.Logged{Store: m}
	rep, err = New(log, true).AddParity(ctx, Options{})
	if must(t, err); len(rep.Corrected) > 0 || len(log.Lines()) != 2 {
		t.Errorf("adding again: %+v, %v", rep, log.Lines())
	}
	must(t, ignore(v.RemoveParity(ctx, Options{})))
	bare[removedName] = removedText
	wantContents(t, m, bare, "after removing")
	must(t, ignore(v.AddParity(ctx, Options{})))
	wantContents(t, m, full, "after adding once more")
}

// Redundancy of what is damaged is not made; the last good copy is not removed.
func TestAddAndRemoveBesideDamage(t *testing.T) {
	v, m := filled(t, false)
	pack := packNames()[0]
	change(t, m, pack, flip(3))
	change(t, m, snapshotName, flip(300))
	rep, err := v.AddParity(ctx, Options{})
	if must(t, err); len(rep.Damage) != 2 || contents(t, m)[SidecarName(pack)] != "" || contents(t, m)[copyName(snapshotName)] != "" {
		t.Errorf("%+v", rep)
	}
	v, m = filled(t, true)
	change(t, m, snapshotName, flip(300))
	must(t, m.Delete(ctx, slotName))
	rep, err = v.RemoveParity(ctx, Options{})
	if must(t, err); len(rep.Damage) != 2 {
		t.Errorf("%+v", rep)
	}
	must(t, ignore(v.Heal(ctx, Options{})))
	must(t, ignore(v.RemoveParity(ctx, Options{})))
	_, bare := filled(t, false)
	want := contents(t, bare)
	want[removedName] = removedText
	for name := range contents(t, m) {
		if want[name] == "" {
			t.Errorf("%s is left", name)
		}
	}
}

func TestStopAddAndRemove(t *testing.T) {
	_, m := filled(t, false)
	_, redundant := filled(t, true)
	bare, full := contents(t, m), contents(t, redundant)
	add := func(s storage.Store) error { return ignore(New(s, true).AddParity(ctx, Options{})) }
	remove := func(s storage.Store) error { return ignore(New(s, false).RemoveParity(ctx, Options{})) }
	everyStop(t, m, add, func(after *storage.Memory, k int) {
		must(t, add(after))
		wantContents(t, after, full, fmt.Sprintf("adding stopped after %d calls and done again", k))
	})
	bare[removedName] = removedText
	everyStop(t, redundant, remove, func(after *storage.Memory, k int) {
		must(t, remove(after))
		wantContents(t, after, bare, fmt.Sprintf("removing stopped after %d calls and done again", k))
	})
}

func TestSweep(t *testing.T) {
	v, m := filled(t, true)
	want := contents(t, m)
	pack := packNames()[0]
	must(t, m.Delete(ctx, pack))
	delete(want, pack)
	delete(want, SidecarName(pack))
	must(t, m.Delete(ctx, snapshotName))
	delete(want, snapshotName)
	must(t, m.Put(ctx, "parity/strange", []byte("x")))
	want["parity/strange"] = "x"
	n, err := v.SweepParity(ctx, Sweep{})
	if must(t, err); n != 1 {
		t.Error("swept", n)
	}
	wantContents(t, m, want, "a lone copy stays, as its original may be lost")
	n, err = v.SweepParity(ctx, Sweep{LoneCopies: true})
	if must(t, err); n != 1 {
		t.Error("swept", n)
	}
	delete(want, copyName(snapshotName))
	wantContents(t, m, want, "swept")
}

// lying is a disk that keeps other bytes than it was given.
type lying struct{ *storage.Memory }

func (l lying) Put(ctx context.Context, name string, data []byte) error {
	return l.Memory.Put(ctx, name, flip(33)(bytes.Clone(data)))
}

// What is put right is read back: a disk that fails is not called healed.
func TestReadBack(t *testing.T) {
	_, m := filled(t, true)
	hurt(t, m)
	must(t, m.Put(ctx, "shoebox.json", house()["shoebox.json"]))
	rep, err := New(lying{m}, true).Heal(ctx, Options{})
	must(t, err)
	if len(rep.Corrected) > 0 || len(rep.Damage) < 10 {
		t.Errorf("%d were told as healed and %d as damaged by a disk that keeps nothing as it is", len(rep.Corrected), len(rep.Damage))
	}
	for _, d := range rep.Damage {
		if !errors.Is(d.Err, ErrDamaged) {
			t.Errorf("%s: %v", d.Name, d.Err)
		}
	}
}

// healEveryByte changes every byte of every small object and of its copy, and bytes of packs and sidecars, one at a time: healed.
func healEveryByte(t *testing.T, stride int) (n int) {
	for name, data := range house() {
		k := kindOf(name)
		if !k.copied() && (k != packKind || len(data) > 12288) {
			continue
		}
		m := new(storage.Memory)
		v := New(m, true)
		must(t, v.Put(ctx, name, data))
		want := contents(t, m)
		second := copyName(name)
		if k == packKind {
			second = SidecarName(name)
		}
		for _, which := range []string{name, second} {
			step := stride
			if k == packKind {
				step *= 31
			}
			for at := 0; at < len(want[which]); at += step {
				change(t, m, which, flip(at))
				rep, err := v.Heal(ctx, Options{})
				must(t, err)
				if len(rep.Corrected) != 1 || rep.Corrected[0].Name != which {
					t.Fatalf("%s, byte %d: %+v", which, at, rep)
				}
				wantContents(t, m, want, fmt.Sprintf("%s, byte %d", which, at))
				n++
			}
		}
	}
	return n
}

// Names, lengths and forms that no honest writer makes cost no memory and are told.
func TestHostileStore(t *testing.T) {
	v, m := filled(t, true)
	huge := make([]byte, parity.MaxPack+4096)
	must(t, m.Put(ctx, shortPack(), huge))
	must(t, m.Put(ctx, SidecarName(longPack()), huge[:1<<20]))
	must(t, m.Put(ctx, snapshotName, make([]byte, maxSmall+1000)))
	header := sealCopy("keys/x.age", []byte("x"))
	header[14] = 0xff // a length of 2^55
	must(t, m.Put(ctx, "copies/keys/x.age", header))
	rep, err := v.Verify(ctx, Options{})
	must(t, err)
	if len(rep.Damage) != 5 {
		t.Errorf("%v", names(rep.Damage))
	}
	for _, d := range rep.Damage {
		if lost := strings.HasSuffix(d.Name, "keys/x.age"); d.Heals == lost {
			t.Errorf("%s heals %v: %v", d.Name, d.Heals, d.Err)
		}
	}
	if _, err := v.Copy(ctx, "keys/x.age"); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	w := v.newWalk(Options{})
	w.sizes = map[string]int64{packNames()[0]: 1 << 62, copyName(slotName): 1 << 62}
	for _, name := range []string{packNames()[0], slotName} {
		if got := w.weight(name); got < 1 || got > lookRoom {
			t.Errorf("%s weighs %d", name, got)
		}
	}
}

func FuzzCopy(f *testing.F) {
	f.Add(snapshotName, sealCopy(snapshotName, record("s", 1)))
	f.Add(slotName, sealCopy(slotName, slot("a")))
	f.Add("shoebox.json", sealCopy("shoebox.json", []byte("{}")))
	f.Add(slotName, sealCopy(snapshotName, nil))
	f.Add("x", []byte(copyMagic))
	f.Fuzz(func(t *testing.T, name string, sealed []byte) {
		data, err := openCopy(name, sealed)
		if err != nil {
			if data != nil || !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(sealCopy(name, data), sealed) {
			t.Error("it is not written as it was read")
		}
	})
}

func FuzzKind(f *testing.F) {
	for name := range house() {
		f.Add(name)
		f.Add(copyName(name))
		f.Add(SidecarName(name))
	}
	f.Fuzz(func(t *testing.T, name string) {
		switch k := kindOf(name); {
		case k == packKind && (packOf(SidecarName(name)) != name || kindOf(SidecarName(name)) != sidecarKind):
			t.Error("its sidecar is none")
		case k.copied() && kindOf(copyName(name)) != copyKind:
			t.Error("its copy is none")
		}
		_ = whole(name, nil)
	})
}
