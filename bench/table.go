package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// report is everything that is written down.
type report struct {
	Taken    time.Time         `json:"taken"`
	Command  string            `json:"command"`
	Minutes  float64           `json:"minutes"`
	Runs     int               `json:"runs"`
	Cold     bool              `json:"caches_can_be_dropped"`
	Machine  map[string]string `json:"machine"`
	Versions map[string]string `json:"versions"`
	Rows     []row             `json:"rows"`
	Notes    []string          `json:"notes"`
}

// write writes the table and the JSON.
func (b *bench) write() error {
	r := report{Taken: time.Now().UTC(), Command: strings.TrimSpace("go run ./bench " + strings.Join(os.Args[1:], " ")), Minutes: time.Since(b.began).Minutes(), Runs: b.options.runs,
		Cold: b.cold, Machine: machine(b.work), Versions: versions(), Rows: b.table, Notes: b.notes}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.options.results, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.options.results, b.options.name+".json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	text := r.markdown()
	fmt.Print("\n" + text)
	return os.WriteFile(filepath.Join(b.options.results, b.options.name+".md"), []byte(text), 0o644)
}

// markdown is the report for people: what was wanted first, then everything measured.
func (r report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Measured on %s\n\n`%s`, in %.0f minutes, on %s, %s of memory, %s, %s; %s.\n\n", r.Taken.Format("2006-01-02"), r.Command, r.Minutes,
		r.Machine["processors"], r.Machine["memory"], r.Machine["system"], r.Machine["disk"], r.programs())
	fmt.Fprintf(&out, "Medians of %d runs; programs take turns. \"3.0x restic\" says that restic takes three times as long as shoebox; \"1.20 of\" a floor says that shoebox takes 1.2 times as "+
		"long. Floors are the same calls of the system without our code. ", r.Runs)
	if r.Cold {
		out.WriteString("Cold: what is read was read once past the caches, so that what the host of a guest keeps is the same for all, and then the caches were dropped, before each run. ")
	} else {
		out.WriteString("Caches could not be dropped here, so nothing is cold. ")
	}
	out.WriteString("Warm: each ran once before, unmeasured. CPU is that of the program, not of what the system writes to the disk later; memory is the most of all runs. Every file that was " +
		"given back was compared, byte by byte.\n\n")
	r.records(&out)
	r.everything(&out)
	for _, note := range r.Notes {
		fmt.Fprintf(&out, "- %s\n", note)
	}
	return out.String()
}

// programs are the versions of what was compared.
func (r report) programs() string {
	var all []string
	for _, name := range []string{"go", "restic", "borg", "kopia", "adb", "b3sum"} {
		all = append(all, r.Versions[name])
	}
	return strings.Join(all, "; ")
}

// records is the table of what was wanted.
func (r report) records(out *strings.Builder) {
	out.WriteString("## Records\n\n| work | measured | at least | aim for |\n|---|---|---|---|\n")
	for _, row := range r.Rows {
		work := row.title()
		for _, g := range row.Goals {
			got, least, aim := g.cells()
			fmt.Fprintf(out, "| %s | %s | %s | %s |\n", work, got, least, aim)
			work = ""
		}
	}
	out.WriteString("\n")
}

// everything is the table of what was measured. A ratio is the median by that of the first program.
func (r report) everything(out *strings.Builder) {
	out.WriteString("## Everything measured\n\n| work | program | median | least to most | ratio | CPU s | peak MB |\n|---|---|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		work := row.title()
		if row.Note != "" {
			work += " (" + row.Note + ")"
		}
		for _, one := range row.Results {
			fmt.Fprintf(out, "| %s | %s | **%s %s** | %s to %s | %.2f | %s | %s |\n", work, one.Program, digits(one.Median), row.Unit,
				digits(slices.Min(one.Values)), digits(slices.Max(one.Values)), one.Ratio, one.cpu(), one.memory())
			work = ""
		}
	}
	out.WriteString("\n")
}

func (r row) title() string {
	switch {
	case r.Cold:
		return r.Work + ", cold"
	case r.Warm:
		return r.Work + ", warm"
	}
	return r.Work
}

// line is a row for people on a terminal.
func (r row) line() string {
	text := r.title()
	for _, one := range r.Results {
		text += fmt.Sprintf("  |  %s %s %s (%.1fx), %s MB", one.Program, digits(one.Median), r.Unit, one.Ratio, one.memory())
	}
	return text
}

// digits writes three digits that matter.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func (r result) cpu() string {
	if len(r.CPUs) == 0 {
		return ""
	}
	return digits(r.CPU)
}

func (r result) memory() string {
	if r.Memory == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", float64(r.Memory)/1e6)
}
