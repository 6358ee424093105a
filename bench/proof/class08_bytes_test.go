package proof_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"shoebox/bench/proof"
)

// harm is one thing done to a golden repository.
type harm struct {
	what string
	to   func() map[string][]byte
}

// harmAll does every harm, each to a repository that is whole, on all processors.
func harmAll(t *testing.T, g *proof.Golden, n int, harmOf func(i int) harm) {
	t.Helper()
	idle := make(chan *proof.Victim, runtime.GOMAXPROCS(0))
	for range cap(idle) {
		idle <- g.Victim(t)
	}
	proof.Spread(t, n, func(i int) error {
		v, h := <-idle, harmOf(i)
		defer func() { idle <- v }()
		if err := v.Harm(h.to()); err != nil {
			return fmt.Errorf("%s: %w", h.what, err)
		}
		return nil
	})
}

// change gives a byte of an object another value.
func change(data []byte, at int, by byte) []byte {
	other := bytes.Clone(data)
	other[at] ^= by
	return other
}

// Every byte of every file of a repository is changed, one at a time; in the long run, each of its bits.
func TestClass08_EveryByteChanged(t *testing.T) {
	g := proof.NewGolden(t)
	type place struct {
		name string
		at   int
	}
	var places []place
	for _, name := range g.Names() {
		for at := range g.Objects[name] {
			places = append(places, place{name, at})
		}
	}
	each, step := proof.Pick(t, 1, 1, 8), proof.Pick(t, 2_503, 1, 1)
	harmAll(t, g, len(places)*each/step, func(i int) harm {
		p := places[i*step/each]
		by := byte(1) << (i % each)
		if each == 1 {
			by = byte(1 + (i*step*131)%255)
		}
		return harm{fmt.Sprintf("%s, byte %d by %#02x", p.name, p.at, by), func() map[string][]byte {
			return map[string][]byte{p.name: change(g.Objects[p.name], p.at, by)}
		}}
	})
	t.Logf("%d objects, %d bytes, %v", len(g.Objects), g.Bytes(), g.Names())
	proof.Count(t, 8, len(places)*each/step)
}
