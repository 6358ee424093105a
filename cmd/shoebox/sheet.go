package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rsc.io/qr"

	"shoebox/repo"
)

// saveSheet writes the recovery sheet where the person says: by flag, or asked on a terminal, or, with nobody to ask,
// beside the configuration. It gives the path, or "" when the sheet was printed.
func (p *program) saveSheet(ctx context.Context, r *repo.Repo, s setup, code string) (string, error) {
	path, err := p.sheetPath(ctx, r, s)
	if err != nil {
		return "", err
	}
	text, err := p.sheetText(r, code, path == "-")
	if err != nil {
		return "", err
	}
	if path == "-" {
		fmt.Fprint(p.err, text)
		return "", nil
	}
	if err := writeSecret(path, text); err != nil {
		return "", fmt.Errorf("write the recovery sheet: %w", err)
	}
	return path, nil
}

func (p *program) sheetPath(ctx context.Context, r *repo.Repo, s setup) (string, error) {
	if s.sheet != "" {
		return s.sheet, nil
	}
	dir, err := configDir()
	if err != nil {
		return "", err
	}
	name := "recovery-sheet-" + r.ID().String()[:8] + ".txt"
	path := unused(filepath.Join(dir, name))
	if !p.terminal {
		return path, nil
	}
	if home, err := os.UserHomeDir(); err == nil {
		path = unused(filepath.Join(home, "shoebox-"+name))
	}
	p.tell("The recovery sheet opens the repository if the password is forgotten.")
	return p.askPath(ctx, "Where shall it be written? (- shows it here)", path)
}

// unused gives a path at which nothing is: an older sheet is never written over.
func unused(path string) string {
	ext := filepath.Ext(path)
	for n, try := 2, path; ; n++ {
		if _, err := os.Lstat(try); err != nil {
			return try
		}
		try = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), n, ext)
	}
}

func (p *program) sheetText(r *repo.Repo, code string, onScreen bool) (string, error) {
	picture, err := qrText(code, onScreen)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`
SHOEBOX RECOVERY SHEET

With the code on this page anybody can look at the pictures in this repository,
and without it nobody can once the password is forgotten. Print this page, keep
it where you keep your papers, and delete the file.

  Repository   %s
  In           %s
  Made on      %s

  Code         %s

%s
To use it: type the code where shoebox asks for the password. Or put it into a
file and name that file:

    shoebox -r FOLDER --key-file FILE snapshots

Without shoebox: keys/recovery.age in the repository is a file of the program
age (https://age-encryption.org); "age -d -i FILE keys/recovery.age" shows the
master key, and the format is described in shoebox's docs/format.md.
`, r.ID(), p.flags.repository, p.now().In(p.zone).Format("2006-01-02"), code, picture), nil
}

// qrText draws a QR code with half blocks: dark where ink goes on paper, and the other way round for a screen, whose letters
// are light.
func qrText(text string, onScreen bool) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	const quiet = 4 // modules of margin, as the standard wants
	blocks := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	var out strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		out.WriteString("  ")
		for x := -quiet; x < code.Size+quiet; x++ {
			out.WriteString(blocks[[2]bool{code.Black(x, y) != onScreen, code.Black(x, y+1) != onScreen}])
		}
		out.WriteByte('\n')
	}
	return out.String(), nil
}
