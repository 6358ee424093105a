package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
)

// floorMove is the least that a prune needs: as many bytes as it moves read, written, made safe and read once more, and then everything deleted that
// they came from.
func (l *life) floorMove(moved int64) command {
	packs := filepath.Join(l.b.work, "packs")
	c := l.b.floorTo(floorMove, "move", packs)
	c.args = append(c.args, fmt.Sprint(moved))
	empty := c.before
	c.before = func() error {
		if err := empty(); err != nil {
			return err
		}
		return l.b.copyTree(filepath.Join(l.repo("shoebox"), "packs"), packs)
	}
	return c
}

// moveOut reads the first bytes of the files in a folder, writes them to another in files of 16 MiB, each safe and read back before the next, and
// deletes the folder.
func moveOut(dir, to, bytes string) error {
	moved, err := strconv.ParseInt(bytes, 10, 64)
	if err != nil {
		return err
	}
	var names atomic.Int64
	err = severalAtOnce(floorDepth, func(take func([]span) error) error { return spans(dir, moved, take) },
		func(batch []span, buf []byte) error {
			path := filepath.Join(to, fmt.Sprint(names.Add(1)))
			n, err := carry(batch, buf, path, nil)
			if err != nil {
				return err
			}
			return span{path: path, n: n}.read(buf[:n])
		})
	if err != nil {
		return err
	}
	if err := syncDir(to); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
