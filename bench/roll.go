package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// life is the camera roll and what the programs have saved of it.
type life struct {
	*programs
	roll  *roll
	saved bool // each program has a snapshot of it as it is
}

// Names of programs in rows.
const (
	copied       = "cp -a"
	copiedSync   = "cp -a, synced"
	floorRead    = "floor: read with O_DIRECT"
	floorCopy    = "floor: read and write with O_DIRECT"
	floorSeal    = "floor: read, hash three times, seal and write with O_DIRECT"
	floorProtect = "floor: the same, and parity"
	floorGive    = "floor: read, open, hash twice, and write each file safely"
	floorMove    = "floor: read, write and read back what moved, and delete what it came from"
	floorFind    = "find -printf"
	floorStart   = "floor: start of a process"
	floorKey     = "floor: start of a process, and scrypt"
)

// rolled makes the camera roll when it is first needed.
func (b *bench) rolled() (*life, error) {
	if b.life != nil {
		return b.life, nil
	}
	src := filepath.Join(b.work, "roll")
	fmt.Printf("making a camera roll of %.1f GB\n", b.options.size)
	r, err := makeRoll(src, int64(b.options.size*1e9), b.options.seed)
	if err != nil {
		return nil, err
	}
	b.life = &life{programs: b.programs("roll", src), roll: r}
	return b.life, nil
}

// lived has a snapshot of the roll with each program.
func (b *bench) lived() (*life, error) {
	l, err := b.rolled()
	if err != nil || l.saved {
		return l, err
	}
	l.saved = true
	return l, l.prepare()
}

// first measures the first backup.
func (b *bench) first() error {
	l, err := b.rolled()
	if err != nil {
		return err
	}
	commands := each(func(program string) command {
		c := l.backup(program)
		c.before, c.reads = l.fresh(program), []string{l.src}
		return c
	})
	commands = append(commands, b.copies(l.src)...)
	to := filepath.Join(b.work, "tar")
	tar := shell("tar to a file, synced", fmt.Sprintf("mkdir '%[2]s' && tar -cf '%[2]s/roll.tar' -C '%[1]s' . && sync -f '%[2]s'", l.src, to))
	tar.reads = []string{l.src}
	tar.before = func() error { return os.RemoveAll(to) }
	tar.after = tar.before
	commands = append(commands, tar, b.floorRead(l.src), b.floorCopy(l.src), b.floorSeal(l.src), b.floorProtect(l.src))
	l.saved = true
	err = b.compare(row{Work: fmt.Sprintf("first backup of %g GB", b.options.size), Cold: true, Goals: []goal{
		faster("restic", 3.5, 5), faster("borg", 2.5, 0), faster("kopia", 1, 0), faster(copied, 1.8, 2.5), faster(copiedSync, 1.8, 2.5), within(floorCopy, 0, 1.3), within(floorSeal, 0, 0), within(floorProtect, 0, 0), memoryOf(150),
	}, Note: "shoebox, borg and restic wait for the disk, kopia and cp do not; synced says that sync is waited for"}, commands...)
	if err != nil {
		return err
	}
	return b.sizes("after the first backup", l.programs)
}

// copies copy a folder as plainly as it goes, without and with waiting for the disk.
func (b *bench) copies(src string) []command {
	to := filepath.Join(b.work, "copy")
	gone := func() error { return os.RemoveAll(to) }
	same := func() error { return sameFiles(b.ctx, src, to) }
	plain := command{program: copied, args: []string{"cp", "-a", src, to}, before: gone}
	synced := shell(copiedSync, fmt.Sprintf("cp -a '%s' '%s' && sync -f '%s'", src, to, to))
	synced.before = gone
	for _, c := range []*command{&plain, &synced} {
		c.reads = []string{src}
		c.after = func() error {
			if err := same(); err != nil {
				return err
			}
			return gone()
		}
	}
	return []command{plain, synced}
}

// same measures a backup of a roll in which nothing changed.
func (b *bench) same() error {
	l, err := b.lived()
	if err != nil {
		return err
	}
	return b.compare(row{Warm: true, Work: fmt.Sprintf("nothing changed, %d files, key file", l.roll.n), Goals: []goal{faster("borg", 6, 0), faster("restic", 9, 0), faster("kopia", 1, 0), atMost(0, 0.05)}},
		append(each(l.backup), find(l.src), b.start())...)
}

// everything measures giving the whole roll back.
func (b *bench) everything() error {
	l, err := b.lived()
	if err != nil {
		return err
	}
	commands, err := l.restores("")
	if err != nil {
		return err
	}
	commands = append(commands, b.copies(l.src)...)
	return b.compare(row{Work: "restore everything", Cold: true, Goals: []goal{
		faster("restic", 1.7, 0), faster("borg", 2.7, 0), faster("kopia", 1, 0), faster(copied, 1.5, 2), faster(copiedSync, 1.5, 2), within(floorCopy, 0, 0), within(floorGive, 0, 0),
	}, Note: "shoebox waits for the disk, restic, borg, kopia and cp do not; every file is compared"}, append(commands, b.floorCopy(l.src), b.floorGive(l.src))...)
}

// night measures nights that are all different: each program sees the same ones.
func (b *bench) night() error {
	l, err := b.lived()
	if err != nil {
		return err
	}
	commands := each(l.backup)
	commands[0].before = l.roll.night
	tonight := filepath.Join(b.work, "tonight")
	if err := os.MkdirAll(tonight, 0o755); err != nil {
		return err
	}
	commands[0].before = func() error {
		if err := l.roll.night(); err != nil {
			return err
		}
		return l.roll.linkNight(tonight)
	}
	err = b.compare(row{Work: "a night: 40 new, 10 retagged, 5 moved, 10 gone", Goals: []goal{faster("borg", 2.5, 0), faster("restic", 3, 0), faster("kopia", 1, 0), within(floorCopy, 0, 1.3)},
		Note: "the floor reads and writes the new and the retagged pictures alone"}, append(commands, b.floorCopy(tonight))...)
	if err != nil {
		return err
	}
	return b.sizes("after the nights", l.programs)
}

// check measures reading every byte of the repositories.
func (b *bench) check() error {
	l, err := b.lived()
	if err != nil {
		return err
	}
	packs := filepath.Join(l.repo("shoebox"), "packs")
	sums := shell("b3sum of the packs", fmt.Sprintf("find '%s' -type f -print0 | xargs -0 b3sum", packs))
	commands := []command{l.command("shoebox", b.shoebox, "check", "--read-data"), l.command("restic", "restic", "check", "--read-data"),
		l.command("borg", "borg", "check", "--verify-data"), l.command("kopia", b.kopia, "snapshot", "verify", "--verify-files-percent=100")}
	for i, program := range peers {
		commands[i].reads = l.kept(program)
	}
	plain := shell("plain reading of the packs", fmt.Sprintf("find '%s' -type f -print0 | xargs -0 cat >/dev/null", packs))
	sums.reads, plain.reads = []string{packs}, []string{packs}
	commands = append(commands, sums, plain, b.floorRead(l.repo("shoebox")))
	return b.compare(row{Work: "check, reading every byte", Cold: true, Goals: []goal{faster("restic", 1.5, 0), faster("borg", 3, 0), faster("kopia", 1, 0), within(floorRead, 0, 1.1)}}, commands...)
}

// sizes notes how large the repositories are.
func (b *bench) sizes(when string, p *programs) error {
	src, err := treeSize(p.src)
	if err != nil {
		return err
	}
	sizes := map[string]int64{"source": src}
	for _, program := range peers {
		if sizes[program], err = treeSize(p.repo(program)); err != nil {
			return err
		}
	}
	b.note("Sizes %s: %s.", when, listed(append([]string{"source"}, peers[:]...), sizes))
	return nil
}

// listed says how many MB each name has.
func listed(names []string, sizes map[string]int64) string {
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf("%s %.1f MB", name, float64(sizes[name])/1e6))
	}
	return strings.Join(all, ", ")
}
