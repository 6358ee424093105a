package repo

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"testing"

	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// moving is a store in which somebody prunes, each time right after the segments were listed.
type moving struct {
	storage.Store
	moves []func()
}

func (m *moving) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for o, err := range m.Store.List(ctx, prefix) {
			if !yield(o, err) {
				return
			}
		}
		if prefix == segmentsDir && len(m.moves) > 0 {
			move := m.moves[0]
			m.moves = m.moves[1:]
			move()
		}
	}
}

// A chunk is found though prunes move it from pack to pack while a reader looks for it: a pruner beside another one took such a snapshot for
// damaged.
func TestReadWhatMovesMeanwhile(t *testing.T) {
	p := newPlay(t)
	b := p.begin(p.repo)
	data := noise(3, 12_000)
	alive, _ := p.put(b, data)
	all := []Content{alive}
	for i := range uint64(600) { // small ones: some twenty share a pack with the one that is read, and some of them are dead each time
		c, _ := p.put(b, noise(10+i, 1000))
		all = append(all, c)
	}
	if err := p.commit(b, slices.Concat(all...)); err != nil {
		t.Fatal(err)
	}
	secret, err := crypt.PassphraseSecret("p")
	if err != nil {
		t.Fatal(err)
	}
	store := &moving{Store: p.stage}
	r, err := Open(t.Context(), store, []crypt.Secret{secret}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.openIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{2, 4, 8, 16} {
		var needed []Content // fewer each time, all over the packs
		for i := 0; i < len(all); i += step {
			needed = append(needed, all[i])
		}
		store.moves = append(store.moves, func() {
			if report := p.prune(&kept{contents: needed}, PruneOptions{MaxDead: 0.01}); report.MovedPacks == 0 {
				t.Errorf("nothing moved: %+v", report)
			}
		})
	}
	store.moves[0]()
	store.moves = store.moves[1:]
	left := len(store.moves)
	got, err := io.ReadAll(r.NewReader(t.Context(), alive))
	if len(store.moves) == left {
		t.Error("nobody listed the segments")
	}
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
	}
}
