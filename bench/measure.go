package main

import (
	"bytes"
	"context"
	"errors"
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
	self    string // this program
	shoebox string // the program that is measured
	kopia   string // built when it is first needed
	cold    bool   // caches could be dropped
	began   time.Time
	table   []row
	notes   []string
	life    *life // of the camera roll; nil until it is needed
}

// row is one kind of work, by program.
type row struct {
	Work    string   `json:"work"`
	Cold    bool     `json:"cold"`
	Warm    bool     `json:"warm"` // each ran once before, unmeasured
	Unit    string   `json:"unit"` // of values and medians: s, or MB, kB
	Results []result `json:"results"`
	Goals   []goal   `json:"goals,omitempty"`
	Note    string   `json:"note,omitempty"`
}

// result is what one program took.
type result struct {
	Program string    `json:"program"`
	Values  []float64 `json:"values"`
	Median  float64   `json:"median"`
	Ratio   float64   `json:"ratio"` // its median by shoebox's, the first of the row
	Memory  int64     `json:"peak_bytes,omitempty"`
	CPUs    []float64 `json:"cpu_seconds,omitempty"`
	CPU     float64   `json:"median_cpu_seconds,omitempty"`
}

// command is one program doing one piece of work.
type command struct {
	program string
	args    []string
	env     []string
	dir     string
	reads   []string     // folders that it reads all of, where it begins cold
	before  func() error // not measured
	after   func() error // not measured: checks what was done
}

// build builds the program that is measured.
func (b *bench) build() error {
	b.shoebox, b.kopia = filepath.Join(b.work, "shoebox"), filepath.Join(b.work, "kopia")
	out, err := exec.CommandContext(b.ctx, "go", "build", "-o", b.shoebox, "./cmd/shoebox").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build shoebox: %w: %s", err, out)
	}
	b.cold = dropCaches() == nil
	return nil
}

// compare runs the commands in turn and adds a row. The first is shoebox.
func (b *bench) compare(r row, commands ...command) error { return b.compareWith(r, nil, commands...) }

// compareWith also takes results that nobody ran: what arithmetic says.
func (b *bench) compareWith(r row, more []result, commands ...command) error {
	r.Cold, r.Unit = r.Cold && b.cold, "s"
	r.Results = make([]result, len(commands))
	for i, c := range commands {
		r.Results[i].Program = c.program
	}
	if r.Warm {
		if err := b.round(r, make([]result, len(commands)), commands); err != nil {
			return err
		}
	}
	for range b.options.runs {
		if err := b.round(r, r.Results, commands); err != nil {
			return err
		}
	}
	r.Results = append(r.Results, more...)
	return b.add(r)
}

// round runs each command once.
func (b *bench) round(r row, to []result, commands []command) error {
	for i, c := range commands {
		if err := b.once(c, r.Cold, &to[i]); err != nil {
			return fmt.Errorf("%s, %s: %w", r.Work, c.program, err)
		}
	}
	return nil
}

// add takes the medians of a row, judges it, and keeps it.
func (b *bench) add(r row) (err error) {
	for i := range r.Results {
		one := &r.Results[i]
		one.Median, one.CPU = median(one.Values), median(one.CPUs)
		one.Ratio = quotient(one.Median, r.Results[0].Median)
	}
	for i, g := range r.Goals {
		judged, wrong := g.judge(r)
		r.Goals[i], err = judged, errors.Join(err, wrong)
	}
	b.table = append(b.table, r)
	fmt.Println(r.line())
	return err
}

func (r row) result(program string) (result, bool) {
	if program == "" && len(r.Results) > 0 {
		return r.Results[0], true
	}
	i := slices.IndexFunc(r.Results, func(one result) bool { return one.Program == program })
	if i < 0 {
		return result{}, false
	}
	return r.Results[i], true
}

// once runs a command. What was written before is on the disk first, so that nobody pays for another.
func (b *bench) once(c command, cold bool, to *result) error {
	if c.before != nil {
		if err := c.before(); err != nil {
			return err
		}
	}
	settle()
	if cold {
		if err := errors.Join(b.bringNear(c.reads), dropCaches()); err != nil {
			return err
		}
	}
	if err := b.measure(c, to); err != nil {
		return err
	}
	if c.after != nil {
		return c.after()
	}
	return nil
}

// bringNear reads folders once, past the page cache. Where the disk is that of a guest, its host keeps what was read or written last, which nobody here can
// drop: without this a program that reads what another has just read finds it there, and one that reads what it wrote half an hour ago waits for the
// real disk.
func (b *bench) bringNear(dirs []string) error {
	for _, dir := range dirs {
		args := b.floorRead(dir).args
		if out, err := exec.CommandContext(b.ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("read %s: %w: %s", dir, err, out)
		}
	}
	return nil
}

func (b *bench) measure(c command, to *result) error {
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
	to.Values = append(to.Values, took)
	to.CPUs = append(to.CPUs, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	kib, err := readNumber(peak)
	to.Memory = max(to.Memory, kib<<10)
	return err
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

// note adds a remark to the report.
func (b *bench) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}
