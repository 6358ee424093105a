package proof_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"shoebox/bench/proof"
	"shoebox/repo/storage"
)

// The oracle proves nothing unless it says no. Each of these is a repository, or a belief, that is not as it should be.
func TestOracleSaysNo(t *testing.T) {
	base := proof.New(t, new(storage.Memory))
	first, err := base.Backup(base.Store, proof.FirstRoll(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := base.Backup(base.Store, proof.FirstRoll().Night(1), nil); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		spoil func(w *proof.World)
		want  string
	}{
		"nothing": {func(*proof.World) {}, ""},
		"a file held other bytes": {func(w *proof.World) {
			w.Truth[first.Name] = maps.Clone(w.Truth[first.Name])
			w.Truth[first.Name]["notes.txt"] = bytes.Repeat([]byte("Shopping list "), 100)
		}, "wrong"},
		"a file more": {func(w *proof.World) {
			w.Truth[first.Name] = maps.Clone(w.Truth[first.Name])
			w.Truth[first.Name]["more.txt"] = nil
		}, "6 of 7 files"},
		"a file less": {func(w *proof.World) {
			w.Truth[first.Name] = maps.Clone(w.Truth[first.Name])
			delete(w.Truth[first.Name], "notes.txt")
		}, "not in it"},
		"a snapshot nobody took":    {func(w *proof.World) { delete(w.Truth, first.Name) }, "nobody took it"},
		"a snapshot that is lost":   {func(w *proof.World) { w.Truth["0123456789abcdef0123456789abcdef"] = proof.Roll{} }, "2 of 3"},
		"a pack is gone":            {func(w *proof.World) { spoilFirst(t, w, "packs/", nil) }, "packs/"},
		"a pack has another byte":   {func(w *proof.World) { spoilFirst(t, w, "packs/", flipLast) }, "packs/"},
		"a segment has another":     {func(w *proof.World) { spoilFirst(t, w, "segments/", flipLast) }, "segments/"},
		"a snapshot has another":    {func(w *proof.World) { spoilFirst(t, w, "snapshots/", flipLast) }, "snapshots/"},
		"the configuration is gone": {func(w *proof.World) { spoilFirst(t, w, "config/", nil) }, "open"},
	} {
		store, err := proof.Copy(base.Store)
		if err != nil {
			t.Fatal(err)
		}
		w := base.In(store)
		c.spoil(w)
		err = w.Prove()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the oracle says %v", what, err)
		}
	}
}

func flipLast(data []byte) []byte { return change(data, len(data)-1, 1) }

// spoilFirst changes or deletes one object below prefix.
func spoilFirst(t *testing.T, w *proof.World, prefix string, how func([]byte) []byte) {
	t.Helper()
	for o, err := range w.Store.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		if how == nil {
			err = w.Store.Delete(t.Context(), o.Name)
		} else {
			var data []byte
			if data, err = w.Store.Get(t.Context(), o.Name, 0, -1); err == nil {
				err = w.Store.Put(t.Context(), o.Name, how(data))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("nothing below " + prefix)
}

// The judge of damage says no when it is told of other damage than was done, and when it believes other bytes.
func TestJudgeSaysNo(t *testing.T) {
	g := proof.NewGolden(t)
	pack := ""
	for _, name := range g.Names() {
		if strings.HasPrefix(name, "packs/") {
			pack = name
		}
	}
	store := &proof.Overlay{Base: g.World.Store}
	if err := store.Put(t.Context(), pack, flipLast(g.Objects[pack])); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		store storage.Store
		harm  proof.Harm
		want  string
	}{
		"nothing was done":            {g.World.Store, proof.Harm{}, ""},
		"a pack was altered":          {store, proof.Harm{Altered: []string{pack}}, ""},
		"it was, and nobody did it":   {store, proof.Harm{}, "nobody touched"},
		"it was said to be, and not":  {g.World.Store, proof.Harm{Altered: []string{pack}}, "does not name"},
		"it was, and another said so": {store, proof.Harm{Altered: []string{"packs/00/x"}}, "nobody touched"},
		"README.txt means nothing":    {g.World.Store, proof.Harm{Altered: []string{"README.txt"}}, ""},
	} {
		r, err := g.World.Open(c.store)
		if err != nil {
			t.Fatal(err)
		}
		err = g.World.Judge(r, c.harm)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the judge says %v", what, err)
		}
		r.Close()
	}
	believed := g.World.In(g.World.Store)
	for name, roll := range believed.Truth {
		other := maps.Clone(roll)
		other["notes.txt"] = []byte("A shopping list")
		believed.Truth[name] = other
	}
	r, err := believed.Open(believed.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := believed.Judge(r, proof.Harm{}); err == nil || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("other bytes are believed: %v", err)
	}
}
