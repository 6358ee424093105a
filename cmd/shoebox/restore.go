package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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
		Long: `Give files of a snapshot back to a folder on this computer: one picture by its path, a folder, what matches a pattern or was taken
on a day, or everything. Each file is written whole or not at all, checked against the hash it had on the phone, and gets its
time back. What is there already and differs stays as it is, unless --overwrite says otherwise.`,
		Example: `  shoebox restore latest:DCIM/Camera/IMG_1.jpg --target ~/Desktop
  shoebox restore 2026-11-20 --taken 2024-08-12 --target ~/Desktop
  shoebox restore latest -i '*.mp4' --target /mnt/disk -n
  shoebox restore latest --target ~/Everything`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy := snapshot.Overwrite(overwrite)
			switch policy {
			case snapshot.Always, snapshot.IfChanged, snapshot.IfNewer, snapshot.Never:
			default:
				return fmt.Errorf("--overwrite %s: it is always, if-changed, if-newer or never", overwrite)
			}
			r, s, path, err := p.one(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer p.close(r)
			c.addPaths(path, args[1:])
			if err := c.compile(); err != nil {
				return err
			}
			return p.restore(cmd.Context(), r, s, &c, target, policy, dryRun)
		},
	}
	c.add(cmd)
	cmd.Flags().StringVarP(&target, "target", "t", "", "the `folder` to write to; it is made when it is not there")
	cmd.Flags().StringVar(&overwrite, "overwrite", string(snapshot.Never), "what to do with files that are there and differ: always, if-changed, if-newer, never")
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "say what would be written and write nothing")
	_ = cmd.MarkFlagRequired("target")
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
	stop := p.watch("Restoring", progress)
	did, err := snapshot.Restore(ctx, r, s, to, snapshot.RestoreOptions{Overwrite: policy, DryRun: dryRun, Progress: progress,
		Select: func(e snapshot.Entry) bool { return p.pass(c, e) },
		Each:   p.eachRestored()})
	stop()
	if err != nil {
		return err
	}
	if progress.Found.Load() == 0 {
		return fmt.Errorf("nothing in snapshot %s fits; `shoebox ls %s` lists what is in it", short(s.Name), short(s.Name))
	}
	return p.restoreSaid(s, did, target, dryRun, p.now().Sub(start))
}

// openTarget opens the folder to restore to, and makes it when it is missing. A dry run makes none: it looks at an empty one
// instead.
func openTarget(path string, policy snapshot.Overwrite, dryRun bool) (to *device.Dir, done func(), err error) {
	empty := ""
	if !folderExists(path) {
		if dryRun {
			path, err = os.MkdirTemp("", "shoebox")
			empty = path
		} else {
			err = os.MkdirAll(path, 0o755)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("make the folder to restore to: %w", err)
		}
	}
	if to, err = device.NewDir(path, device.DirOptions{Replace: policy != snapshot.Never}); err != nil {
		return nil, nil, fmt.Errorf("open the folder to restore to: %w", err)
	}
	return to, func() {
		_ = to.Close() // everything was flushed
		if empty != "" {
			_ = os.Remove(empty)
		}
	}, nil
}

// eachRestored tells of files one by one: what failed always, the rest with -v.
func (p *program) eachRestored() func(snapshot.Notice) {
	tell := p.eachFile()
	return func(n snapshot.Notice) {
		if n.What != snapshot.Failed {
			p.lock.Lock()
			defer p.lock.Unlock()
			if p.flags.verbose > 0 && !p.flags.json {
				fmt.Fprintf(p.err, "%-9s %9s  %s\n", n.What, bytesText(n.File.Size), device.Printable(n.File.Path))
			}
			return
		}
		if p.flags.json {
			tell(n)
			return
		}
		p.lock.Lock()
		defer p.lock.Unlock()
		fmt.Fprintf(p.err, "could not be restored: %s: %v\n", device.Printable(n.File.Path), n.Err)
	}
}

func (p *program) restoreSaid(s snapshot.Snapshot, did snapshot.Restored, target string, dryRun bool, took time.Duration) error {
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "summary", "dry_run": dryRun, "files_restored": did.Files, "bytes_restored": did.Bytes, "files_skipped": did.Same + did.Kept,
			"files_same": did.Same, "files_kept": did.Kept, "files_failed": len(did.Failed), "seconds_elapsed": int64(took.Seconds()), "target": target, "snapshot_id": s.Name})
	} else if !p.flags.quiet {
		verb := "restored"
		if dryRun {
			verb = "would be restored"
		}
		text := fmt.Sprintf("%s (%s) %s to %s, from the snapshot of %s.", plural(did.Files, "file"), bytesText(did.Bytes), verb, target, p.timeText(s.Start))
		if did.Same > 0 {
			text += fmt.Sprintf(" %s there already.", plural(did.Same, "file"))
		}
		p.say("%s", text)
		if did.Kept > 0 {
			p.say("%s there and different, and left as they are; --overwrite if-changed replaces them.", plural(did.Kept, "file"))
		}
	}
	if len(did.Failed) > 0 {
		p.tell("%s could not be restored, as said above.", plural(int64(len(did.Failed)), "file"))
		return &exitError{code: exitSome}
	}
	if did.Kept > 0 {
		return &exitError{code: exitSome}
	}
	return nil
}

func (p *program) dumpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dump SNAPSHOT:PATH",
		Short: "Print one file of a snapshot, to save or pipe it",
		Example: `  shoebox dump latest:DCIM/Camera/IMG_1.jpg > IMG_1.jpg
  shoebox dump yesterday DCIM/Camera/IMG_1.jpg | feh -`,
		Args: cobra.RangeArgs(1, 2),
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
			e, err := snapshot.Lookup(cmd.Context(), r, s, path)
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
