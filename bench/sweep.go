package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/garbage"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// sizes are what a sweep changes; 0 stands for what shoebox does. Packs are in MiB.
type sizes struct{ pack, meta, uploads, memory, workers, ahead, restorers int }

func (s sizes) String() string {
	return fmt.Sprintf("-pack=%d -meta=%d -uploads=%d -memory=%d -workers=%d -ahead=%d -restorers=%d", s.pack, s.meta, s.uploads, s.memory, s.workers, s.ahead, s.restorers)
}

// sweep measures the same work with other sizes, each beside what shoebox does: the tables in docs/decisions/0014-sizes.md.
func (b *bench) sweep() error {
	l, err := b.rolled()
	if err != nil {
		return err
	}
	for _, s := range []struct {
		what     string
		variants []sizes
	}{
		{"largest data pack", []sizes{{pack: 9}, {pack: 12}, {pack: 24}, {pack: 32}, {pack: 64}}},
		{"largest meta pack", []sizes{{meta: 1}, {meta: 2}, {meta: 16}}},
		{"packs on their way at once", []sizes{{uploads: 1}, {uploads: 2}, {uploads: 8}}},
		{"of these in memory", []sizes{{memory: 2}, {memory: 4}}},
		{"files read at once", []sizes{{workers: 1}, {workers: 3}, {workers: 4}, {workers: 8}}},
		{"files opened ahead", []sizes{{ahead: 4}, {ahead: 128}}},
	} {
		if err := b.vary("first backup: "+s.what, s.variants, func(v sizes) command { return b.swept(v, "first", l.src) }); err != nil {
			return err
		}
	}
	once := b.swept(sizes{}, "first", l.src)
	if err := once.before(); err != nil {
		return err
	}
	if out, err := exec.CommandContext(b.ctx, once.args[0], once.args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("a repository to restore from: %w: %s", err, out)
	}
	return b.vary("restore: files written at once", []sizes{{restorers: 2}, {restorers: 4}, {restorers: 8}, {restorers: 20}},
		func(v sizes) command { return b.swept(v, "restore", l.src) })
}

func (b *bench) vary(what string, variants []sizes, commandOf func(sizes) command) error {
	var commands []command
	for _, v := range append([]sizes{{}}, variants...) {
		c := commandOf(v)
		c.program = v.name()
		commands = append(commands, c)
	}
	return b.compare(row{Work: fmt.Sprintf("%s, %g GB", what, b.options.size), Cold: true}, commands...)
}

// name tells what differs from what shoebox does.
func (s sizes) name() string {
	for _, one := range []struct {
		n    int
		unit string
	}{{s.pack, "MiB"}, {s.meta, "MiB"}, {s.uploads, ""}, {s.memory, ""}, {s.workers, ""}, {s.ahead, ""}, {s.restorers, ""}} {
		if one.n != 0 {
			return fmt.Sprint(one.n, " ", one.unit)
		}
	}
	return "as shoebox does"
}

// swept runs this program again, for one measurement.
func (b *bench) swept(s sizes, work, src string) command {
	to := filepath.Join(b.work, "swept")
	fresh, reads := to, src
	if work == "restore" {
		fresh, reads = to+"-back", to
	}
	return command{args: []string{b.self, "-sweep", s.String(), work, src, to}, reads: []string{reads}, before: func() error { return remake(fresh) }}
}

// runSweep does one piece of work with other sizes.
func runSweep(ctx context.Context, text string, args []string) error {
	garbage.Bound(garbage.Room)
	repo.MakeRoomToWait()
	s, err := parseSizes(text)
	if err != nil || len(args) != 3 {
		return errors.Join(err, fmt.Errorf("-sweep takes sizes, and then a work, a folder, and a repository: %q", args))
	}
	store, err := storage.OpenFolder(args[2])
	if err != nil {
		return err
	}
	switch args[0] {
	case "first":
		return s.first(ctx, store, args[1])
	case "restore":
		return s.restore(ctx, store, args[2]+"-back")
	}
	return fmt.Errorf("there is no work %q", args[0])
}

func parseSizes(text string) (s sizes, err error) {
	f := flag.NewFlagSet("sizes", flag.ContinueOnError)
	for name, to := range map[string]*int{"pack": &s.pack, "meta": &s.meta, "uploads": &s.uploads, "memory": &s.memory, "workers": &s.workers, "ahead": &s.ahead, "restorers": &s.restorers} {
		f.IntVar(to, name, 0, "")
	}
	return s, f.Parse(strings.Fields(text))
}

func (s sizes) first(ctx context.Context, store storage.Store, src string) error {
	lock, err := crypt.Passphrase(crypt.PublishedPassphrase, 1)
	if err != nil {
		return err
	}
	r, err := repo.Create(ctx, store, repo.Setup{Slots: map[string]crypt.Lock{"sweep": lock}, Parity: true}, repo.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	dir, err := device.NewDir(src, device.DirOptions{})
	if err != nil {
		return err
	}
	defer dir.Close()
	_, err = snapshot.Backup(ctx, r, dir, snapshot.BackupOptions{Device: snapshot.Device{Kind: "folder", ID: "swept"}, Workers: s.workers, Ahead: s.ahead,
		Batch: repo.BatchOptions{DataPack: s.pack << 20, MetaPack: s.meta << 20, Uploads: s.uploads, InMemory: s.memory}})
	return err
}

func (s sizes) restore(ctx context.Context, store storage.Store, to string) error {
	secret, err := crypt.PassphraseSecret(crypt.PublishedPassphrase)
	if err != nil {
		return err
	}
	r, err := repo.Open(ctx, store, []crypt.Secret{secret}, repo.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	all, _, err := snapshot.List(ctx, r)
	if err != nil || len(all) != 1 {
		return fmt.Errorf("%d snapshots in what was to be restored: %w", len(all), err)
	}
	dir, err := device.NewDir(to, device.DirOptions{})
	if err != nil {
		return err
	}
	defer dir.Close()
	done, err := snapshot.Restore(ctx, r, all[0], dir, snapshot.RestoreOptions{Workers: s.restorers})
	if err == nil && len(done.Failed) > 0 {
		err = fmt.Errorf("%d files did not come back", len(done.Failed))
	}
	return err
}
