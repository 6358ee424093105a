// Package proof is what the proofs of this project share: the classes of tests and their counts, a small repository with what
// it must give back, the jobs that are cut short in every way, and the one oracle that judges what is left.
// It does not know how anything it judges works: it uses what a command would use.
package proof

import (
	"os"
	"testing"

	"shoebox/bench/proof/tried"
)

// Class is one way of trying to lose something. Every and Long are how many cases a run must count at least.
type Class struct {
	Number      int
	Name        string
	Every, Long int
}

// Classes are all of them; see docs/proof.md.
var Classes = []Class{
	{1, "stop at every store and file-system call", 2_500, 2_500},
	{2, "kill -9 of a process at a random time", 0, 2_000},
	{3, "power cut: what was not synced is lost", 5_000, 50_000},
	{4, "power cut: torn last writes", 0, 5_000},
	{5, "each call fails in each way", 1_000, 20_000},
	{6, "each sync of file and directory fails once", 300, 300},
	{7, "disk really full", 0, 1_000},
	{8, "each byte changed, each bit flipped", 100_000, 800_000},
	{9, "files deleted, cut, swapped, put back older", 5_000, 110_000},
	{10, "healing within the promise and beyond", 10_000, 800_000},
	{11, "fuzz targets", 12, 12},
	{12, "hostile repository", 70, 70},
	{13, "hostile phone", 4_146, 4_146},
	{14, "file or phone changes under the backup", 200, 200},
	{15, "writers and pruners, simulated interleavings", 20_000, 1_000_000},
	{16, "states of the model of prune", 2_300_000, 2_300_000},
	{17, "minutes of processes beside a prune loop", 0, 30},
	{18, "clocks wrong by years, jumping", 0, 10_000},
	{19, "memory bounds", 0, 3},
	{20, "random trees there and back", 500, 10_000},
	{21, "golden vectors and repositories", 10, 10},
	{22, "two simulated years, by seed", 0, 2},
	{23, "guards removed, each seen by a test", 0, 15},
}

// Minimum is the least count of a class at an extent. A sample promises nothing.
func (c Class) Minimum(e Extent) int {
	return [...]int{Sample: 0, Every: c.Every, Long: c.Long}[e]
}

// Extent is how much a test tries.
type Extent int

// The extents: a second or two, the counts of every run, those of the long one.
const (
	Sample Extent = iota
	Every
	Long
)

// Level is the extent that is asked for: SHOEBOX_LONG=1 for Long, SHOEBOX_PROOF=1 for Every, neither for Sample.
func Level(tb testing.TB) Extent {
	tb.Helper()
	switch {
	case os.Getenv("SHOEBOX_LONG") != "":
		return Long
	case os.Getenv("SHOEBOX_PROOF") != "":
		return Every
	}
	return Sample
}

// Pick chooses a number by the extent.
func Pick(tb testing.TB, sample, every, long int) int {
	tb.Helper()
	return [...]int{Sample: sample, Every: every, Long: long}[Level(tb)]
}

// Count says that a test has tried n cases of a class: see package tried.
func Count(tb testing.TB, class, n int) {
	tb.Helper()
	tb.Logf("class %d: %d cases", class, n)
	tried.Cases(tb, class, n)
}
