package adb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// What follows runs in the phone's shell. It believes what is printed and not exit codes, which old phones do not tell and some tell wrong.

// ErrNoSum is what Sum says of a phone that has no sha256sum, or one that says something else.
var ErrNoSum = errors.New("the phone cannot tell a SHA-256")

// Sum asks the phone for the SHA-256 of a file.
func (d *Device) Sum(ctx context.Context, path string) (sum [32]byte, err error) {
	out, err := d.says(ctx, "sha256sum "+Quote(path))
	if err != nil {
		return sum, err
	}
	digits, _, ok := strings.Cut(strings.TrimPrefix(out, `\`), " ") // names with a line feed are told with a backslash first
	if b, err := hex.DecodeString(digits); ok && err == nil && len(b) == len(sum) {
		return [32]byte(b), nil
	}
	return sum, fmt.Errorf("%w: it printed %q", ErrNoSum, plain([]byte(out)))
}

// Rename gives a file another name, in place of what is there when replace is set; else what is there is fs.ErrExist. A folder is
// never replaced.
func (d *Device) Rename(ctx context.Context, from, to string, replace bool) error {
	there := "[ -d %[2]s ]"
	if !replace {
		there = "[ -e %[2]s ] || [ -L %[2]s ]"
	}
	line := fmt.Sprintf("if "+there+"; then echo there; elif mv -f %[1]s %[2]s && [ ! -e %[1]s ] && [ -e %[2]s ]; then echo moved; else echo failed; fi", Quote(from), Quote(to))
	out, err := d.says(ctx, line)
	switch {
	case err != nil:
		return err
	case lastLine(out) == "moved":
		return nil
	case lastLine(out) == "there":
		return fs.ErrExist
	}
	return &Failure{Op: "rename", Name: to, Text: plain([]byte(out))}
}

// Remove deletes a file; one that is not there is no error.
func (d *Device) Remove(ctx context.Context, path string) error {
	out, err := d.says(ctx, fmt.Sprintf("if rm -f %s; then echo removed; fi", Quote(path)))
	if err == nil && lastLine(out) != "removed" {
		err = &Failure{Op: "remove", Name: path, Text: plain([]byte(out))}
	}
	return err
}

// Sync has the phone write everything to its storage.
func (d *Device) Sync(ctx context.Context) error {
	out, err := d.says(ctx, "sync && echo synced")
	if err == nil && lastLine(out) != "synced" {
		err = &Failure{Op: "sync", Name: d.Serial, Text: plain([]byte(out))}
	}
	return err
}

// says is what a command prints, on both channels in the order of printing, whatever its exit code.
func (d *Device) says(ctx context.Context, line string) (string, error) {
	return d.saysWithin(ctx, line, 0)
}

// saysWithin is says for a command that may be silent for long.
func (d *Device) saysWithin(ctx context.Context, line string, patience time.Duration) (string, error) {
	line = "exec 2>&1; " + line
	if len(line) > MaxService-len("shell,v2,raw:") {
		return "", fmt.Errorf("%w: a command of %d bytes", ErrTooLong, len(line))
	}
	out := limited{most: MaxOutput}
	_, err := d.Run(ctx, Command{Line: line, Stdout: &out, Stderr: &out, Patience: patience})
	return strings.ReplaceAll(out.String(), "\r\n", "\n"), err
}

func lastLine(out string) string {
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	return lines[len(lines)-1]
}
