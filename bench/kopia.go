package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// kopia is built from source, as Debian has no package of it.
const (
	kopiaModule  = "github.com/kopia/kopia"
	kopiaVersion = "v0.22.3"
)

// buildKopia builds it when it is first needed, in its own module: it is no part of ours.
func (b *bench) buildKopia() error {
	if _, err := os.Stat(b.kopia); err == nil {
		return nil
	}
	fmt.Println("building kopia", kopiaVersion)
	out, err := exec.CommandContext(b.ctx, "go", "mod", "download", "-json", kopiaModule+"@"+kopiaVersion).Output()
	var module struct{ Dir string }
	if err := errors.Join(err, json.Unmarshal(out, &module)); err != nil {
		return fmt.Errorf("download kopia: %w: %s", err, out)
	}
	build := exec.CommandContext(b.ctx, "go", "build", "-o", b.kopia, ".")
	build.Dir = module.Dir
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build kopia: %w: %s", err, out)
	}
	return nil
}

// freshKopia makes a repository that keeps every snapshot.
func (p *programs) freshKopia() error {
	if err := p.b.buildKopia(); err != nil {
		return err
	}
	return errors.Join(p.quietly("kopia", []string{p.b.kopia, "repository", "create", "filesystem", "--path", p.repo("kopia")}), p.keepLatest(1e6))
}

// keepLatest says how many snapshots kopia keeps. By itself it keeps the last ten, and one of each hour, day, week, month and year.
func (p *programs) keepLatest(count int) error {
	args := []string{p.b.kopia, "policy", "set", "--global", "--keep-latest", fmt.Sprint(count)}
	for _, span := range []string{"hourly", "daily", "weekly", "monthly", "annual"} {
		args = append(args, "--keep-"+span, "0")
	}
	return p.quietly("kopia", args)
}

// reconnect tells kopia, which notes where its repository is, of the place of a copy.
func (p *programs) reconnect() error {
	return p.quietly("kopia", []string{p.b.kopia, "repository", "connect", "filesystem", "--path", p.repo("kopia")})
}

// lastRoot is what kopia calls the folder of its newest snapshot.
func (p *programs) lastRoot() (string, error) {
	out, err := p.ask("kopia", p.b.kopia, "snapshot", "list", "--json")
	if err != nil {
		return "", err
	}
	var all []struct {
		Root struct {
			Object string `json:"obj"`
		} `json:"rootEntry"`
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return "", fmt.Errorf("read what kopia says of its snapshots: %w", err)
	}
	if len(all) == 0 {
		return "", errors.New("kopia told of no snapshot")
	}
	return all[len(all)-1].Root.Object, nil
}

// forgetKopia lets go of the snapshots that its policy does not keep, and at once of what only they hold: left to itself kopia waits for days.
// The first maintenance notes what is unused, and only the second writes anew what shares a pack with it.
func (p *programs) forgetKopia() command {
	maintain := p.b.kopia + " maintenance run --full --safety=none"
	return shell("kopia", fmt.Sprintf("%s snapshot expire --all --delete && %s && %s", p.b.kopia, maintain, maintain), p.env("kopia")...)
}
