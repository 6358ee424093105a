package main

import (
	"fmt"
	"path/filepath"
)

// history measures looking at many snapshots of many photos. The others take a fifth of the snapshots, as they would take
// minutes: that favours them.
func (b *bench) history() error {
	nights, photos := b.options.nights, b.options.photos
	fmt.Printf("making %d snapshots of %d pictures\n", nights, photos)
	c := newCrowd(filepath.Join(b.work, "history"), 200, 300, b.options.seed)
	p := b.programs("history", c.dir)
	if err := c.grow(photos); err != nil {
		return err
	}
	if err := p.prepare(); err != nil {
		return err
	}
	fewer := max(nights/5, 1)
	for night := 1; night < nights; night++ {
		if err := c.grow(10); err != nil {
			return err
		}
		if err := c.remove(night * 3); err != nil {
			return err
		}
		for _, program := range peers {
			if program != "shoebox" && night >= fewer {
				continue
			}
			if err := p.quietly(program, p.backup(program).args); err != nil {
				return err
			}
		}
	}
	if err := b.look(p, fmt.Sprintf("%d snapshots of %d photos", nights, photos), fmt.Sprintf("the others have %d snapshots only", fewer), filepath.Base(c.path(photos/2))); err != nil {
		return err
	}
	return p.gone(c.dir)
}

// look lists snapshots, lists one, and finds a picture in all.
func (b *bench) look(p *programs, what, note, photo string) error {
	archive, err := p.lastArchive()
	if err != nil {
		return err
	}
	root, err := p.lastRoot()
	if err != nil {
		return err
	}
	list := p.command("borg", "borg", "list")
	named := list
	named.program = "borg list"
	err = b.compare(row{Warm: true, Work: "snapshots: " + what, Note: note, Goals: []goal{faster("borg", 4, 0), faster("kopia", 1, 0), atMost(0, 0.05)}},
		p.command("shoebox", b.shoebox, "snapshots"), p.command("restic", "restic", "snapshots"), list, p.command("kopia", b.kopia, "snapshot", "list"), b.start())
	if err != nil {
		return err
	}
	err = b.compare(row{Warm: true, Work: "ls of the last: " + what, Note: note, Goals: []goal{faster("borg list", 4, 0), faster("borg", 4, 0), faster("kopia", 1, 0), atMost(0, 0.05)}},
		p.command("shoebox", b.shoebox, "ls", "latest"), p.command("restic", "restic", "ls", "latest"), p.command("borg", "borg", "list", "::"+archive), named,
		p.command("kopia", b.kopia, "ls", "-r", "-l", root), b.start())
	if err != nil {
		return err
	}
	return b.compare(row{Warm: true, Work: "find of one photo by name: " + what, Note: note + "; borg and kopia have no find", Goals: []goal{faster("borg list", 4, 0), faster("restic", 4, 0), atMost(0, 0.05)}},
		p.command("shoebox", b.shoebox, "find", photo), p.command("restic", "restic", "find", photo), named, b.start())
}
