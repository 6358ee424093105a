//go:build linux

// Package reader_test holds the reader in Python against repositories that shoebox makes, and both against old ones. It does not
// know how either of them works.
package reader_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shoebox/device"
	"shoebox/repo/crypt"
	"shoebox/snapshot"
)

// python is Debian's own: another one lacks Debian's modules.
const python = "/usr/bin/python3"

// run runs a Python file of this folder and gives what it printed and its exit status.
func run(t *testing.T, args ...string) (out, complaint string, status int) {
	t.Helper()
	needTools(t)
	c := exec.CommandContext(t.Context(), python, append([]string{"-B"}, args...)...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	var failed *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if strings.Contains(stderr.String(), "Traceback") {
		t.Fatalf("%q broke down:\n%s", args, &stderr)
	}
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

func needTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"age", "b3sum", python} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: install the Debian packages age b3sum python3-cryptography python3-zstandard", err)
		}
	}
	// What these files hold decides the result: reading them here tells the cache of go test.
	files, err := filepath.Glob("*.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../format.md", "../../repo/testdata/tiny.pack") {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
}

// read runs the reader on a repository, with the password unless a key is given.
func (m *made) read(t *testing.T, args ...string) (out, complaint string, status int) {
	t.Helper()
	access := []string{"shoebox_reader.py", "-r", m.folder, "-p", m.passwordFile}
	if len(args) > 0 && args[0] == "-k" {
		access, args = append(access[:3], "-k", m.keyFile), args[1:]
	}
	return run(t, append(access, args...)...)
}

// mustRead is read where all must be well.
func (m *made) mustRead(t *testing.T, args ...string) string {
	t.Helper()
	out, complaint, status := m.read(t, args...)
	if status != 0 || complaint != "" {
		t.Fatalf("%q: status %d\n%s%s", args, status, out, complaint)
	}
	return out
}

func TestFormat(t *testing.T) {
	t.Parallel()
	if out, complaint, status := run(t, "format_test.py"); status != 0 {
		t.Errorf("%s%s", out, complaint)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	m.wantWhole(t)
	if out := m.mustRead(t, "verify"); !strings.Contains(out, "3 snapshots") {
		t.Error(out)
	}

	if got := strings.Count(m.mustRead(t, "ls", m.names[0]), "\n"); got != len(m.truth[m.names[0]]) {
		t.Errorf("ls has %d lines, want %d", got, len(m.truth[m.names[0]]))
	}

	target := filepath.Join(t.TempDir(), "some")
	m.mustRead(t, "-k", "restore", m.names[2][:8], target, "DCIM/Camera")
	want := maps.Clone(m.truth[m.names[2]])
	maps.DeleteFunc(want, func(path string, _ file) bool { return !strings.HasPrefix(path, "DCIM/Camera/") })
	wantSame(t, target, want)

	_, complaint, status := m.read(t, "restore", "latest", target)
	if status != 2 || !strings.Contains(complaint, "not empty") {
		t.Errorf("into a folder that is not empty: status %d, %s", status, complaint)
	}
}

// wantWhole lists and restores all snapshots.
func (m *made) wantWhole(t *testing.T) {
	t.Helper()
	var listed []string
	for line := range strings.Lines(m.mustRead(t, "list")) {
		listed = append(listed, line[:32])
	}
	if !slices.Equal(listed, m.names) {
		t.Fatalf("%q are listed, want %q", listed, m.names)
	}
	for i, name := range m.names {
		target := filepath.Join(t.TempDir(), "all")
		access := []string{"-k"}[:i%2]
		m.mustRead(t, append(access, "restore", name, target)...)
		wantSame(t, target, m.truth[name])
	}
}

// The index is a copy: without it, and without the hint, everything is found. Strange files harm nobody.
func TestWithoutIndex(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	for _, name := range []string{"segments", "copies", "parity", "shoebox.json", "README.txt"} {
		if err := os.RemoveAll(filepath.Join(m.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"snapshots/.tmp-1", "snapshots/notes.txt", "packs/.tmp-2", "packs/xy", "keys/README"} {
		if err := os.WriteFile(filepath.Join(m.folder, name), []byte("strange"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.wantWhole(t)
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	other := *m
	other.passwordFile = write(t, "not the password\n")
	secret, _, err := crypt.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other.keyFile = write(t, secret+"\n")
	for _, args := range [][]string{{"list"}, {"-k", "list"}, {"verify"}, {"-k", "restore", "latest", filepath.Join(m.folder, "out")}} {
		out, complaint, status := other.read(t, args...)
		if status != 2 || out != "" || !strings.Contains(complaint, "wrong password or key") {
			t.Errorf("%q: status %d, %s%s", args, status, out, complaint)
		}
	}
	if _, err := os.Stat(filepath.Join(m.folder, "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("something was restored")
	}
}

// A snapshot whose session is not done does not count, and its successor misses it.
func TestNotConfirmed(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	r := m.open(t, 0)
	for rec, err := range r.Records(t.Context(), snapshot.Kind) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Name == m.names[1] {
			for _, folder := range []string{"sessions", "copies/sessions"} {
				if err := os.RemoveAll(filepath.Join(m.folder, folder, rec.Session+".done")); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if out := m.mustRead(t, "list"); strings.Count(out, "\n") != 2 || strings.Contains(out, m.names[1]) {
		t.Error(out)
	}
	if _, complaint, status := m.read(t, "verify"); status != 1 || !strings.Contains(complaint, m.names[1]+": is gone; "+m.names[2]) {
		t.Errorf("status %d, %s", status, complaint)
	}
}

// What was forgotten is not shown, neither before nor after a prune; the attic is.
func TestForgotten(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	m.forget(t)
	if out := m.mustRead(t, "list"); strings.Count(out, "\n") != len(m.names) || !strings.Contains(out, "attic") {
		t.Error(out)
	}
	if _, err := snapshot.Prune(t.Context(), m.open(t, 0), snapshot.PruneOptions{}); err != nil {
		t.Fatal(err)
	}
	m.wantWhole(t)
	m.mustRead(t, "verify")
}

// A backup that found most files gone says so in its snapshot.
func TestBrake(t *testing.T) {
	t.Parallel()
	m := newRepository(t, t.TempDir())
	var many forged
	for i := range 60 {
		many = append(many, device.File{Path: fmt.Sprintf("%02d", i)})
	}
	m.take(t, crypt.AES256GCM, many, "phone")
	m.take(t, crypt.AES256GCM, many[:1], "phone")
	snapshots, _, err := snapshot.List(t.Context(), m.open(t, 0))
	if err != nil || len(snapshots) != 2 || snapshots[1].Brake == nil {
		t.Fatal("the brake was not pulled", err)
	}
	m.mustRead(t, "verify")
	if out := m.mustRead(t, "list"); strings.Count(out, "\n") != 2 {
		t.Error(out)
	}
}

// A link that was just restored leads nowhere for the files below its name.
func TestNoWayOut(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	m := newRepository(t, t.TempDir())
	m.take(t, crypt.AES256GCM, forged{
		{Path: "a", Type: device.Symlink, Target: outside, Size: int64(len(outside))},
		{Path: "a/b"}, {Path: "a/c/d"}, {Path: "b"}, {Path: "b/c"}, {Path: "c"},
	}, "forged")
	target := filepath.Join(t.TempDir(), "all")
	_, complaint, status := m.read(t, "restore", "latest", target)
	if status != 1 {
		t.Errorf("status %d", status)
	}
	for _, path := range []string{"a/b", "a/c/d", "b/c"} {
		if !strings.Contains(complaint, "damaged: "+path+": ") {
			t.Errorf("%s is not named:\n%s", path, complaint)
		}
	}
	if got := slices.Sorted(maps.Keys(tree(t, target))); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("restored are %q", got)
	}
	if len(tree(t, outside)) != 0 {
		t.Error("the reader wrote outside of its folder")
	}
}
