package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
	"shoebox/snapshot/clearance"
)

// backupFlags are those of the backup command.
type backupFlags struct {
	setup
	tags    []string
	exclude []string
	host    string
	serial  string
	dryRun  bool
	force   bool
	brake   string
	recheck string
	among   func() int // how many phones are backed up just now; nil: this alone
}

func (p *program) backupCommand() *cobra.Command {
	var f backupFlags
	c := &cobra.Command{
		Use:   "backup [SOURCE...]",
		Short: "Take a snapshot of the phone on the cable, or of a folder",
		Long: `Take a snapshot. Without a SOURCE it is the phone on the cable, with the folders
where pictures and videos are: DCIM, Pictures, Movies, Download and the media of
apps such as WhatsApp. A SOURCE is a folder on this computer, or phone:NAME, or
phone:NAME/DCIM/Camera for one folder of a phone; phone: is the only phone
there.

Only what is new is read. When there is no repository yet, the default one is
made. A backup that is cut off goes on where it was when it is started again.`,
		Example: `  shoebox backup
  shoebox backup ~/Pictures
  shoebox backup phone:anna/DCIM/Camera --tag holiday
  shoebox backup -n -vv                   what would be done, file by file`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.backup(cmd.Context(), f, args) },
	}
	c.Flags().StringArrayVar(&f.tags, "tag", nil, "a `word` to find the snapshot by; may be given several times")
	c.Flags().StringArrayVarP(&f.exclude, "exclude", "e", nil, "leave out what matches a `pattern`; may be given several times")
	c.Flags().StringVarP(&f.host, "host", "H", "", "the computer's `name`, kept in the snapshot")
	c.Flags().StringVarP(&f.serial, "serial", "s", "", "which phone, by its `serial` number ($ANDROID_SERIAL)")
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would be done and do nothing")
	c.Flags().BoolVarP(&f.force, "force", "f", false, "read every file again, also those that look unchanged")
	c.Flags().StringVar(&f.brake, "brake-share", "", "hold the forgetting of the device when more than this `share` of its pictures vanished or changed: 20%, or off")
	c.Flags().StringVar(&f.recheck, "recheck", "", "read a `share` of the files again that look unchanged, others each day, and tell when their bytes changed: 0.5%, or off")
	p.setupFlags(c, &f.setup)
	return c
}

// brake says when so much is lost that nothing of the device may be forgotten.
func (p *program) brake(f backupFlags) (o snapshot.BrakeOptions, err error) {
	switch text := firstOf(f.brake, p.config.BrakeShare); text {
	case "":
	case "off":
		o.Share = 1
	default:
		var ok bool
		if o.Share, ok = parseShare(text); !ok {
			return o, fmt.Errorf("--brake-share %s: it is a share such as 20%%, or off", text)
		}
	}
	o.Least = p.config.BrakeLeast
	return o, nil
}

// recheck is the share of unchanged files that are read all the same.
func (p *program) recheck(f backupFlags) (share float64, err error) {
	text := firstOf(f.recheck, p.config.Recheck)
	if text == "" || text == "off" {
		return 0, nil
	}
	share, ok := parseShare(text)
	if !ok {
		return 0, fmt.Errorf("--recheck %s: it is a share such as 0.5%%, or off", text)
	}
	return share, nil
}

// parseShare reads a share such as 20%, above nothing and up to all.
func parseShare(text string) (share float64, ok bool) {
	number, percent := strings.CutSuffix(text, "%")
	share, err := strconv.ParseFloat(number, 64)
	share /= 100
	return share, err == nil && percent && share > 0 && share <= 1
}

// backup backs up one source after the other. One that fails does not keep the next from being tried.
func (p *program) backup(ctx context.Context, f backupFlags, args []string) error {
	if len(args) == 0 {
		args = p.config.Sources
	}
	if len(args) == 0 {
		args = []string{phonePrefix}
	}
	if err := checkFolders(args); err != nil {
		return err
	}
	ended := func(*repo.Repo, error) {}
	if !f.dryRun {
		ended = p.begins(ctx, "The backup")
	}
	r, err := p.openOrCreate(ctx, f, args)
	if err != nil {
		ended(nil, err)
		return err
	}
	defer p.close(r)
	failed := p.backupAll(ctx, r, f, args)
	ended(r, failed)
	return failed
}

func (p *program) backupAll(ctx context.Context, r *repo.Repo, f backupFlags, args []string) (failed error) {
	for _, arg := range args {
		if err := p.backupOne(ctx, r, f, arg); err != nil {
			if len(args) > 1 && ctx.Err() == nil {
				err = p.failedOne(ctx, arg, err)
			}
			failed = worse(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// troubled says what went wrong and stops nothing.
func (p *program) troubled(err error) { p.complain("shoebox: %v", err) }

// failedOne says what went wrong with one of several sources, and leaves only the exit code to be told.
func (p *program) failedOne(ctx context.Context, arg string, err error) error {
	exit := (*exitError)(nil)
	if errors.As(err, &exit) && exit.err == nil {
		return err
	}
	code := codeOf(ctx, err)
	if p.flags.json {
		p.printJSONError(map[string]any{"message_type": "error", "error": map[string]string{"message": err.Error()}, "during": "backup", "item": arg})
	} else {
		p.complain("shoebox: %s: %v%s", strings.TrimSuffix(arg, ":"), err, p.hint(err))
	}
	return &exitError{code: code}
}

// checkFolders refuses a mistyped folder before a repository is made for it.
func checkFolders(args []string) error {
	for _, arg := range args {
		if isPhone(arg) {
			continue
		}
		switch info, err := os.Stat(arg); {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("there is no folder %s; name a folder, or phone: for the phone on the cable", arg)
		case err != nil:
			return fmt.Errorf("open the folder %s: %w", arg, err)
		case !info.IsDir():
			return fmt.Errorf("%s is a file; name the folder it is in", arg)
		}
	}
	return nil
}

// worse keeps the error that matters more: unread files are the mildest.
func worse(a, b error) error {
	var exit *exitError
	if a == nil || errors.As(a, &exit) && exit.code == exitSome {
		return b
	}
	return a
}

// openOrCreate makes the default repository when there is none. One that was named and is not there is an error: the disk
// may not be connected, and a second repository in its place would only look like a backup.
func (p *program) openOrCreate(ctx context.Context, f backupFlags, args []string) (*repo.Repo, error) {
	r, err := p.open(ctx)
	if !errors.Is(err, repo.ErrNoRepository) || f.dryRun || p.named {
		return r, err
	}
	if err := p.tryPhones(ctx, f, args); err != nil {
		return nil, err
	}
	return p.create(ctx, f.setup)
}

func (p *program) backupOne(ctx context.Context, r *repo.Repo, f backupFlags, arg string) error {
	src, err := p.source(ctx, r, f, arg)
	if err != nil {
		return err
	}
	defer src.close()
	brake, err := p.brake(f)
	if err != nil {
		return err
	}
	recheck, err := p.recheck(f)
	if err != nil {
		return err
	}
	progress := new(snapshot.Progress)
	o := snapshot.BackupOptions{Device: src.device, Expected: clearance.Taken(ctx, r, src.device.ID, p.troubled), Dear: src.dear, Recheck: recheck, Roots: src.roots, Host: firstOf(f.host, hostName()), Tags: f.tags, Program: "shoebox " + versionText(), Force: f.force,
		DryRun: f.dryRun, Now: func() time.Time { return p.now().In(p.zone) }, Workers: src.workers, Brake: brake, Progress: progress,
		Each: p.eachFile(), Log: func(line string) { p.tell("%s", line) }}
	p.kept = "; what was stored by then is kept and will not be read again"
	stop := p.watch("Backing up", src.device.Name, progress)
	start := p.now()
	s, err := snapshot.Backup(ctx, r, src.Source, o)
	stop()
	if err != nil && s.Name == "" {
		return err
	}
	p.backupSaid(s, f, p.now().Sub(start))
	switch {
	case err != nil:
		return fmt.Errorf("%w\nWhat was read until then is safe in snapshot %s", err, short(s.Name))
	case s.Count.Failed > 0:
		return &exitError{code: exitSome}
	}
	return nil
}

// eachFile tells of files one by one: what failed always, all that changed with -v, everything with -vv.
func (p *program) eachFile() func(snapshot.Notice) {
	return func(n snapshot.Notice) {
		path := device.Printable(n.File.Path)
		switch {
		case n.What == snapshot.Failed && p.flags.json:
			p.printJSONError(map[string]any{"message_type": "error", "error": map[string]string{"message": n.Err.Error()}, "during": "backup", "item": n.File.Path})
		case n.What == snapshot.Failed:
			p.complain("could not be read: %s: %v", path, n.Err)
		case p.flags.verbose > 1 || p.flags.verbose == 1 && n.What != snapshot.Unchanged:
			p.verboseFile(n, path)
		}
	}
}

func (p *program) verboseFile(n snapshot.Notice, path string) {
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "verbose_status", "action": string(n.What), "item": n.File.Path, "data_size": n.File.Size})
		return
	}
	p.complain("%-9s %9s  %s", n.What, amount.Bytes(n.File.Size), path)
}
