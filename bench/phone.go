package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"shoebox/device/adb/adbtest"
	"shoebox/snapshot/photo/phototest"
)

// link is the cable to the simulated phone.
type link struct {
	trip time.Duration // there and back
	rate int64         // bytes per second; 0 is unbounded
	few  int           // one of so many files is enough, as it takes long
}

// Programs of the phone's rows. The first reads as a backup does, and checks lengths; the second also writes to a folder, as adb does;
// the third is the whole backup, cut, hashed, sealed and safe on the disk.
const (
	pullRead    = "shoebox, read"
	pullWritten = "shoebox, to a folder"
	pullSaved   = "shoebox backup"
	adbPull     = "adb pull -a"
)

// load is what lies on the phone.
type load struct {
	what   string
	count  int
	size   int // of a file, in bytes, about
	goals  func(l link) []goal
	folder string
}

func (b *bench) phone() error {
	server, err := adbtest.StartServer(b.ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	b.note("The phone is simulated on the same cores, behind the real adb server. Where its tar is asked by `adb shell -T`, it has no exec: service for `adb exec-out`; the shell frames the same bytes.")
	small := load{"small", b.options.phone, 200_000, func(l link) []goal { return pullGoals(4, 8, l) }, "phone-small"}
	large := load{"large", b.options.large, 4_000_000, func(l link) []goal { return pullGoals(1.5, 1.5, l) }, "phone-large"}
	for _, on := range []load{small, large} {
		links := []link{{}, {trip: time.Millisecond}, {trip: 5 * time.Millisecond}, {rate: 40_000_000, few: 8}}
		if on.what == "large" {
			links = []link{{}, {trip: time.Millisecond, few: 4}, {trip: 5 * time.Millisecond, few: 4}, {rate: 40_000_000, few: 8}}
		}
		for _, l := range links {
			if err := b.phoneRow(server, on, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// pullGoals are for both what is read and what is saved: it is for the reader to choose. far is what is wanted at 5 ms.
func pullGoals(least, far float64, l link) []goal {
	switch {
	case l.rate > 0:
		full := within(linkFull(l), 0, 1.1)
		return []goal{full.by(pullRead), full.by(pullSaved)}
	case l.trip >= 5*time.Millisecond:
		least = far
	}
	g := faster(adbPull, least, 0)
	return []goal{g.by(pullRead), g.by(pullSaved)}
}

func linkFull(l link) string { return fmt.Sprintf("floor: %d MB/s, by arithmetic", l.rate/1e6) }

// make fills a folder of this computer, which the phone then shows.
func (on load) make(dir string, count int, seed uint64) (bytes int64, err error) {
	if err := remake(filepath.Join(dir, "DCIM", "Camera")); err != nil {
		return 0, err
	}
	rng := phototest.Rand(seed)
	for i := range count {
		data := phototest.JPEG(rng, phototest.Picture{Bytes: on.size*3/4 + rng.IntN(on.size/2)})
		bytes += int64(len(data))
		if err := os.WriteFile(filepath.Join(dir, "DCIM", "Camera", fmt.Sprintf("IMG_%05d.jpg", i)), data, 0o644); err != nil {
			return 0, err
		}
	}
	return bytes, nil
}

func (b *bench) phoneRow(server *adbtest.Server, on load, l link) (err error) {
	dir := filepath.Join(b.work, on.folder)
	count := max(on.count/max(l.few, 1), 1)
	bytes, err := on.make(dir, count, b.options.seed)
	if err != nil {
		return err
	}
	daemon := adbtest.New(adbtest.Config{Storage: adbtest.DirTree(dir), Delay: l.trip / 2, Rate: l.rate})
	defer daemon.Close()
	phone, err := adbtest.Listen(daemon, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer phone.Close()
	serial, err := server.Connect(b.ctx, phone)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Disconnect(context.WithoutCancel(b.ctx), serial)) }()
	what := fmt.Sprintf("%d %s files (%.0f MB) from the phone, round trip %v", count, on.what, float64(bytes)/1e6, l.trip)
	if l.rate > 0 {
		what += fmt.Sprintf(", at most %d MB/s", l.rate/1e6)
	}
	if err := b.pulls(server, serial, dir, row{Work: what, Goals: on.goals(l)}, linkTime(l, bytes)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// linkTime is what the bytes take on a full link; without a bound there is none.
func linkTime(l link, bytes int64) []result {
	if l.rate == 0 {
		return nil
	}
	return []result{{Program: linkFull(l), Values: []float64{float64(bytes) / float64(l.rate)}}}
}

// pulls adds a row with all ways to get a phone's files. Each that leaves files has them compared; the backup is restored, once.
func (b *bench) pulls(server *adbtest.Server, serial, dir string, r row, more []result) error {
	p := b.programs("phone", "phone:")
	p.more = append(server.Environ(), p.env("shoebox")...)
	out := filepath.Join(b.work, "pulled")
	pulled := func(c command) command {
		c.before = func() error { return remake(out) }
		c.after = func() error {
			return errors.Join(sameFiles(b.ctx, filepath.Join(dir, "DCIM"), filepath.Join(out, "DCIM")), os.RemoveAll(out))
		}
		return c
	}
	saved := p.backup("shoebox")
	saved.program, saved.before = pullSaved, p.fresh("shoebox")
	tar := b.tarFrom(server, serial, out)
	commands := []command{{program: pullRead, args: []string{b.self, "-pull", server.Addr(), "-work", ""}},
		pulled(command{program: pullWritten, args: []string{b.self, "-pull", server.Addr(), "-work", out}}), saved,
		pulled(command{program: adbPull, args: []string{"adb", "-s", serial, "pull", "-a", "/sdcard/DCIM", out}, env: server.Environ()}), pulled(tar)}
	if err := b.compareWith(r, more, commands...); err != nil {
		return err
	}
	p.src = dir
	return errors.Join(p.verify("shoebox"), os.RemoveAll(p.root))
}

// tarFrom lets the phone's tar send everything at once. A simulated phone that has no exec: service is asked through its shell, which
// frames the same bytes.
func (b *bench) tarFrom(server *adbtest.Server, serial, out string) command {
	ask := exec.CommandContext(b.ctx, "adb", "-s", serial, "exec-out", "true")
	ask.Env = append(os.Environ(), server.Environ()...)
	how, name := "exec-out", "adb exec-out tar"
	if err := ask.Run(); err != nil {
		how, name = "shell -T", "adb shell -T tar"
	}
	return shell(name, fmt.Sprintf("adb -s '%s' %s tar -C /sdcard -cf - DCIM | tar -xf - -C '%s'", serial, how, out), server.Environ()...)
}
