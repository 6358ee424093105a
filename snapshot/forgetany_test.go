package snapshot_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"shoebox/snapshot"
)

// Whatever is backed up, forgotten, brought back and pruned, in whatever order: every content that was ever in a confirmed snapshot
// is in one that remains, unless it was let go by --last-copies.
func TestNoContentIsLostByForgetting(t *testing.T) {
	ops := 0
	rapid.Check(t, func(rt *rapid.T) {
		k := newThinned(t)
		var all []string
		some := func() []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 4, rapid.ID[string]).Draw(rt, "names")
		}
		for range rapid.IntRange(4, 14).Draw(rt, "ops") {
			ops++
			switch op := rapid.IntRange(0, 9).Draw(rt, "op"); {
			case op < 5 || len(all) == 0:
				src := roll{}
				for i := range rapid.IntRange(1, 5).Draw(rt, "files") {
					path := rapid.SampledFrom([]string{"a", "b.jpg", "c/d", "b.jpg/e", "c"}).Draw(rt, "path")
					if !slices.ContainsFunc(slices.Collect(maps.Keys(src)), func(p string) bool {
						return strings.HasPrefix(p, path+"/") || strings.HasPrefix(path, p+"/")
					}) {
						src[path] = text(fmt.Sprint(rapid.IntRange(0, 8).Draw(rt, "content"), i%2))
					}
				}
				all = append(all, k.backup(rt, rapid.SampledFrom([]string{"phone", "tablet"}).Draw(rt, "device"), src, nil).Name)
			case op < 7:
				k.forget(rt, k.options(), slices.DeleteFunc(some(), k.isAttic(rt))...)
			case op == 7:
				o := k.options()
				o.LastCopies = true
				k.forget(rt, o, some()...)
			case op == 8:
				back, err := snapshot.Undo(context.Background(), k.lab.repo, some(), k.options())
				for _, s := range back {
					all = append(all, s.Name)
				}
				_ = err // what was not forgotten, or is pruned, is an error
			default:
				k.prune(rt)
			}
			for _, s := range attics(k.list(rt)) {
				if !slices.Contains(all, s.Name) {
					all = append(all, s.Name)
				}
			}
			k.prove(rt)
		}
	})
	t.Logf("%d operations", ops)
}

func (k *thinned) isAttic(t tester) func(string) bool {
	found := attics(k.list(t))
	return func(name string) bool {
		return slices.ContainsFunc(found, func(s snapshot.Snapshot) bool { return s.Name == name })
	}
}
