package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the three that take the same backups, each with a repository of its own.
type programs struct {
	b            *bench
	home         string
	src          string
	repo, out    string
	shoeboxEnv   []string
	restic, borg []string // environments
}

func (b *bench) programs(name, src string) *programs {
	p := &programs{b: b, src: src, home: filepath.Join(b.work, "home-"+name), repo: filepath.Join(b.work, "repo-"+name), out: filepath.Join(b.work, "out-"+name)}
	env := []string{"HOME=" + p.home, "XDG_CACHE_HOME=" + p.home + "/.cache", "XDG_CONFIG_HOME=" + p.home + "/.config", "XDG_DATA_HOME=" + p.home + "/.local/share"}
	p.shoeboxEnv = append(env, "SHOEBOX_REPOSITORY="+p.repo+"/shoebox")
	p.restic = append(env, "RESTIC_REPOSITORY="+p.repo+"/restic", "RESTIC_PASSWORD=bench")
	p.borg = append(env, "BORG_REPO="+p.repo+"/borg", "BORG_PASSPHRASE=bench", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes")
	return p
}

// fresh empties one program's repository and makes it anew. shoebox gets a key file, as on a machine with nobody to ask.
func (p *programs) fresh(program string) func() error {
	return func() error {
		err := os.RemoveAll(filepath.Join(p.repo, program))
		if err == nil {
			err = os.MkdirAll(p.repo, 0o755)
		}
		if err == nil && program == "shoebox" {
			err = os.RemoveAll(p.home)
		}
		if err == nil {
			err = os.MkdirAll(p.home, 0o755)
		}
		if err != nil {
			return err
		}
		init := map[string][]string{"shoebox": {p.b.shoebox, "init"}, "restic": {"restic", "init"}, "borg": {"borg", "init", "-e", "repokey-blake2"}}[program]
		return p.quietly(program, init)
	}
}

func (p *programs) env(program string) []string {
	return map[string][]string{"shoebox": p.shoeboxEnv, "restic": p.restic, "borg": p.borg}[program]
}

func (p *programs) quietly(program string, args []string) error {
	c := exec.CommandContext(p.b.ctx, args[0], args[1:]...)
	c.Env = append(os.Environ(), p.env(program)...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (p *programs) backup(program string) command {
	args := map[string][]string{"shoebox": {p.b.shoebox, "backup", "-q", p.src}, "restic": {"restic", "backup", "-q", p.src}, "borg": {"borg", "create", "::{now:%Y%m%dT%H%M%S.%f}", p.src}}[program]
	return command{program: program, args: args, env: p.env(program)}
}

func (p *programs) list(program string) command {
	args := map[string][]string{"shoebox": {p.b.shoebox, "snapshots"}, "restic": {"restic", "snapshots"}, "borg": {"borg", "list"}}[program]
	return command{program: program, args: args, env: p.env(program)}
}

// lastArchive is the name of borg's newest archive, which it wants to be told.
func (p *programs) lastArchive() (string, error) {
	c := exec.CommandContext(p.b.ctx, "borg", "list", "--last", "1", "--format", "{archive}")
	c.Env = append(os.Environ(), p.borg...)
	out, err := c.Output()
	return strings.TrimSpace(string(out)), err
}

// restore gives back one path, or everything when it is empty, into an empty folder, and compares.
func (p *programs) restore(program, path, archive string) command {
	src := strings.TrimPrefix(p.src, "/")
	var args []string
	switch program {
	case "shoebox":
		args = []string{p.b.shoebox, "restore", "-q", "latest:" + path, "--target", p.out}
	case "restic":
		args = []string{"restic", "restore", "-q", "latest", "--target", p.out}
		if path != "" {
			args = append(args, "--include", p.src+"/"+path)
		}
	case "borg":
		args = []string{"borg", "extract", "::" + archive}
		if path != "" {
			args = append(args, src+"/"+path)
		}
	}
	c := command{program: program, args: args, env: p.env(program), dir: p.out, before: func() error { return remake(p.out) }}
	c.after = func() error {
		got := p.out
		if program != "shoebox" {
			got = filepath.Join(p.out, src)
		}
		return sameFiles(filepath.Join(p.src, path), filepath.Join(got, path))
	}
	return c
}

func remake(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// sameFiles compares every byte.
func sameFiles(a, b string) error {
	if out, err := exec.Command("diff", "-rq", a, b).CombinedOutput(); err != nil {
		return fmt.Errorf("what came back differs: %w: %s", err, out)
	}
	return nil
}

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

// peers are shoebox and the programs it is compared with.
var peers = [...]string{"shoebox", "restic", "borg"}

func each(make func(program string) command) (all []command) {
	for _, program := range peers {
		all = append(all, make(program))
	}
	return all
}

// roll measures the life of a camera roll.
func (b *bench) roll() error {
	src := filepath.Join(b.work, "roll")
	fmt.Printf("making a camera roll of %.1f GB\n", b.options.size)
	r, err := makeRoll(src, int64(b.options.size*1e9), b.options.seed)
	if err != nil {
		return err
	}
	p := b.programs("roll", src)
	copyTo := filepath.Join(b.work, "copy")
	first := each(func(program string) command {
		c := p.backup(program)
		c.before = p.fresh(program)
		return c
	})
	first = append(first, command{program: "cp -a", args: []string{"cp", "-a", src, copyTo}, before: func() error { return os.RemoveAll(copyTo) }})
	if err := b.compare("first backup", true, "1.5x restic", first...); err != nil {
		return err
	}
	b.sizes("after the first backup", p)
	if err := b.compare("nothing changed", false, "2x borg", each(p.backup)...); err != nil {
		return err
	}
	if err := b.nights(p, r); err != nil {
		return err
	}
	return b.giveBack(p, r)
}

// nights measures nights that are all different: each program sees the same ones.
func (b *bench) nights(p *programs, r *roll) error {
	changed := false
	commands := each(p.backup)
	commands[0].before = func() error { changed = true; return r.night() }
	if err := b.compare("a night: 40 new, 10 retagged, 5 moved, 10 gone", false, "", commands...); err != nil {
		return err
	}
	if !changed {
		return fmt.Errorf("the nights were not made")
	}
	b.sizes("after the nights", p)
	return nil
}

func (b *bench) giveBack(p *programs, r *roll) error {
	archive, err := p.lastArchive()
	if err != nil {
		return fmt.Errorf("ask borg for its archives: %w", err)
	}
	one := r.made[len(r.made)/2]
	if err := b.compare("restore one photo", false, "2x borg", each(func(program string) command { return p.restore(program, one, archive) })...); err != nil {
		return err
	}
	if err := b.compare("list snapshots", false, "", each(p.list)...); err != nil {
		return err
	}
	if err := b.compare("restore everything", true, "", each(func(program string) command { return p.restore(program, "", archive) })...); err != nil {
		return err
	}
	check := map[string][]string{"shoebox": {b.shoebox, "check", "--read-data"}, "restic": {"restic", "check", "--read-data"}, "borg": {"borg", "check", "--verify-data"}}
	return b.compare("check, reading every byte", true, "", each(func(program string) command {
		return command{program: program, args: check[program], env: p.env(program)}
	})...)
}

// sizes notes how large the repositories are.
func (b *bench) sizes(when string, p *programs) {
	src, _ := treeSize(p.src)
	text := fmt.Sprintf("Sizes %s: source %.1f MB", when, float64(src)/1e6)
	for _, program := range peers {
		n, _ := treeSize(filepath.Join(p.repo, program))
		text += fmt.Sprintf(", %s %.1f MB", program, float64(n)/1e6)
	}
	b.notes = append(b.notes, text+".")
}

// many measures a folder of very many files.
func (b *bench) many() error {
	src := filepath.Join(b.work, "many")
	n := b.options.many
	fmt.Printf("making %d files in one folder\n", n)
	if err := manyFiles(src, 0, n); err != nil {
		return err
	}
	p := b.programs("many", src)
	for _, program := range peers {
		if err := p.fresh(program)(); err != nil {
			return err
		}
		if err := p.quietly(program, p.backup(program).args); err != nil {
			return err
		}
	}
	if err := b.compare(fmt.Sprintf("nothing changed, %d files in one folder", n), false, "below 5 s and 300 MB", each(p.backup)...); err != nil {
		return err
	}
	return b.fifty(p, n)
}

// fifty notes what 50 new photos among very many cost.
func (b *bench) fifty(p *programs, n int) error {
	before := make(map[string]int64)
	for _, program := range peers {
		before[program], _ = treeSize(filepath.Join(p.repo, program))
	}
	if err := manyFiles(p.src, n, 50); err != nil {
		return err
	}
	text := fmt.Sprintf("50 new files of %d bytes among %d made the repositories grow by", len("picture number 200000"), n)
	for _, program := range peers {
		if err := p.quietly(program, p.backup(program).args); err != nil {
			return err
		}
		after, _ := treeSize(filepath.Join(p.repo, program))
		text += fmt.Sprintf(" %s %.1f kB,", program, float64(after-before[program])/1e3)
	}
	b.notes = append(b.notes, strings.TrimSuffix(text, ",")+" (all objects, wanted: below 300 kB).")
	return nil
}
