// Package law holds what the code makes against the golden blocks of docs/format.md. It does not know what the blocks mean.
package law

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoebox/bench/proof/tried"
)

// Block holds lines against the golden block of that name. With update it writes the block anew: what was stored before is of
// another format then.
func Block(t *testing.T, update bool, name string, lines ...string) {
	t.Helper()
	page := find(t)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head := "```golden " + name + "\n"
	before, rest, ok := strings.Cut(string(text), head)
	want, after, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatalf("there is no block %q in %s", name, page)
	}
	tried.Cases(t, 21, len(lines))
	got := strings.Join(lines, "\n") + "\n"
	switch {
	case got == want:
	case !update:
		t.Errorf("%s in %s is\n%swant\n%s", name, page, want, got)
	default:
		if err := os.WriteFile(page, []byte(before+head+got+"```"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Lines is hexadecimal, 32 bytes a line, as the page has it.
func Lines(data []byte) (lines []string) {
	for len(data) > 0 {
		n := min(32, len(data))
		lines = append(lines, hex.EncodeToString(data[:n]))
		data = data[n:]
	}
	return lines
}

// find looks for the page above the folder of the test.
func find(t *testing.T) string {
	t.Helper()
	for dir := ".."; len(dir) < 30; dir = filepath.Join(dir, "..") {
		page := filepath.Join(dir, "docs", "format.md")
		if _, err := os.Stat(page); err == nil {
			return page
		}
	}
	t.Fatal("docs/format.md is nowhere above this test")
	return ""
}
