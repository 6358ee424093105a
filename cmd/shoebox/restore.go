package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
)

func (p *program) restoreCommand() *cobra.Command {
	var c chooser
	var target, overwrite string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "restore SNAPSHOT[:PATH] [PATH...]",
		Short: "Give pictures back: one, some, or all of a snapshot",
		Long: `Give files of a snapshot back to a folder on this computer: one picture by its
path, a folder, what matches a pattern or was taken on a day, or everything.
Each file is written whole or not at all, checked against the hash it had on the
phone, and gets its time back. What is there already and differs stays as it is,
unless --overwrite says otherwise.`,
		Example: `  shoebox restore latest:DCIM/Camera/IMG_1.jpg --target ~/Desktop
  shoebox restore 2026-11-20 --taken 2024-08-12 --target ~/Desktop
  shoebox restore latest -i '*.mp4' --target /mnt/disk -n
  shoebox restore latest --target ~/Everything`,
		Args: words(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy := snapshot.Overwrite(overwrite)
			switch policy {
			case snapshot.Always, snapshot.IfChanged, snapshot.IfNewer, snapshot.Never:
			default:
				return fmt.Errorf("--overwrite %s: it is always, if-changed, if-newer or never", overwrite)
			}
			if target == "" {
				return errNoTarget
			}
			if err := c.compile(); err != nil {
				return err
			}
			r, s, path, err := p.one(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer p.close(r)
			c.addPaths(path, args[1:])
			return p.restore(cmd.Context(), r, s, &c, target, policy, dryRun)
		},
	}
	c.add(cmd)
	cmd.Flags().StringVarP(&target, "target", "t", "", "the `folder` to write to; it is made when it is not there")
	cmd.Flags().StringVar(&overwrite, "overwrite", string(snapshot.Never), "`what` to do with files that are there: always, if-changed, if-newer or never replace them")
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "say what would be written and write nothing")
	return cmd
}

func (p *program) restore(ctx context.Context, r *repo.Repo, s snapshot.Snapshot, c *chooser, target string, policy snapshot.Overwrite, dryRun bool) error {
	target, err := filepath.Abs(target)
	if err != nil {
		return fmt.Errorf("find the folder %s: %w", target, err)
	}
	to, done, err := openTarget(target, policy, dryRun)
	if err != nil {
		return err
	}
	defer done()
	progress := new(snapshot.Progress)
	start := p.now()
	var damaged atomic.Bool
	stop := p.watch("Restoring to", target, progress)
	did, err := snapshot.Restore(ctx, r, s, to, snapshot.RestoreOptions{Overwrite: policy, DryRun: dryRun, Progress: progress, Paths: c.paths,
		Select: func(e snapshot.Entry) bool { return p.pass(c, e) },
		Each: func(n snapshot.Notice) {
			if n.Err != nil && isDamage(n.Err) {
				damaged.Store(true)
			}
			p.restored(n)
		}})
	stop()
	if err != nil {
		return err
	}
	if progress.Found.Load() == 0 {
		return fmt.Errorf("nothing in snapshot %s fits; `shoebox ls %s` lists what is in it", short(s.Name), short(s.Name))
	}
	p.restoreSaid(s, did, target, dryRun, p.now().Sub(start))
	switch {
	case damaged.Load():
		return &exitError{exitDamage, fmt.Errorf("the repository is damaged: %s could not be restored, as said above\n`shoebox check --read-data` tells how far the damage goes",
			plural(int64(len(did.Failed)), "file"))}
	case len(did.Failed) > 0:
		p.tell("%s could not be restored, as said above.", plural(int64(len(did.Failed)), "file"))
		return &exitError{code: exitSome}
	case did.Kept > 0:
		return &exitError{code: exitSome}
	}
	return nil
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

// restored tells of one file: what failed always, the rest with -v.
func (p *program) restored(n snapshot.Notice) {
	path := device.Printable(n.File.Path)
	switch {
	case n.What == snapshot.Failed && p.flags.json:
		p.printJSONError(map[string]any{"message_type": "error", "error": map[string]string{"message": n.Err.Error()}, "during": "restore", "item": n.File.Path})
	case n.What == snapshot.Failed:
		p.complain("could not be restored: %s: %v", path, n.Err)
	case p.flags.verbose > 0:
		p.verboseFile(n, path)
	}
}

func (p *program) restoreSaid(s snapshot.Snapshot, did snapshot.Restored, target string, dryRun bool, took time.Duration) {
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "summary", "dry_run": dryRun, "files_restored": did.Files, "bytes_restored": did.Bytes, "files_skipped": did.Same + did.Kept,
			"files_same": did.Same, "files_kept": did.Kept, "files_failed": len(did.Failed), "seconds_elapsed": int64(took.Seconds()), "target": target, "snapshot_id": s.Name})
		return
	}
	if !p.flags.quiet {
		verb := "restored"
		if dryRun {
			verb = "would be restored"
		}
		text := fmt.Sprintf("%s (%s) %s to %s, from the snapshot of %s.", plural(did.Files, "file"), bytesText(did.Bytes), verb, target, p.timeText(s.Start))
		if did.Same > 0 {
			text += fmt.Sprintf(" %s there already.", plural(did.Same, "file"))
		}
		p.say("%s", text)
	}
	switch {
	case did.Kept == 1:
		p.say("1 file there is different, and was left as it is; --overwrite if-changed replaces it.")
	case did.Kept > 1:
		p.say("%s there are different, and were left as they are; --overwrite if-changed replaces them.", plural(did.Kept, "file"))
	}
}

func (p *program) dumpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dump SNAPSHOT:PATH",
		Short: "Print one file of a snapshot, to save or pipe it",
		Example: `  shoebox dump latest:DCIM/Camera/IMG_1.jpg > IMG_1.jpg
  shoebox dump yesterday DCIM/Camera/IMG_1.jpg | feh -`,
		Args: words(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, s, path, err := p.one(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer p.close(r)
			if len(args) == 2 {
				path = strings.Trim(path+"/"+args[1], "/")
			}
			if path == "" {
				return errors.New("say which file: shoebox dump latest:DCIM/Camera/IMG_1.jpg")
			}
			e, err := lookup(cmd.Context(), r, s, path)
			if err != nil {
				return err
			}
			if e.Type == device.Symlink {
				return fmt.Errorf("%s is a link to %s, which is all the snapshot holds of it", device.Printable(path), device.Printable(e.Target))
			}
			if _, err := io.Copy(p.out, snapshot.Open(cmd.Context(), r, e)); err != nil {
				return fmt.Errorf("print %s: %w", device.Printable(path), err)
			}
			return nil
		},
	}
}

// lookup finds a file, and says so when the path is that of a folder.
func lookup(ctx context.Context, r *repo.Repo, s snapshot.Snapshot, path string) (snapshot.Entry, error) {
	e, err := snapshot.Lookup(ctx, r, s, path)
	if !errors.Is(err, snapshot.ErrNoSuchPath) {
		return e, err
	}
	for one, _ := range snapshot.Entries(ctx, r, s) { // damage matters not here: the error stays
		if strings.HasPrefix(one.Path, path+"/") {
			return e, fmt.Errorf("%s is a folder; `shoebox ls %s:%s` lists the files in it", device.Printable(path), short(s.Name), device.Printable(path))
		}
	}
	return e, err
}
