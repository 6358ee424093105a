package main

import (
	"fmt"
	"strings"
	"testing"

	"shoebox/bench/proof"
)

// The greatest count of a test counts, tests of a class add up, and a class below its minimum is told of.
func TestTally(t *testing.T) {
	var enough strings.Builder
	for _, c := range proof.Classes {
		fmt.Fprintf(&enough, "%d\tTestA\t%d\n%d\tTestA\t1\n", c.Number, c.Every, c.Number)
	}
	for name, c := range map[string]struct {
		lines string
		level proof.Extent
		short bool
	}{
		"enough":           {enough.String(), proof.Every, false},
		"not for long":     {enough.String(), proof.Long, true},
		"nothing":          {"", proof.Every, true},
		"one case missing": {strings.Replace(enough.String(), "3\tTestA\t5000\n", "3\tTestA\t4999\n", 1), proof.Every, true},
		"two tests":        {strings.Replace(enough.String(), "3\tTestA\t5000\n", "3\tTestA\t4999\n3\tTestB\t1\n", 1), proof.Every, false},
	} {
		counts, err := read(strings.NewReader(c.lines))
		if err != nil {
			t.Fatal(name, err)
		}
		var out strings.Builder
		if short := table(&out, counts, c.level) > 0; short != c.short || short != strings.Contains(out.String(), "too few") {
			t.Errorf("%s:\n%s", name, out.String())
		}
	}
	for _, bad := range []string{"3\tTestA", "x\tTestA\t1", "3\tTestA\tmany", "\n"} {
		if _, err := read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
