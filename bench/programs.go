package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the four that take the same backups, each with a repository and a home of its own.
type programs struct {
	b    *bench
	root string // repositories and homes, by program
	src  string
	out  string   // where they restore to
	more []string // of shoebox's environment
	some []string // of the peers; empty is all
}

// peers are shoebox and the programs it is compared with.
var peers = [...]string{"shoebox", "restic", "borg", "kopia"}

func (b *bench) programs(name, src string) *programs {
	root := filepath.Join(b.work, "backups-"+name)
	return &programs{b: b, src: src, root: root, out: filepath.Join(root, "out")}
}

func (p *programs) all() []string {
	if len(p.some) > 0 {
		return p.some
	}
	return peers[:]
}

func (p *programs) home(program string) string { return filepath.Join(p.root, "home", program) }
func (p *programs) repo(program string) string { return filepath.Join(p.root, "repo", program) }

func (p *programs) env(program string) []string {
	home := p.home(program)
	env := []string{"HOME=" + home, "XDG_CACHE_HOME=" + home + "/.cache", "XDG_CONFIG_HOME=" + home + "/.config", "XDG_DATA_HOME=" + home + "/.local/share"}
	switch program {
	case "restic":
		return append(env, "RESTIC_REPOSITORY="+p.repo(program), "RESTIC_PASSWORD=bench")
	case "borg":
		return append(env, "BORG_REPO="+p.repo(program), "BORG_PASSPHRASE=bench", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes")
	case "kopia":
		return append(env, "KOPIA_PASSWORD=bench", "KOPIA_CHECK_FOR_UPDATES=false")
	}
	return append(append(env, "SHOEBOX_REPOSITORY="+p.repo(program)), p.more...)
}

// fresh empties one program's repository and makes it anew. shoebox gets a key file, as on a machine with nobody to ask.
func (p *programs) fresh(program string) func() error {
	return func() error {
		err := errors.Join(remake(p.home(program)), os.RemoveAll(p.repo(program)), os.MkdirAll(filepath.Dir(p.repo(program)), 0o755))
		if err != nil {
			return err
		}
		if program == "kopia" {
			return p.freshKopia()
		}
		init := map[string][]string{"shoebox": {p.b.shoebox, "init"}, "restic": {"restic", "init"}, "borg": {"borg", "init", "-e", "repokey-blake2"}}[program]
		return p.quietly(program, init)
	}
}

// prepare gives each program a repository with one snapshot.
func (p *programs) prepare() error {
	for _, program := range p.all() {
		if err := p.fresh(program)(); err != nil {
			return err
		}
	}
	return p.backupAll()
}

// backupAll takes a snapshot with each program, without measuring.
func (p *programs) backupAll() error {
	for _, program := range p.all() {
		if err := p.quietly(program, p.backup(program).args); err != nil {
			return err
		}
	}
	return nil
}

// quietly runs a command of a program without measuring.
func (p *programs) quietly(program string, args []string) error {
	c := exec.CommandContext(p.b.ctx, args[0], args[1:]...)
	c.Env = append(os.Environ(), p.env(program)...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// command is a command line of a program, to be measured.
func (p *programs) command(program string, args ...string) command {
	return command{program: program, args: args, env: p.env(program)}
}

func (p *programs) backup(program string) command {
	switch program {
	case "restic":
		return p.command(program, "restic", "backup", "-q", p.src)
	case "borg":
		return p.command(program, "borg", "create", "::{now:%Y%m%dT%H%M%S.%f}", p.src)
	case "kopia":
		return p.command(program, p.b.kopia, "snapshot", "create", "--no-progress", p.src)
	}
	return p.command(program, p.b.shoebox, "backup", "-q", p.src)
}

// lastArchive is the name of borg's newest archive, which it wants to be told.
func (p *programs) lastArchive() (string, error) {
	out, err := p.ask("borg", "borg", "list", "--last", "1", "--format", "{archive}")
	return strings.TrimSpace(string(out)), err
}

// ask is what a program says.
func (p *programs) ask(program string, args ...string) ([]byte, error) {
	c := exec.CommandContext(p.b.ctx, args[0], args[1:]...)
	c.Env = append(os.Environ(), p.env(program)...)
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

// restore gives back one path, or everything when it is empty, into an empty folder, and compares.
func (p *programs) restore(program, path string) (c command, err error) {
	from := strings.TrimPrefix(p.src, "/")
	switch program {
	case "shoebox":
		c = p.command(program, p.b.shoebox, "restore", "-q", "latest:"+path, "--target", p.out)
	case "restic":
		c = p.command(program, "restic", "restore", "-q", "latest", "--target", p.out)
		if path != "" {
			c.args = append(c.args, "--include", p.src+"/"+path)
		}
	case "borg":
		archive, err := p.lastArchive()
		if err != nil {
			return c, err
		}
		c = p.command(program, "borg", "extract", "::"+archive)
		if path != "" {
			c.args = append(c.args, from+"/"+path)
		}
	case "kopia":
		c = p.command(program, p.b.kopia, "restore", "--no-progress", filepath.Join(p.src, path), filepath.Join(p.out, path))
	}
	got := p.out
	if program == "restic" || program == "borg" {
		got = filepath.Join(p.out, from)
	}
	c.dir = p.out
	c.reads = p.kept(program)
	c.before = func() error {
		return errors.Join(remake(p.out), os.MkdirAll(filepath.Join(p.out, filepath.Dir(path)), 0o755))
	}
	c.after = func() error {
		return errors.Join(sameFiles(p.b.ctx, filepath.Join(p.src, path), filepath.Join(got, path)), os.RemoveAll(p.out))
	}
	return c, nil
}

func (p *programs) restores(path string) (all []command, err error) {
	for _, program := range peers {
		c, err := p.restore(program, path)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// kept are the folders that hold all a program has saved, and what it remembers of it.
func (p *programs) kept(program string) []string {
	return []string{p.repo(program), p.home(program)}
}

// verify restores the last snapshot of a program and compares it, without measuring.
func (p *programs) verify(program string) error {
	c, err := p.restore(program, "")
	if err != nil {
		return err
	}
	if err := c.before(); err != nil {
		return err
	}
	run := exec.CommandContext(p.b.ctx, c.args[0], c.args[1:]...)
	run.Env, run.Dir = append(os.Environ(), c.env...), c.dir
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(c.args, " "), err, out)
	}
	return c.after()
}

// each makes one command for each program.
func each(make func(program string) command) (all []command) {
	for _, program := range peers {
		all = append(all, make(program))
	}
	return all
}

func remake(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// sameFiles compares every byte.
func sameFiles(ctx context.Context, a, b string) error {
	out, err := exec.CommandContext(ctx, "diff", "-rq", a, b).CombinedOutput()
	if err != nil {
		first, _, _ := bytes.Cut(out, []byte("\n"))
		return fmt.Errorf("what came back differs: %w: %s", err, first)
	}
	return nil
}

// treeSize is how many bytes the files of a folder hold.
func treeSize(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// shell runs a line in sh.
func shell(program, line string, env ...string) command {
	return command{program: program, args: []string{"bash", "-o", "pipefail", "-ec", line}, env: env}
}
