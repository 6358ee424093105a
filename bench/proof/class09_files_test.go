package proof_test

import (
	"bytes"
	"fmt"
	"testing"

	"shoebox/bench/proof"
)

// Each file is deleted; each pair is deleted; each two are swapped; each is put back as it was before, or where it had been deleted.
func TestClass09_FilesDeletedSwappedPutBack(t *testing.T) {
	g := proof.NewGolden(t)
	var all []harm
	add := func(what string, to map[string][]byte) {
		all = append(all, harm{what, func() map[string][]byte { return to }})
	}
	names := g.Names()
	for i, name := range names {
		add("deleted "+name, map[string][]byte{name: nil})
		for _, other := range names[:i] {
			add("deleted "+name+" and "+other, map[string][]byte{name: nil, other: nil})
			add("swapped "+name+" and "+other, map[string][]byte{name: g.Objects[other], other: g.Objects[name]})
		}
	}
	back := 0
	for name, versions := range g.Past {
		for i, data := range versions {
			if !bytes.Equal(data, g.Objects[name]) {
				back++
				add(fmt.Sprintf("put back version %d of %s", i, name), map[string][]byte{name: data})
			}
		}
	}
	if back < 3 {
		t.Fatalf("only %d older versions: the golden repository has no past", back)
	}
	step := proof.Pick(t, 67, 1, 1)
	harmAll(t, g, len(all)/step, func(i int) harm { return all[i*step] })
	proof.Count(t, 9, len(all)/step)
}

// Each file is cut at every length, and is followed by bytes that are not its own.
func TestClass09_FilesCutAtEveryLength(t *testing.T) {
	g := proof.NewGolden(t)
	var all []harm
	for _, name := range g.Names() {
		data := g.Objects[name]
		for n := range data {
			all = append(all, harm{fmt.Sprintf("%s cut to %d bytes", name, n), func() map[string][]byte {
				return map[string][]byte{name: data[:n:n]}
			}})
		}
		for _, more := range []int{1, 512, 4096} {
			all = append(all, harm{fmt.Sprintf("%s with %d bytes more", name, more), func() map[string][]byte {
				return map[string][]byte{name: append(bytes.Clone(data), make([]byte, more)...)}
			}})
		}
	}
	tried := min(len(all), proof.Pick(t, 15, 4_500, len(all)))
	harmAll(t, g, tried, func(i int) harm { return all[i*len(all)/tried] })
	proof.Count(t, 9, tried)
}
