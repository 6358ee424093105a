//go:build linux && !race

// The race detector takes ten times the memory: what is measured with it says nothing.

package proof_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"shoebox/bench/proof"
)

// most is how much memory a process may take, in bytes, for the counts of the long run.
const most = 512 << 20

// memoryCase is a load, and what is done to it one after the other, each in a process of its own.
type memoryCase struct {
	name              string
	what              []string
	kind              string
	sample, many, all int // counts of a sample, of every run, of the long one
	fixed             int // memory that does not depend on the count, in MiB: half the bound is there for what does
}

func memoryCases() []memoryCase {
	night := []string{"backup", "backup", "check", "prune"}
	return []memoryCase{
		{"a million files", night, "folders", 20_000, 50_000, 1_000_000, 192},
		{"one folder made up", night, "one", 10_000, 20_000, 200_000, 192},
		{"one folder", append(night[:len(night):len(night)], "restore"), "real", 2_000, 10_000, 200_000, 192},
		{"chunks, some packs dead", []string{"fill", "prune-chunks"}, "mixed", 100_000, 200_000, 10_000_000, 192},
		{"chunks, every pack sparse", []string{"fill", "prune-chunks"}, "sparse", 100_000, 200_000, 10_000_000, 192},
	}
}

// bound is what a process may take for n of a case: part of it grows with the count.
func (c memoryCase) bound(n int) int64 {
	fixed := int64(c.fixed) << 20
	return fixed + (most-fixed)*int64(n)/int64(c.all)
}

// Whatever the number of files and chunks, no command takes more than 512 MiB.
func TestClass19_Memory(t *testing.T) {
	cases := memoryCases()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := proof.Pick(t, c.sample, c.many, c.all)
			dir := quickDir(t)
			if err := newLoad(dir); err != nil {
				t.Fatal(err)
			}
			if c.kind == "real" {
				crowd(t, filepath.Join(dir, "photos"), n)
			}
			for _, what := range c.what {
				c.measure(t, dir, what, n)
			}
			proof.Count(t, 19, 1)
		})
	}
}

// crowd fills one folder with files.
func crowd(t *testing.T, dir string, n int) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("IMG_%08d.jpg", i)), fmt.Appendf(nil, "picture %d", i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (c memoryCase) measure(t *testing.T, dir, what string, n int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said, complained bytes.Buffer
	p := exec.Command(self, what, dir, fmt.Sprint(n), c.kind)
	p.Env = append(slices.DeleteFunc(os.Environ(), tunesMemory), roleVariable+"=measured")
	p.Stdout, p.Stderr = &said, &complained
	began := time.Now()
	if err := p.Run(); err != nil {
		t.Fatalf("%s of %d: %v\n%s", what, n, err, complained.String())
	}
	var s struct {
		Peak int64 `json:"peak"`
	}
	if err := json.Unmarshal(said.Bytes(), &s); err != nil {
		t.Fatalf("%s: %v", said.String(), err)
	}
	bound := c.bound(n)
	t.Logf("%s of %d: %d MiB of %d, in %v %s", what, n, s.Peak>>20, bound>>20, time.Since(began).Round(time.Second/10), complained.String())
	if s.Peak > bound {
		t.Errorf("%s of %d took %d MiB, more than %d", what, n, s.Peak>>20, bound>>20)
	}
}

// tunesMemory tells whether a variable changes how a Go program uses memory.
func tunesMemory(variable string) bool {
	for _, name := range []string{"GOMEMLIMIT=", "GOGC=", "GODEBUG="} {
		if len(variable) >= len(name) && variable[:len(name)] == name {
			return true
		}
	}
	return false
}
