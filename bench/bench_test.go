package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"shoebox/gallery/gallerytest"
	"shoebox/repo/crypt"
)

func twoPrograms(goals ...goal) row {
	return row{Work: "walking", Cold: true, Unit: "s", Goals: goals, Results: []result{
		{Program: "shoebox", Values: []float64{0.5, 0.25, 1}, CPUs: []float64{1, 3, 2}, Memory: 100e6},
		{Program: "other", Values: []float64{2, 1, 3}},
	}}
}

func TestRowIsJudged(t *testing.T) {
	b := new(bench)
	if err := b.add(twoPrograms(faster("other", 3, 5), within("other", 0.25, 0.1), atMost(0.5, 0.4), memoryOf(99))); err != nil {
		t.Fatal(err)
	}
	r := b.table[0]
	if r.Results[0].Median != 0.5 || r.Results[0].CPU != 2 || r.Results[1].Ratio != 4 {
		t.Fatalf("%+v", r.Results)
	}
	for i, want := range []goal{{Got: 4, Reached: true}, {Got: 0.25, Reached: true}, {Got: 0.5, Reached: true}, {Got: 100}} {
		if g := r.Goals[i]; g.Got != want.Got || g.Reached != want.Reached || g.Aimed {
			t.Errorf("%+v", g)
		}
	}
}

// More is better where a share is wanted, and less everywhere else.
func TestShareIsJudged(t *testing.T) {
	b := new(bench)
	r := row{Work: "scrolling", Unit: "%", Results: []result{{Program: "slow", Values: []float64{99}}, {Program: "fast", Values: []float64{90, 94, 100}}}}
	r.Goals = []goal{atLeast(95, 99).by("slow"), atLeast(95, 0).by("fast")}
	if err := b.add(r); err != nil {
		t.Fatal(err)
	}
	if g := b.table[0].Goals; !g[0].Reached || !g[0].Aimed || g[1].Reached || g[1].Got != 94 {
		t.Errorf("%+v", g)
	}
	if text := (report{Rows: b.table}).markdown(); !strings.Contains(text, "|  | 94.0 % (fast) | 95.0 %: **no** |  |\n") {
		t.Error(text)
	}
}

// A browser that cannot go on ends what is done with it, and is closed.
func TestDriveEnds(t *testing.T) {
	var said []string
	err := drive(func(g gallerytest.T) {
		g.Cleanup(func() { said = append(said, "closed last") })
		g.Cleanup(func() { said = append(said, "closed first") })
		g.Fatalf("no %s", "browser")
		said = append(said, "went on")
	})
	if err == nil || err.Error() != "no browser" || strings.Join(said, ", ") != "closed first, closed last" {
		t.Errorf("%v, %q", err, said)
	}
	if err := drive(func(gallerytest.T) {}); err != nil {
		t.Error(err)
	}
}

func TestGoalOfNobodyIsAnError(t *testing.T) {
	for _, g := range []goal{faster("nobody", 1, 0), memoryOf(1).by("nobody")} {
		if err := new(bench).add(twoPrograms(g)); err == nil {
			t.Errorf("%+v was judged", g)
		}
	}
}

func TestTable(t *testing.T) {
	b := new(bench)
	if err := b.add(twoPrograms(faster("other", 3, 5), memoryOf(150))); err != nil {
		t.Fatal(err)
	}
	text := report{Rows: b.table, Cold: true, Notes: []string{"a remark"}}.markdown()
	for _, line := range []string{
		"| walking, cold | 4.0x other | 3.0x other: yes | 5.0x other: **no** |",
		"|  | 100 MB of memory | 150 MB of memory: yes |  |",
		"| walking, cold | shoebox | **0.500 s** | 0.250 to 1.00 | 1.00 | 2.00 | 100 |",
		"|  | other | **2.00 s** | 1.00 to 3.00 | 4.00 |  |  |",
		"- a remark",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}

func TestChooseRows(t *testing.T) {
	for list, want := range map[string]string{"check,first": "first check", "million": "million", "floors,roll,retag": "floors first same restore night one check prune retag"} {
		chosen, err := chooseRows(list)
		var names []string
		for _, r := range chosen {
			names = append(names, r.name)
		}
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("%s: %v, %v", list, names, err)
		}
	}
	if _, err := chooseRows("first,nothing"); err == nil {
		t.Error("a row that is not there was chosen")
	}
	chosen, err := chooseRows("all")
	if err != nil || len(chosen) != len(allRows())-2 {
		t.Error(len(chosen), err)
	}
}

// The floor reads everything and writes as many bytes, each file from a border of 4 KiB on.
func TestFloorCopiesAllBytes(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	var want int64
	for i, size := range []int{0, 1, 4095, 4096, 4097, 16 << 20, 16<<20 + 1, 3 << 20} {
		data := make([]byte, size)
		want += roundUp(int64(size))
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := runFloor("copy", []string{dir, to}); err != nil {
		t.Fatal(err)
	}
	if got, err := treeSize(to); err != nil || got != want {
		t.Errorf("%d bytes instead of %d, %v", got, want, err)
	}
	if err := runFloor("read", []string{dir}); err != nil {
		t.Error(err)
	}
	beside := t.TempDir()
	if err := runFloor("protect", []string{dir, beside}); err != nil {
		t.Fatal(err)
	}
	if got, err := treeSize(beside); err != nil || got < want+want/32 || got > want+want/32+16*floorPage {
		t.Errorf("%d bytes with parity, of %d, %v", got, want, err)
	}
	if err := runFloor("read", []string{filepath.Join(dir, "nothing")}); err == nil {
		t.Error("a folder that is not there was read")
	}
}

// What turning a password into a key costs at least is what it costs a slot: the same library with the same memory, which a slot takes a second time on Linux, untouched, to
// have it in large pages.
func TestFloorKeyIsASlots(t *testing.T) {
	lock, err := crypt.Passphrase("bench", crypt.DefaultWork)
	if err != nil {
		t.Fatal(err)
	}
	slot, err := crypt.SealSlot(crypt.Master{}, crypt.RepositoryID{}, lock)
	if err != nil {
		t.Fatal(err)
	}
	least := func(work func() error) uint64 { // bytes taken
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := work(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	secret, err := crypt.PassphraseSecret("bench")
	if err != nil {
		t.Fatal(err)
	}
	floor := least(func() error { return runFloor("key", nil) })
	opening := least(func() error {
		_, _, err := crypt.OpenSlot(slot, secret)
		return err
	})
	stretched, want := uint64(64<<20), floor
	if runtime.GOOS == "linux" {
		want += stretched
	}
	if floor < stretched || opening < want || opening > want+1<<20 {
		t.Errorf("the floor takes %d bytes, opening a slot %d", floor, opening)
	}
}

// The floor of a prune moves as many bytes as it is told, and leaves nothing of what they came from.
func TestFloorMovesAndDeletes(t *testing.T) {
	dir, to := filepath.Join(t.TempDir(), "packs"), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "3f"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "3f", "pack"), make([]byte, 40<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := runFloor("move", []string{dir, to, strconv.Itoa(17 << 20)}); err != nil {
		t.Fatal(err)
	}
	if got, err := treeSize(to); err != nil || got != 17<<20 {
		t.Errorf("%d bytes moved instead of %d, %v", got, 17<<20, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there still: %v", err)
	}
}

// The same seed makes the same roll, nights included, and halving leaves half of the bytes.
func TestRollIsDeterministic(t *testing.T) {
	var dirs [2]string
	for i := range dirs {
		dirs[i] = filepath.Join(t.TempDir(), "roll")
		r, err := makeRoll(dirs[i], 2_000_000, 7)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.change(0, r.made[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := sameFiles(t.Context(), dirs[0], dirs[1]); err != nil {
		t.Error(err)
	}
	before, err := treeSize(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := (&roll{dir: dirs[0]}).halve(); err != nil {
		t.Fatal(err)
	}
	if after, err := treeSize(dirs[0]); err != nil || after == 0 || after > before*9/10 {
		t.Errorf("%d of %d bytes are left, %v", after, before, err)
	}
}
