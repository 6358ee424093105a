package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

func (p *program) restoreCommand() *cobra.Command {
	var c chooser
	var target, overwrite, serial string
	var dryRun, toPhone bool
	cmd := &cobra.Command{
		Use:   "restore SNAPSHOT[:PATH] [PATH...]",
		Short: "Give pictures back: one, some, or all of a snapshot",
		Long: `Give files of a snapshot back to a folder on this computer, or to a phone: one
picture by its path, a folder, what matches a pattern or was taken on a day, or
everything. Each file is written whole or not at all, checked against the hash it
had on the phone, and gets its time back. What is there already and differs stays
as it is, unless --overwrite says otherwise.

On a phone each file goes to the place it had, under a temporary name until the
phone itself has told its hash. What was on a card that is not in this phone goes
to the card that is, or to the phone's own storage. Then the phone's gallery is
asked to look; what it does not show is said.`,
		Example: `  shoebox restore latest:DCIM/Camera/IMG_1.jpg --target ~/Desktop
  shoebox restore 2026-11-20 --taken 2024-08-12 --target ~/Desktop
  shoebox restore latest -i '*.mp4' --target /mnt/disk -n
  shoebox restore latest --target ~/Everything
  shoebox restore latest:DCIM/Camera/IMG_1.jpg --to-device
  shoebox restore latest --target phone:anna -n`,
		Args: words(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy := snapshot.Overwrite(overwrite)
			switch policy {
			case snapshot.Always, snapshot.IfChanged, snapshot.IfNewer, snapshot.Never:
			default:
				return fmt.Errorf("--overwrite %s: it is always, if-changed, if-newer or never", overwrite)
			}
			if toPhone && target == "" {
				target = phonePrefix
			}
			if target == "" || toPhone && !isPhone(target) {
				return errNoTarget
			}
			if err := c.compile(); err != nil {
				return err
			}
			return p.readOne(cmd.Context(), args[0], func(r *repo.Repo, s snapshot.Snapshot, path string) error {
				c.addPaths(path, args[1:])
				to, err := p.destination(cmd.Context(), target, serial, policy, dryRun)
				if err != nil {
					return err
				}
				defer to.close()
				return p.restore(cmd.Context(), r, s, &c, to, policy, dryRun)
			})
		},
	}
	c.add(cmd)
	cmd.Flags().StringVarP(&target, "target", "t", "", "the `folder` to write to, which is made when it is not there; or phone:NAME")
	cmd.Flags().BoolVar(&toPhone, "to-device", false, "give back to the phone that is connected")
	cmd.Flags().StringVarP(&serial, "serial", "s", "", "which phone, by its `serial` number ($ANDROID_SERIAL)")
	cmd.Flags().StringVar(&overwrite, "overwrite", string(snapshot.Never), "`what` to do with files that are there: always, if-changed, if-newer or never replace them")
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "say what would be written and write nothing")
	return cmd
}

func (p *program) restore(ctx context.Context, r *repo.Repo, s snapshot.Snapshot, c *chooser, to *destination, policy snapshot.Overwrite, dryRun bool) error {
	progress := new(snapshot.Progress)
	start := p.now()
	var damage atomic.Pointer[error] // of one of the files
	stop := p.watch("Restoring to", to.name, progress)
	did, err := snapshot.Restore(ctx, r, s, to, snapshot.RestoreOptions{Overwrite: policy, Workers: to.writers, DryRun: dryRun, Progress: progress, Paths: c.paths,
		Select: func(e snapshot.Entry) bool { return p.pass(c, e) },
		Each: func(n snapshot.Notice) {
			if n.Err != nil && isDamage(n.Err) {
				damage.Store(&n.Err)
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
	unseen := to.unseen()
	p.restoreSaid(s, did, to.name, unseen, dryRun, p.now().Sub(start))
	switch {
	case damage.Load() != nil:
		return &damagedFiles{len(did.Failed), *damage.Load()}
	case len(did.Failed) > 0:
		p.tell("%s could not be restored, as said above.", amount.Plural(int64(len(did.Failed)), "file"))
		return &exitError{code: exitSome}
	case did.Kept > 0, len(unseen) > 0:
		return &exitError{code: exitSome}
	}
	return nil
}

// damagedFiles says that files of a restore failed because the repository is damaged. They were told of one by one.
type damagedFiles struct {
	failed int
	one    error // what became of one of them
}

func (e *damagedFiles) Error() string {
	return fmt.Sprintf("the repository is damaged: %s could not be restored, as said above", amount.Plural(int64(e.failed), "file"))
}

func (e *damagedFiles) Unwrap() error { return e.one }

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

func (p *program) restoreSaid(s snapshot.Snapshot, did snapshot.Restored, target string, unseen []string, dryRun bool, took time.Duration) {
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "summary", "dry_run": dryRun, "files_restored": did.Files, "bytes_restored": did.Bytes, "files_skipped": did.Same + did.Kept,
			"files_same": did.Same, "files_kept": did.Kept, "files_failed": len(did.Failed), "seconds_elapsed": int64(took.Seconds()), "target": target, "snapshot_id": s.Name, "not_shown": unseen})
		return
	}
	if !p.flags.quiet {
		verb := "restored"
		if dryRun {
			verb = "would be restored"
		}
		text := fmt.Sprintf("%s (%s) %s to %s, from the snapshot of %s.", amount.Plural(did.Files, "file"), amount.Bytes(did.Bytes), verb, target, p.timeText(s.Start))
		if did.Same > 0 {
			text += fmt.Sprintf(" %s there already.", amount.Plural(did.Same, "file"))
		}
		p.say("%s", text)
	}
	p.notShown(unseen)
	switch {
	case did.Kept == 1:
		p.say("1 file there is different, and was left as it is; --overwrite if-changed replaces it.")
	case did.Kept > 1:
		p.say("%s there are different, and were left as they are; --overwrite if-changed replaces them.", amount.Plural(did.Kept, "file"))
	}
}

// notShown tells of files that were given back to a phone and that its gallery does not know.
func (p *program) notShown(unseen []string) {
	if len(unseen) > 0 {
		p.say("The phone's gallery does not show %s yet, beginning with %s. Restarting the phone usually makes it look again.", amount.Plural(int64(len(unseen)), "restored file"), device.Printable(unseen[0]))
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
			return p.readOne(cmd.Context(), args[0], func(r *repo.Repo, s snapshot.Snapshot, path string) error {
				if len(args) == 2 {
					path = strings.Trim(path+"/"+args[1], "/")
				}
				return p.dump(cmd.Context(), r, s, path)
			})
		},
	}
}

func (p *program) dump(ctx context.Context, r *repo.Repo, s snapshot.Snapshot, path string) error {
	if path == "" {
		return errors.New("say which file: shoebox dump latest:DCIM/Camera/IMG_1.jpg")
	}
	e, err := lookup(ctx, r, s, path)
	if err != nil {
		return err
	}
	if e.Type == device.Symlink {
		return fmt.Errorf("%s is a link to %s, which is all the snapshot holds of it", device.Printable(path), device.Printable(e.Target))
	}
	if _, err := io.Copy(p.out, snapshot.Open(ctx, r, e)); err != nil {
		return fmt.Errorf("print %s: %w", device.Printable(path), err)
	}
	return nil
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
