package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bench is one run of everything.
type bench struct {
	ctx     context.Context
	options options
	work    string
	shoebox string // the program
	cold    bool   // caches could be dropped
	table   []row
	notes   []string
}

// row is one kind of work, by program.
type row struct {
	Work    string   `json:"work"`
	Cold    bool     `json:"cold"`
	Results []result `json:"results"`
	Wanted  string   `json:"wanted,omitempty"`
}

// result is what one program took.
type result struct {
	Program string    `json:"program"`
	Seconds []float64 `json:"seconds"`
	Median  float64   `json:"median_seconds"`
	Memory  int64     `json:"peak_bytes"` // the most of all runs
	CPU     float64   `json:"cpu_seconds"`
	Ratio   float64   `json:"ratio"` // its median by shoebox's
}

// command is one program doing one piece of work.
type command struct {
	program string
	args    []string
	env     []string
	dir     string
	before  func() error // not measured
	after   func() error // not measured: checks what was done
}

// build builds the program that is measured.
func (b *bench) build() error {
	b.shoebox = filepath.Join(b.work, "shoebox")
	out, err := exec.CommandContext(b.ctx, "go", "build", "-o", b.shoebox, "./cmd/shoebox").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build shoebox: %w: %s", err, out)
	}
	b.cold = dropCaches() == nil
	return nil
}

// compare runs the commands in turn and adds a row. The first is shoebox.
func (b *bench) compare(work string, cold bool, wanted string, commands ...command) error {
	r := row{Work: work, Cold: cold && b.cold, Wanted: wanted, Results: make([]result, len(commands))}
	for i, c := range commands {
		r.Results[i].Program = c.program
	}
	for range b.options.runs {
		for i, c := range commands {
			if err := b.once(c, r.Cold, &r.Results[i]); err != nil {
				return fmt.Errorf("%s, %s: %w", work, c.program, err)
			}
		}
	}
	for i := range r.Results {
		r.Results[i].Median = median(r.Results[i].Seconds)
		r.Results[i].Ratio = r.Results[i].Median / r.Results[0].Median
	}
	b.table = append(b.table, r)
	fmt.Println(r.line())
	return nil
}

func (b *bench) once(c command, cold bool, to *result) error {
	if c.before != nil {
		if err := c.before(); err != nil {
			return err
		}
	}
	if cold {
		if err := dropCaches(); err != nil {
			return err
		}
	}
	peak := filepath.Join(b.work, "peak")
	cmd := exec.CommandContext(b.ctx, "/usr/bin/time", append([]string{"-f", "%M", "-o", peak}, c.args...)...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Dir = c.dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start).Seconds()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(c.args, " "), err, said.String())
	}
	to.Seconds = append(to.Seconds, took)
	kib, err := readNumber(peak)
	if err != nil {
		return err
	}
	to.Memory = max(to.Memory, kib<<10)
	to.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if c.after != nil {
		return c.after()
	}
	return nil
}

// readNumber reads what time(1) wrote. It is asked for the peak of memory because the kernel counts this program's own peak
// among that of every program it starts.
func readNumber(path string) (int64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func contains(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }
