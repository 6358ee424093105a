package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// pruneFlags are those of the prune command.
type pruneFlags struct {
	dryRun         bool
	maxDead        float64
	patience       time.Duration
	delay          time.Duration
	dropUnfinished bool
	forgetVanished bool
}

func (p *program) pruneCommand() *cobra.Command {
	var f pruneFlags
	c := &cobra.Command{
		Use:   "prune",
		Short: "Free the room of what was forgotten",
		Long: `Free the room of what no snapshot needs any more. Backups, and other prunes, may
run at the same time, here and on other computers; nothing has to be unlocked.
It may be stopped at any moment: the next prune goes on where it was. A picture
that no other snapshot holds is kept, whatever was forgotten: see "shoebox help
forget".

When a backup is at work on another computer, prune waits for it to end. One
that shows no sign of life for a day is taken for dead; if it lives after all,
it has to do some work again, and nothing is lost.`,
		Example: `  shoebox prune -n
  shoebox prune
  shoebox prune --max-dead 0.2`,
		Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.prune(cmd.Context(), f) },
	}
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would come back and do nothing")
	c.Flags().Float64Var(&f.maxDead, "max-dead", usually().maxDead, "a pack is written anew when more than this `share` of it is not needed")
	c.Flags().DurationVar(&f.patience, "patience", usually().patience, "without a sign of life, before a backup on another computer is taken for dead")
	c.Flags().DurationVar(&f.delay, "listing-delay", usually().delay, "how long the store may take to list what was written (NFS, SMB, rclone); found out by itself for folders")
	c.Flags().BoolVar(&f.dropUnfinished, "drop-unfinished", false, "let go of what interrupted backups had saved so far")
	c.Flags().BoolVar(&f.forgetVanished, "forget-vanished", false, "go on though snapshots are gone that nobody forgot")
	return c
}

func (p *program) prune(ctx context.Context, f pruneFlags) error {
	if f.maxDead < 0 || f.maxDead > 1 {
		return fmt.Errorf("--max-dead %v: it is a share between 0 and 1", f.maxDead)
	}
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	return p.pruneOpen(ctx, r, f)
}

// usually are the flags as they are when none is given.
func usually() pruneFlags { return pruneFlags{maxDead: 0.25, patience: 24 * time.Hour, delay: -1} }

// pruneOpen prunes a repository that is open.
func (p *program) pruneOpen(ctx context.Context, r *repo.Repo, f pruneFlags) error {
	if f.delay < 0 {
		f.delay = p.listingDelay()
	}
	o := snapshot.PruneOptions{DropNotes: f.dropUnfinished, ForgetVanished: f.forgetVanished}
	o.DryRun, o.Patience, o.Delay = f.dryRun, f.patience, f.delay
	o.MaxDead = max(f.maxDead, 1e-9) // zero stands for the usual share
	o.Log = func(line string) { p.tell("%s", line) }
	watch := new(pruneWatch)
	o.Watch = watch.note
	stop := p.watchPrune(watch)
	report, err := snapshot.Prune(ctx, r, o)
	stop()
	if err != nil {
		return err
	}
	p.pruneSaid(report, f.dryRun)
	return nil
}

// remoteDelay is how long network folders may show an old listing: the usual time NFS and SMB clients keep one.
const remoteDelay = 60 * time.Second

// listingDelay finds out whether listings of the repository's folder may lag.
func (p *program) listingDelay() time.Duration {
	if !storage.Remote(p.flags.repository) {
		return 0
	}
	p.tell("The repository lies on a network drive, whose listings may lag: prune waits %s now and then.", durationText(2*remoteDelay))
	return remoteDelay
}

// pruneWatch is how far a prune is.
type pruneWatch struct {
	stage       atomic.Value
	done, total atomic.Int64
}

func (w *pruneWatch) note(stage repo.PruneStage, done, total int64) {
	w.stage.Store(stage)
	w.done.Store(done)
	w.total.Store(total)
}

func (w *pruneWatch) text() string {
	stage, ok := w.stage.Load().(repo.PruneStage)
	if !ok {
		stage = repo.StageLive
	}
	if total := w.total.Load(); total > 0 {
		return fmt.Sprintf("Prune: %s, %s of %s", stage, amount.Number(w.done.Load()), amount.Number(total))
	}
	return fmt.Sprintf("Prune: %s, %s", stage, amount.Number(w.done.Load()))
}

// watchPrune says how far a prune is: a moving line on a terminal, JSON, or a plain line each minute.
func (p *program) watchPrune(w *pruneWatch) (stop func()) {
	switch {
	case p.flags.quiet:
		return func() {}
	case p.flags.json:
		return every(time.Second, func(bool) {
			_ = p.printJSON(map[string]any{"message_type": "status", "stage": w.stage.Load(), "done": w.done.Load(), "total": w.total.Load()})
		})
	case !p.terminal:
		return every(time.Minute, func(last bool) {
			if !last {
				p.tell("%s", w.text())
			}
		})
	}
	return p.moving(w.text)
}

func (p *program) pruneSaid(r *repo.PruneReport, dry bool) {
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "summary", "dry_run": dry, "packs": r.Packs, "bytes": r.PackBytes, "dead_packs": r.DeadPacks, "dead_bytes": r.DeadBytes,
			"moved_packs": r.MovedPacks, "moved_bytes": r.MovedBytes, "copied_bytes": r.Copied, "deleted_packs": r.Deleted, "freed_bytes": r.Freed,
			"busy_packs": r.Busy, "spared_packs": r.Spared, "unused_bytes": r.StaysDead, "sessions_revoked": len(r.Revoked)})
		return
	}
	if p.flags.quiet {
		return
	}
	switch {
	case dry && r.DeadPacks+r.MovedPacks == 0, !dry && r.Deleted == 0:
		p.say("Nothing to free: %s in %s.", amount.Bytes(r.PackBytes), amount.Plural(r.Packs, "pack"))
	case dry:
		p.say("About %s of %s would come back: %s hold nothing that is needed, %s little.", amount.Bytes(r.Freed), amount.Bytes(r.PackBytes),
			amount.Plural(r.DeadPacks, "pack"), amount.Plural(r.MovedPacks, "pack"))
	default:
		p.say("%s of %s came back: %s deleted.", amount.Bytes(r.Freed), amount.Bytes(r.PackBytes), amount.Plural(r.Deleted, "pack"))
	}
	if r.Busy > 0 {
		p.say("%s of backups at work were left alone.", amount.Plural(r.Busy, "pack"))
	}
	if r.StaysDead > 0 {
		p.say("%s that nobody needs stay in packs that are mostly needed.", amount.Bytes(r.StaysDead))
	}
}
