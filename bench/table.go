package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// line is a row for people on a terminal.
func (r row) line() string {
	text := r.Work
	if r.Cold {
		text += " (cold)"
	}
	for _, one := range r.Results {
		text += fmt.Sprintf("  |  %s %.2f s (%.1fx), %.0f MB", one.Program, one.Median, one.Ratio, float64(one.Memory)/1e6)
	}
	return text
}

// report is everything that is written down.
type report struct {
	Taken    time.Time         `json:"taken"`
	Command  string            `json:"command"`
	Machine  map[string]string `json:"machine"`
	Versions map[string]string `json:"versions"`
	Rows     []row             `json:"rows"`
	Notes    []string          `json:"notes"`
}

// write writes the table and the JSON.
func (b *bench) write() error {
	r := report{Taken: time.Now().UTC(), Command: strings.TrimSpace("go run ./bench " + strings.Join(os.Args[1:], " ")), Machine: machine(), Versions: versions(), Rows: b.table, Notes: b.notes}
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

// markdown is the table. A ratio says how many times as long as shoebox another program takes.
func (r report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Measured on %s\n\n`%s`, %s, %s of memory, %s; %s.\n\n", r.Taken.Format("2006-01-02"), r.Command, r.Machine["processors"], r.Machine["memory"], r.Machine["system"],
		strings.Join([]string{r.Versions["go"], r.Versions["restic"], r.Versions["borg"], r.Versions["adb"]}, "; "))
	out.WriteString("Median wall seconds (least to most); programs take turns. \"3.0x\" is three times as long as shoebox. Memory is the most of all runs.\n\n")
	out.WriteString("| work | shoebox | others | wanted |\n|---|---|---|---|\n")
	for _, row := range r.Rows {
		work := row.Work
		if row.Cold {
			work += " (cold cache)"
		}
		var others []string
		for _, one := range row.Results[1:] {
			others = append(others, fmt.Sprintf("%s **%.1fx** (%s)", one.Program, one.Ratio, one.text()))
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", work, row.Results[0].text(), strings.Join(others, "<br>"), row.Wanted)
	}
	out.WriteString("\n")
	for _, note := range r.Notes {
		fmt.Fprintf(&out, "- %s\n", note)
	}
	return out.String()
}

func (r result) text() string {
	least, most := r.Seconds[0], r.Seconds[0]
	for _, s := range r.Seconds {
		least, most = min(least, s), max(most, s)
	}
	return fmt.Sprintf("%.2f s (%.2f to %.2f), %.0f MB", r.Median, least, most, float64(r.Memory)/1e6)
}

func machine() map[string]string {
	return map[string]string{
		"processors": fmt.Sprintf("%d x %s", runtime.NumCPU(), firstAfter("/proc/cpuinfo", "model name")),
		"memory":     firstAfter("/proc/meminfo", "MemTotal"),
		"system":     said("uname", "-srm"),
	}
}

func versions() map[string]string {
	return map[string]string{"go": runtime.Version(), "restic": said("restic", "version"), "borg": said("borg", "--version"), "adb": said("adb", "--version")}
}

// firstAfter is the value of the first line that begins with a key, as /proc has them.
func firstAfter(path, key string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, key) {
			_, value, _ := strings.Cut(line, ":")
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func said(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return program + " unknown"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
