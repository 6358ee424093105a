package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// many measures nights in which nothing changed, with very many files in many folders, read before and so in the page cache.
func (b *bench) many() error {
	n := b.options.many
	fmt.Printf("making %d files\n", n)
	c := newCrowd(filepath.Join(b.work, "many"), 100, 10_000, b.options.seed)
	if err := c.grow(n); err != nil {
		return err
	}
	p := b.programs("many", c.dir)
	if err := p.prepare(); err != nil {
		return err
	}
	err := b.compare(row{Warm: true, Work: fmt.Sprintf("nothing changed, %d files of 10 kB in %d folders", n, (n+99)/100), Goals: []goal{faster("restic", 5, 0), faster("borg", 10, 0), faster("kopia", 1, 0), within(floorFind, 0, 2)}},
		append(each(p.backup), find(c.dir))...)
	if err != nil {
		return err
	}
	return p.gone(c.dir)
}

// gone removes the repositories and the source.
func (p *programs) gone(src string) error {
	if err := os.RemoveAll(p.root); err != nil {
		return err
	}
	return os.RemoveAll(src)
}

// fifty measures what 50 new photos among very many make the repositories grow by.
func (b *bench) fifty() error {
	n := b.options.crowd
	fmt.Printf("making %d pictures\n", n)
	c := newCrowd(filepath.Join(b.work, "crowd"), 0, 300, b.options.seed)
	if err := c.grow(n); err != nil {
		return err
	}
	p := b.programs("crowd", c.dir)
	p.some = peers[:2]
	if err := p.prepare(); err != nil {
		return err
	}
	before := c.bytes
	grown, err := p.growth(func() error { return c.grow(50) })
	if err != nil {
		return err
	}
	r := row{Work: fmt.Sprintf("50 photos more on %d in one folder: metadata written", n), Unit: "kB", Goals: []goal{atMost(200, 0)},
		Note: "everything the repository grew by, parity and second copies too, less the bytes of the 50 files; borg, which takes minutes, and kopia are left out"}
	for i, one := range grown {
		r.Results = append(r.Results, result{Program: p.some[i], Values: []float64{float64(one-(c.bytes-before)) / 1e3}})
	}
	if err := b.add(r); err != nil {
		return err
	}
	return p.gone(c.dir)
}

// growth is how many bytes each program's repository grows by when something changes and a snapshot is taken.
func (p *programs) growth(change func() error) (grown []int64, err error) {
	for _, program := range p.all() {
		n, err := treeSize(p.repo(program))
		if err != nil {
			return nil, err
		}
		grown = append(grown, -n)
	}
	if err := change(); err != nil {
		return nil, err
	}
	if err := p.backupAll(); err != nil {
		return nil, err
	}
	for i, program := range p.all() {
		n, err := treeSize(p.repo(program))
		if err != nil {
			return nil, err
		}
		grown[i] += n
	}
	return grown, nil
}

// retag measures what new tags in large photos make the repositories grow by.
func (b *bench) retag() error {
	r := &roll{dir: filepath.Join(b.work, "retag"), rng: newCrowd("", 0, 0, b.options.seed).rng, at: rollStart}
	for range b.options.retags {
		if _, err := r.photoOf(5_000_000); err != nil {
			return err
		}
	}
	p := b.programs("retag", r.dir)
	if err := p.prepare(); err != nil {
		return err
	}
	grown, err := p.growth(r.retagAll)
	if err != nil {
		return err
	}
	one := row{Work: fmt.Sprintf("%d retagged JPEGs of 5 MB: stored", len(r.made)), Unit: "MB", Goals: []goal{atMost(10, 0)}, Note: "everything the repository grew by; each program gave them back, compared"}
	for i, n := range grown {
		one.Results = append(one.Results, result{Program: peers[i], Values: []float64{float64(n) / 1e6}})
		if err := p.verify(peers[i]); err != nil {
			return err
		}
	}
	if err := b.add(one); err != nil {
		return err
	}
	return p.gone(r.dir)
}

// million measures a night in which nothing changed among a million files: the memory it takes.
func (b *bench) million() error {
	n := b.options.million
	fmt.Printf("making %d pictures\n", n)
	c := newCrowd(filepath.Join(b.work, "million"), 1000, 300, b.options.seed)
	if err := c.grow(n); err != nil {
		return err
	}
	p := b.programs("million", c.dir)
	if err := p.fresh("shoebox")(); err != nil {
		return err
	}
	if err := p.quietly("shoebox", p.backup("shoebox").args); err != nil {
		return err
	}
	err := b.compare(row{Warm: true, Work: fmt.Sprintf("nothing changed, %d files", n), Goals: []goal{memoryOf(300), within(floorFind, 0, 2)}}, p.backup("shoebox"), find(c.dir))
	if err != nil {
		return err
	}
	return p.gone(c.dir)
}

// tookMemory is how the proof of class 19 tells what a process took.
var tookMemory = regexp.MustCompile(`: (fill|prune-chunks) of (\d+): (\d+) MiB of `)

// chunks takes the memory that ten million chunks need from the proof that makes them.
func (b *bench) chunks() error {
	c := exec.CommandContext(b.ctx, "go", "test", "-count=1", "-v", "-timeout", "4h", "-run", "^TestClass19_Memory$/^chunks,_every_pack_sparse$", "./bench/proof")
	c.Env = append(os.Environ(), "SHOEBOX_LONG=1")
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("the proof of class 19: %w: %s", err, out)
	}
	found := tookMemory.FindAllStringSubmatch(string(out), -1)
	if len(found) == 0 {
		return fmt.Errorf("the proof of class 19 told of no memory: %s", out)
	}
	r := row{Unit: "MB of memory", Note: "as the proof of class 19 measures it, once, each in a process of its own"}
	for _, f := range found {
		mib, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			return err
		}
		r.Work = f[2] + " chunks: peak memory"
		r.Results = append(r.Results, result{Program: f[1], Values: []float64{mib * 1.048576}, Memory: int64(mib) << 20})
		goal := memoryOf(400)
		r.Goals = append(r.Goals, goal.by(f[1]))
	}
	return b.add(r)
}
