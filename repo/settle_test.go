package repo

import (
	"errors"
	"slices"
	"testing"

	"shoebox/repo/vault"
)

// stricken damages a pack all over, and gives what a check says of a part. The pack is named.
func (p *play) stricken(path string, part Part) error {
	p.t.Helper()
	whole, err := p.stage.Get(p.t.Context(), path, 0, -1)
	if err != nil {
		p.t.Fatal(err)
	}
	for at := 100; at < len(whole); at += 3000 {
		whole[at] ^= 1
	}
	if err := p.stage.Put(p.t.Context(), path, whole); err != nil {
		p.t.Fatal(err)
	}
	a, err := p.again().Audit(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := a.Scrub(p.t.Context(), Budget{All: true}, nil); err != nil {
		p.t.Fatal(err)
	}
	if !slices.ContainsFunc(a.Damage, func(d Damage) bool { return d.Name == path }) {
		p.t.Errorf("%s was damaged and check says %v", path, a.Damage)
	}
	return a.Holds(p.t.Context(), part)
}

// A chunk that lies in two packs is lost when both are damaged, and not before.
func TestOneOfTwoHomesDamaged(t *testing.T) {
	p := newPlay(t)
	data := noise(4, 4_000) // one chunk
	one, two := p.begin(p.repo), p.begin(p.again())
	c, _ := p.put(one, data)
	_, _ = p.put(two, data)
	if err := errors.Join(p.commit(one, c), p.commit(two, c)); err != nil {
		t.Fatal(err)
	}
	packs := p.names(packsDir)
	for i, path := range packs {
		if err := p.stricken(path, c[0]); (err != nil) != (i == len(packs)-1) {
			t.Errorf("with %d of %d packs damaged check says of the chunk: %v", i+1, len(packs), err)
		}
		if i < len(packs)-1 {
			p.wantBack(c, data)
		}
	}
}

// What its sidecar heals is damaged and not lost.
func TestWhatHealsIsNotLost(t *testing.T) {
	p := newPlay(t)
	data := noise(5, 10_000)
	c := p.stored(data)
	if _, err := p.repo.AddParity(t.Context(), vault.Options{}); err != nil {
		t.Fatal(err)
	}
	path := p.names(packsDir)[0]
	whole, err := p.stage.Get(t.Context(), path, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	whole[100] ^= 1
	if err := p.stage.Put(t.Context(), path, whole); err != nil {
		t.Fatal(err)
	}
	a, err := p.again().Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Scrub(t.Context(), Budget{All: true}, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Holds(t.Context(), c[0]); err != nil || len(a.Damage) == 0 {
		t.Errorf("a pack that heals: its chunk %v, and of all %v", err, a.Damage)
	}
}
