package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// prune measures letting go of the older half of the snapshots, which alone hold half of the roll. Every second file of it goes,
// in order of path and by bytes, so that nearly every pack is half dead: the hard case.
func (b *bench) prune() error {
	l, err := b.lived()
	if err != nil {
		return err
	}
	count, err := l.snapshots()
	if err != nil {
		return err
	}
	if err := errors.Join(l.halve(count), l.keepLatest(count)); err != nil {
		return err
	}
	moved, err := l.bytesMoved(count)
	if err != nil {
		return err
	}
	left := make(map[string]int64)
	scratch := b.programs("pruned", l.src)
	commands := each(func(program string) command {
		c := scratch.forget(program, count)
		c.before = func() error { return l.copyTo(scratch, program) }
		c.after = func() error { return scratch.pruned(program, left) }
		return c
	})
	err = b.compare(row{Work: fmt.Sprintf("forget %d of %d snapshots and prune: half of the bytes", count, 2*count),
		Goals: []goal{faster("restic", 4, 0), faster("borg", 1.5, 0), faster("kopia", 1, 0), within(floorMove, 0, 1.3)},
		Note:  fmt.Sprintf("shoebox wrote %.0f MB anew; each works on a fresh copy of the same repository, at its own measure of how much dead room it leaves", float64(moved)/1e6),
	}, append(commands, l.floorMove(moved))...)
	if err != nil {
		return err
	}
	if err := b.sizes("before the prune", l.programs); err != nil {
		return err
	}
	b.note("Sizes after the prune: %s.", listed(peers[:], left))
	return os.RemoveAll(scratch.root)
}

// pruned notes what is left, has the first copy of each program give everything back, and makes room for the next.
func (p *programs) pruned(program string, left map[string]int64) (err error) {
	if _, seen := left[program]; !seen {
		if left[program], err = treeSize(p.repo(program)); err != nil {
			return err
		}
		if err := p.verify(program); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(p.repo(program)), os.RemoveAll(p.home(program)))
}

// snapshots are how many shoebox has.
func (p *programs) snapshots() (int, error) {
	files, err := os.ReadDir(filepath.Join(p.repo("shoebox"), "snapshots"))
	return len(files), err
}

// halve removes half of the roll and takes as many snapshots as there are.
func (l *life) halve(count int) error {
	if err := l.roll.halve(); err != nil {
		return err
	}
	for range count {
		for _, program := range peers {
			args := l.backup(program).args
			if program == "shoebox" {
				args = append(args, "--brake-share", "off")
			}
			if err := l.quietly(program, args); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget lets go of the older half of the snapshots, and of what only they hold.
func (p *programs) forget(program string, count int) command {
	switch program {
	case "restic":
		return p.command(program, "restic", "forget", "-q", "--keep-last", fmt.Sprint(count), "--prune")
	case "borg":
		return shell(program, fmt.Sprintf("borg prune --keep-last %d && borg compact", count), p.env(program)...)
	case "kopia":
		return p.forgetKopia()
	}
	var old []string
	for i := range count {
		old = append(old, fmt.Sprintf("latest~%d", count+i))
	}
	return p.command(program, append([]string{p.b.shoebox, "forget", "-q", "--last-copies", "--yes", "--prune"}, old...)...)
}

// copyTo copies a program's repository and home: borg's and shoebox's caches know what the repository was last, and kopia's home where it is.
func (p *programs) copyTo(to *programs, program string) error {
	for _, dir := range [][2]string{{p.repo(program), to.repo(program)}, {p.home(program), to.home(program)}} {
		if err := p.b.copyTree(dir[0], dir[1]); err != nil {
			return err
		}
	}
	if program == "kopia" {
		return to.reconnect()
	}
	return nil
}

// copyTree replaces one folder with a copy of another.
func (b *bench) copyTree(from, to string) error {
	if err := remake(to); err != nil {
		return err
	}
	if out, err := exec.CommandContext(b.ctx, "cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}

// bytesMoved is how much a prune of shoebox's writes into new packs.
func (l *life) bytesMoved(count int) (moved int64, err error) {
	once := l.b.programs("moved", l.src)
	if err := l.copyTo(once, "shoebox"); err != nil {
		return 0, err
	}
	before, err := sizesByPath(filepath.Join(once.repo("shoebox"), "packs"))
	if err != nil {
		return 0, err
	}
	if err := once.quietly("shoebox", once.forget("shoebox", count).args); err != nil {
		return 0, err
	}
	after, err := sizesByPath(filepath.Join(once.repo("shoebox"), "packs"))
	for path, n := range after {
		if _, old := before[path]; !old {
			moved += n
		}
	}
	return moved, errors.Join(err, os.RemoveAll(once.root))
}

func sizesByPath(dir string) (map[string]int64, error) {
	sizes := make(map[string]int64)
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !strings.HasPrefix(info.Name(), ".") {
			sizes[path] = info.Size()
		}
		return err
	})
	return sizes, err
}
