package proof_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"shoebox/bench/proof"
	"shoebox/repo/storage/storagetest"
)

func isFilling(call string) bool {
	return strings.HasPrefix(call, "write ") || strings.HasPrefix(call, "sync ")
}

// The power fails while a file is written: its sectors are old, new, zero or strange in any mix.
func TestClass04_TornLastWrites(t *testing.T) {
	all, seeds := points(t, isFilling), proof.Pick(t, 1, 1, 15)
	var tried atomic.Int64
	proof.Spread(t, len(all), func(i int) error {
		p := all[i]
		s := p.Play(&storagetest.CrashPoints{At: p.at, After: p.after, Only: isFilling})
		if s.Points.Struck() == "" {
			return s.Err
		}
		tried.Add(int64(seeds))
		for seed := range seeds {
			if err := p.say(s, "torn", s.PowerCut(uint64(1_000*i+seed))); err != nil {
				return err
			}
		}
		return nil
	})
	proof.Count(t, 4, int(tried.Load()))
}

// The disk lies: it called a file synced and lost a part of it. Nothing can save that file; it is named, and nothing else is lost.
func TestClass04_TornAlthoughSynced(t *testing.T) {
	g := proof.NewGolden(t)
	names, n := g.Names(), proof.Pick(t, 10, 300, 3_000)
	harmAll(t, g, n, func(i int) harm {
		rng := rand.New(rand.NewPCG(uint64(i), 4))
		name := names[i%len(names)]
		whole, torn := g.Objects[name], []byte(nil)
		for torn == nil || bytes.Equal(torn, whole) {
			torn = storagetest.Torn(rng, []byte{}, whole)
		}
		return harm{fmt.Sprintf("%s torn, %d of %d bytes", name, len(torn), len(whole)), func() map[string][]byte {
			return map[string][]byte{name: torn}
		}}
	})
	proof.Count(t, 4, n)
}
