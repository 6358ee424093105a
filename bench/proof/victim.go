package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot"
)

// Golden is a repository of some 115 kB with something of everything: nights, notes of an interrupted backup, a key that was changed.
type Golden struct {
	World   *World
	Objects map[string][]byte   // what the store holds
	Past    map[string][][]byte // every version of every object that ever was, oldest first
	early   map[string]bool     // read when the repository is opened
}

// NewGolden makes it. What it looks like differs from time to time, as keys and names do.
func NewGolden(tb testing.TB) *Golden {
	tb.Helper()
	past := &keeper{Memory: new(storage.Memory), versions: map[string][][]byte{}}
	w := Empty(tb, past)
	w.sizes = chunk.Sizes{Min: 8 << 10, Max: 32 << 10, Bits: 13} // fewer chunks, less time
	if err := errors.Join(w.SetUp(past), w.grow()); err != nil {
		tb.Fatal(err)
	}
	g := &Golden{World: w, Objects: map[string][]byte{}, Past: past.versions, early: map[string]bool{}}
	for name := range storagetest.Names(tb, past.Memory, "") {
		data, err := past.Get(context.Background(), name, 0, -1)
		if err != nil {
			tb.Fatal(err)
		}
		g.Objects[name] = data
	}
	log := &storagetest.Logged{Store: past.Memory}
	r, err := w.Open(log)
	if err != nil {
		tb.Fatal(err)
	}
	opened := log.Lines()
	if err := errors.Join(w.learnSessions(r), r.Close()); err != nil {
		tb.Fatal(err)
	}
	for _, line := range opened {
		if words := strings.Fields(line); words[0] == "get" {
			g.early[words[1]] = true
		}
	}
	return g
}

// large makes few packs: the bytes count here, and each object costs time.
func large(o *snapshot.BackupOptions) { o.Batch.DataPack, o.Batch.MetaPack = 1<<20, 1<<20 }

func (w *World) grow() error {
	film := Picture(99, 58_000)[700:] // cut by content
	roll := Roll{"DCIM/film.mp4": film, "DCIM/IMG_0001.jpg": pictures()[0], "empty": nil, "notes.txt": []byte("a shopping list")}
	for night := 1; night <= 2; night++ {
		if _, err := w.Backup(w.Store, roll, large); err != nil {
			return err
		}
		roll = roll.Night(night)
	}
	if err := w.changeKeys(w.Store, false); err != nil {
		return err
	}
	roll["late.jpg"] = Picture(98, 5_000)
	for at := 1; at < 100; at++ {
		if _, err := w.Backup(&storagetest.CutOff{Store: w.Store, At: at}, roll, Often); err == nil {
			return errors.New("the last backup was not interrupted")
		}
		parts := 0
		for o, err := range w.Store.List(context.Background(), "sessions/") {
			if err != nil {
				return err
			}
			if strings.HasSuffix(o.Name, ".part") {
				parts++
			}
		}
		if parts > 0 {
			return nil
		}
	}
	return errors.New("no note was left")
}

// keeper is a store in memory that remembers every version of everything.
type keeper struct {
	mu sync.Mutex
	*storage.Memory
	versions map[string][][]byte
}

func (k *keeper) Put(ctx context.Context, name string, data []byte) error {
	k.mu.Lock()
	k.versions[name] = append(k.versions[name], bytes.Clone(data))
	k.mu.Unlock()
	return k.Memory.Put(ctx, name, data)
}

// Names are those of all objects, in order.
func (g *Golden) Names() []string { return slices.Sorted(maps.Keys(g.Objects)) }

// Bytes is the size of all objects.
func (g *Golden) Bytes() (n int) {
	for _, data := range g.Objects {
		n += len(data)
	}
	return n
}

// Victim is a golden repository to be harmed, time and again. It is for one goroutine.
type Victim struct {
	golden *Golden
	store  *Overlay
	repo   *repo.Repo
	fresh  int // how many harms ago a fresh backup was tried
}

// Victim gives one. tb fails when it cannot be opened unharmed.
func (g *Golden) Victim(tb testing.TB) *Victim {
	tb.Helper()
	v := &Victim{golden: g, store: &Overlay{Base: g.World.Store}}
	var err error
	if v.repo, err = g.World.Open(v.store); err != nil {
		tb.Fatal(err)
	}
	return v
}

// freshEvery is after how many harms a fresh backup is tried too.
const freshEvery = 101

// Harm gives objects other bytes, nil for none at all, and judges what the next command would find. The harm is undone afterwards.
func (v *Victim) Harm(to map[string][]byte) error {
	defer v.store.Reset()
	h, early := Harm{}, false
	for name, data := range to {
		_, was := v.golden.Objects[name]
		v.store.set(name, data)
		early = early || v.golden.early[name] || strings.HasPrefix(name, "keys/") || strings.HasPrefix(name, "config/")
		switch {
		case data == nil:
			h.Gone = append(h.Gone, name)
		case was:
			h.Altered = append(h.Altered, name)
		default:
			h.Back = append(h.Back, name)
		}
	}
	if early {
		return v.openAndJudge(h)
	}
	// What was read when the repository was opened is as it was, so it need not be opened again; Close lets go of the index.
	err := v.judge(v.repo, h)
	return errors.Join(err, v.repo.Close())
}

func (v *Victim) judge(r *repo.Repo, h Harm) error {
	if err := v.golden.World.Judge(r, h); err != nil {
		return err
	}
	if v.fresh++; v.fresh%freshEvery != 0 {
		return nil
	}
	return v.golden.World.JudgeFresh(r)
}

// openAndJudge is for harm that may keep the repository from opening. Then the error names what was harmed, or another key opens it.
func (v *Victim) openAndJudge(h Harm) error {
	w := v.golden.World
	r, err := w.Open(v.store)
	if err != nil {
		refused := err
		if r, err = w.openSpare(v.store); err != nil {
			return h.blamed(errors.Join(refused, err))
		}
	}
	defer r.Close()
	return v.judge(r, h)
}

func (w *World) openSpare(store storage.Store) (*repo.Repo, error) {
	return repo.Open(context.Background(), store, []crypt.Secret{w.keys.spare}, w.options())
}

// blamed says whether an error that keeps the repository closed tells why. Both keys may be gone with their slots.
func (h Harm) blamed(err error) error {
	for _, name := range slices.Concat(h.Altered, h.Gone, h.Back) {
		if strings.Contains(err.Error(), name) || strings.HasPrefix(name, "config/") && strings.Contains(err.Error(), "config/") {
			return nil
		}
	}
	if errors.Is(err, crypt.ErrWrongKey) && len(h.Altered)+len(h.Gone) > 1 {
		return nil
	}
	return fmt.Errorf("it does not open, and nothing says why: %w", err)
}
