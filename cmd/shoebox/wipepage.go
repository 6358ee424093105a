package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"time"

	"shoebox/device"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
	"shoebox/snapshot/clearance"
)

//go:embed wipepage.html
var wipePage string

// answerPage is what the page to print says.
type answerPage struct {
	Yes        bool
	Name       string
	When       string
	Receipt    string
	Repository string
	Files      string
	Proven     string
	Phone      bool
	Lists      []answerList
}

// answerList is one reason for a no, with all that it is about.
type answerList struct {
	Title string
	Lines []string
}

// writePage writes the answer as a page to print. One that is there already is replaced, whole or not at all.
func (p *program) writePage(path string, said *clearance.Safety, on *heldOn, kept *clearance.Receipt) error {
	page := answerPage{Yes: said.Yes(), Name: on.name, When: p.now().In(p.zone).Format("2 January 2006, 15:04 MST"), Receipt: kept.Name, Repository: p.flags.repository,
		Files: fmt.Sprintf("%s (%s)", amount.Plural(said.Files, "file"), amount.Bytes(said.Bytes)), Proven: amount.Number(said.Proven), Phone: on.phone}
	page.add("In no snapshot", printables(pathsOf(said.Missing)))
	page.add("In a snapshot, with other bytes", printables(pathsOf(said.Different)))
	page.add("In a snapshot, which does not give it back", failureLines(said.Lost))
	page.add("Could not be read", failureLines(said.Unread))
	if said.Alike > 0 {
		page.add("Not compared", []string{fmt.Sprintf("%s have the same size and time as in a snapshot; their bytes were not compared", amount.Plural(said.Alike, "file"))})
	}
	var out bytes.Buffer
	t, err := template.New("page").Parse(wipePage)
	if err == nil {
		err = t.Execute(&out, page)
	}
	if err == nil {
		err = replaceFile(path, out.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	p.tell("The page to print is %s.", path)
	return nil
}

func (a *answerPage) add(title string, lines []string) {
	if len(lines) > 0 {
		a.Lists = append(a.Lists, answerList{title, lines})
	}
}

func printables(paths []string) (lines []string) {
	for _, path := range paths {
		lines = append(lines, device.Printable(path))
	}
	return lines
}

func failureLines(all []snapshot.Failure) (lines []string) {
	for _, f := range all {
		lines = append(lines, fmt.Sprintf("%s: %s", device.Printable(f.Path), f.Reason))
	}
	return lines
}

// replaceFile writes a file under a temporary name, makes it durable, and gives it its name.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".shoebox-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	for _, step := range []func() error{func() error { return f.Chmod(mode) }, f.Sync, f.Close} {
		if e := step(); err == nil {
			err = e
		}
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what it holds is of no use
	}
	return err
}

// wipeHistory lists what was answered before.
func (p *program) wipeHistory(ctx context.Context) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	all, err := p.receipts(ctx, r)
	if err != nil {
		return err
	}
	lines := []map[string]any{}
	for _, t := range all {
		if t.Stage != clearance.Checked {
			continue
		}
		a := t.Answer
		if p.flags.json {
			lines = append(lines, map[string]any{"receipt": t.Name, "time": t.When.Format(time.RFC3339), "device": a.Name, "safe": a.Yes, "files": a.Files, "bytes": a.Bytes, "files_proven": a.Proven,
				"files_alike": a.Alike, "missing": a.Missing, "different": a.Different, "lost": a.Lost, "unread": a.Unread})
			continue
		}
		word := "no"
		if a.Yes {
			word = "yes"
		}
		p.say("%s  %s  %-3s  %s: %s proven of %s", short(t.Name), p.timeText(t.When), word, strings.TrimSpace(a.Name), amount.Number(a.Proven), amount.Plural(a.Files, "file"))
	}
	if p.flags.json {
		return p.printJSON(lines)
	}
	return nil
}
