package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"shoebox/device"
	"shoebox/snapshot"
)

// destination is where a restore writes.
type destination struct {
	snapshot.Target
	name    string
	writers int             // files written at once; 0 for as many as suit a folder
	unseen  func() []string // what was written and is not shown there, once all is flushed
	close   func()
}

// phoneWriters write to a phone at once: one sends while the phone hashes what others sent.
const phoneWriters = 3

func (p *program) destination(ctx context.Context, target, serial string, policy snapshot.Overwrite, dryRun bool) (*destination, error) {
	if isPhone(target) {
		return p.phoneDestination(ctx, strings.TrimPrefix(target, phonePrefix), serial, policy)
	}
	target, err := filepath.Abs(target)
	if err != nil {
		return nil, fmt.Errorf("find the folder %s: %w", target, err)
	}
	to, done, err := openTarget(target, policy, dryRun)
	return &destination{Target: to, name: target, unseen: func() []string { return nil }, close: done}, err
}

func (p *program) phoneDestination(ctx context.Context, arg, serial string, policy snapshot.Overwrite) (*destination, error) {
	phone, name, folders, err := p.openPhone(ctx, backupFlags{serial: serial}, arg, nil)
	if err != nil {
		return nil, err
	}
	if len(folders) > 0 {
		_ = phone.Close() // nothing was asked of it
		return nil, fmt.Errorf("%s%s: files go back to where they were on the phone; give the phone's name alone", phonePrefix, arg)
	}
	home, err := phone.Home(ctx, device.HomeOptions{Replace: policy != snapshot.Never, Log: func(line string) { p.tell("%s", line) }})
	if err != nil {
		_ = phone.Close()
		return nil, err
	}
	return &destination{Target: home, name: name, writers: phoneWriters, unseen: home.Unseen, close: func() { _ = phone.Close() }}, nil // everything was flushed
}

// openTarget opens the folder to restore to, and makes it when it is missing. A dry run makes none: it looks at an empty one
// instead. done takes a folder that was made away again if nothing came into it.
func openTarget(path string, policy snapshot.Overwrite, dryRun bool) (to *device.Dir, done func(), err error) {
	made := ""
	if !folderExists(path) {
		if dryRun {
			path, err = os.MkdirTemp("", "shoebox")
		} else {
			err = os.MkdirAll(path, 0o755)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("make the folder to restore to: %w", err)
		}
		made = path
	}
	if to, err = device.NewDir(path, device.DirOptions{Replace: policy != snapshot.Never}); err != nil {
		return nil, nil, fmt.Errorf("open the folder to restore to: %w", err)
	}
	return to, func() {
		_ = to.Close() // everything was flushed
		if made != "" {
			_ = os.Remove(made) // fails where something is in it, as it should
		}
	}, nil
}
