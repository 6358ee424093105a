package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
	"shoebox/snapshot/clearance"
)

// freeFlags are those of the free-space command.
type freeFlags struct {
	serial  string
	older   span
	larger  string
	enough  string
	copy    string
	rules   clearance.Rules
	doIt    bool
	undo    bool
	history bool
}

func (p *program) freeSpaceCommand() *cobra.Command {
	f := freeFlags{older: span{Days: 30}}
	c := &cobra.Command{
		Use:   "free-space [phone:NAME]",
		Short: "Delete pictures from a phone that are proven to be kept here",
		Long: `Say which pictures and videos could be deleted from a phone to make room; with
--delete, delete them. Nothing is believed: each file is read back from the
repository, opened and hashed, the phone hashes its own, and only when both are
the same, and the file on the phone has not changed, is it deleted. What is new
(30 days unless you say otherwise), in no snapshot, being written or in the
trash stays. While the brake is on everything stays.

What was deleted is noted in the repository: --undo puts all of it back.`,
		Example: `  shoebox free-space                      what could go, and how much room that makes
  shoebox free-space --delete --older-than 1y
  shoebox free-space --delete --type video --free 20GB
  shoebox free-space --delete --keep-newest 500 --require-copy /mnt/nas/shoebox
  shoebox free-space --history
  shoebox free-space --undo`,
		Args: func(cmd *cobra.Command, args []string) error {
			most := 1
			if f.undo {
				most = 2
			}
			return words(0, most)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return p.freeSpace(cmd.Context(), f, args) },
	}
	c.Flags().VarP(&f.older, "older-than", "", "only what was taken and last changed longer ago than this `time`, such as 30d or 1y6m")
	c.Flags().StringArrayVar(&f.rules.Folders, "folder", nil, "only what is in a `folder` of the phone, such as DCIM/Camera; may be given several times")
	c.Flags().StringArrayVar(&f.rules.Types, "type", nil, "only image or video, or a media `type` in full; may be given several times")
	c.Flags().StringVar(&f.larger, "larger", "", "only files of at least a `size`, such as 100MB")
	c.Flags().IntVar(&f.rules.KeepNewest, "keep-newest", 0, "the newest `n` files stay")
	c.Flags().StringVar(&f.enough, "free", "", "stop when a `size` is freed, such as 20GB: the oldest go first")
	c.Flags().StringVar(&f.copy, "require-copy", "", "delete only what a second `repository` gives back too; it opens with the same password")
	c.Flags().BoolVar(&f.doIt, "delete", false, "delete them; without it nothing is changed")
	c.Flags().BoolVar(&f.undo, "undo", false, "put back what the last run deleted, or the run that is named")
	c.Flags().BoolVar(&f.history, "history", false, "list the runs that deleted something")
	c.Flags().StringVarP(&f.serial, "serial", "s", "", "which phone, by its `serial` number ($ANDROID_SERIAL)")
	c.MarkFlagsMutuallyExclusive("delete", "undo", "history")
	return c
}

// fill turns what was typed into rules.
func (f *freeFlags) fill(now time.Time) error {
	for _, one := range []struct {
		flag, text string
		to         *int64
	}{{"--larger", f.larger, &f.rules.Larger}, {"--free", f.enough, &f.rules.Enough}} {
		n, ok := int64(0), true
		if one.text != "" {
			n, ok = parseBytes(one.text)
		}
		if !ok {
			return fmt.Errorf("%s %s: a size such as 20GB is wanted", one.flag, one.text)
		}
		*one.to = n
	}
	f.rules.Older = now.Sub(snapshot.Span(f.older).Before(now))
	if f.rules.Older <= 0 {
		return errors.New("--older-than: at least an hour (1h); what was just taken is never deleted")
	}
	if f.rules.KeepNewest < 0 {
		return errors.New("--keep-newest: how many files stay, such as 500")
	}
	return nil
}

func (p *program) freeSpace(ctx context.Context, f freeFlags, args []string) error {
	if err := f.fill(p.now()); err != nil {
		return err
	}
	var run string
	if f.undo && len(args) > 0 && !isPhone(args[len(args)-1]) {
		run, args = args[len(args)-1], args[:len(args)-1]
	}
	if len(args) > 0 && !isPhone(args[0]) {
		return fmt.Errorf("%s: files are deleted from phones alone; name one as phone:NAME", args[0])
	}
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	if f.history {
		return p.freeHistory(ctx, r)
	}
	phone, name, err := p.openPhoneAt(ctx, backupFlags{serial: f.serial}, strings.Trim(strings.TrimPrefix(append(args, "")[0], phonePrefix), "/"), nil, p.config.Exclude)
	if err != nil {
		return err
	}
	defer phone.Close() // every change was seen done
	d := phoneDevice(r, phone.PhoneInfo, name)
	if f.undo {
		return p.undoFree(ctx, r, phone, d, run)
	}
	return p.free(ctx, r, phone, d, f)
}

func (p *program) free(ctx context.Context, r *repo.Repo, phone *device.Phone, d snapshot.Device, f freeFlags) error {
	plan, err := clearance.MakePlan(ctx, r, d, phone, f.rules, p.now())
	if err != nil {
		return err
	}
	if plan.Held != nil {
		return fmt.Errorf("nothing is deleted while the brake is on: %w: the snapshot of %s found %s gone and %d changed, of %d\nLook whether that is right; then `shoebox forget --brake-off %s` releases it",
			snapshot.ErrBrake, p.timeText(plan.Held.Start), amount.Plural(plan.Held.Brake.Gone, "picture"), plan.Held.Brake.Changed, plan.Held.Brake.Of, d.Name)
	}
	if !f.doIt || len(plan.Candidates) == 0 && !p.flags.json { // why nothing goes is what people want to know
		return p.planSaid(plan)
	}
	o := clearance.FreeOptions{Now: p.now, Progress: new(snapshot.Progress), Each: p.eachFreed}
	if f.copy != "" {
		other, done, err := p.openCopy(ctx, f.copy)
		if err != nil {
			return err
		}
		defer done()
		o.Copy = other
	}
	before, _ := phone.Space(ctx, "") // where it is not told, nothing is said of it
	stop := p.watch("Proving and deleting from", d.Name, o.Progress)
	did, err := plan.Run(ctx, r, phone, o)
	stop()
	if said := p.freedSaid(ctx, phone, plan, did, before); err == nil {
		err = said
	}
	return err
}

// openCopy opens a second repository in the way the first was opened.
func (p *program) openCopy(ctx context.Context, path string) (*repo.Repo, func(), error) {
	second := p.apart()
	second.in, second.terminal, second.named = p.in, p.terminal, true
	second.flags.repository = path
	r, err := second.open(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("open the second repository: %w", err)
	}
	if sameFolder(path, p.flags.repository) {
		second.close(r)
		return nil, nil, fmt.Errorf("--require-copy %s: it is the same repository, and no second one", path)
	}
	return r, func() { second.close(r) }, nil
}

func sameFolder(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

func (p *program) eachFreed(c clearance.Candidate, why error) {
	path := device.Printable(c.File.Path)
	switch {
	case why != nil && p.flags.json:
		p.printJSONError(map[string]any{"message_type": "error", "error": map[string]string{"message": why.Error()}, "during": "free-space", "item": c.File.Path})
	case why != nil:
		p.complain("not deleted: %s: %v", path, why)
	case p.flags.verbose > 0 && p.flags.json:
		_ = p.printJSON(map[string]any{"message_type": "verbose_status", "action": "deleted", "item": c.File.Path, "data_size": c.File.Size})
	case p.flags.verbose > 0:
		p.complain("deleted   %9s  %s", amount.Bytes(c.File.Size), path)
	}
}

func (p *program) planSaid(plan *clearance.Plan) error {
	if p.flags.json {
		files := make([]map[string]any, 0, len(plan.Candidates))
		for _, c := range plan.Candidates {
			files = append(files, map[string]any{"path": c.File.Path, "size": c.File.Size, "snapshot_id": c.Snapshot})
		}
		stay := make(map[string]int64, len(plan.Stay))
		for why, s := range plan.Stay {
			stay[string(why)] = s.Files
		}
		return p.printJSON(map[string]any{"message_type": "summary", "dry_run": true, "device": plan.Device.Name, "files": len(plan.Candidates), "bytes": plan.Bytes, "stay": stay,
			"candidates": files, "unread": reasonsOf(plan.Unread)})
	}
	if n := len(plan.Candidates); n == 0 {
		p.say("Nothing on %s would be deleted.", plan.Device.Name)
	} else {
		first, last := plan.Candidates[0].Entry, plan.Candidates[n-1].Entry
		p.say("%s (%s) could be deleted from %s; the oldest is of %s, the newest of %s.", amount.Plural(int64(n), "file"), amount.Bytes(plan.Bytes), plan.Device.Name,
			first.TakenWall(p.zone).Format(time.DateOnly), last.TakenWall(p.zone).Format(time.DateOnly))
	}
	for _, why := range []clearance.Why{clearance.NotKept, clearance.TooNew, clearance.Newest, clearance.NotAsked, clearance.Beyond, clearance.Unsettled} {
		if s := plan.Stay[why]; s.Files > 0 {
			p.say("  %s (%s) would stay: %s", amount.Plural(s.Files, "file"), amount.Bytes(s.Bytes), why)
		}
	}
	p.reasons("cannot be read", plan.Unread)
	if p.flags.verbose > 0 {
		for _, c := range plan.Candidates {
			p.say("  %9s  %s  %s", amount.Bytes(c.File.Size), short(c.Snapshot), device.Printable(c.File.Path))
		}
	}
	if len(plan.Candidates) > 0 {
		p.tell("Nothing was deleted. With --delete each file is first read back from the repository and compared with the phone's.")
	}
	return nil
}

// freedSaid tells what a run did; before is the room there was.
func (p *program) freedSaid(ctx context.Context, phone *device.Phone, plan *clearance.Plan, did clearance.Freed, before device.Space) error {
	space, spaceErr := phone.Space(ctx, "")
	if p.flags.json {
		line := map[string]any{"message_type": "summary", "dry_run": false, "device": plan.Device.Name, "files_deleted": did.Files, "bytes_deleted": did.Bytes, "files_kept": len(did.Kept),
			"run": did.Run, "still_shown": did.Shown}
		if spaceErr == nil {
			line["bytes_free"], line["bytes_total"] = space.Free, space.Total
		}
		if err := p.printJSON(line); err != nil {
			return err
		}
	} else {
		text := fmt.Sprintf("%s (%s) deleted from %s, each read back from the repository first.", amount.Plural(did.Files, "file"), amount.Bytes(did.Bytes), plan.Device.Name)
		if spaceErr == nil {
			text += fmt.Sprintf(" %s of %s are free there now.", amount.Bytes(space.Free), amount.Bytes(space.Total))
		}
		p.say("%s", text)
		if gained := space.Free - before.Free; spaceErr == nil && before.Total > 0 && did.Bytes > 0 && gained < did.Bytes/2 {
			p.say("That is only %s more than before. A phone may take some minutes to give room free: look again under Settings, Storage; if it is no more then, restart the phone. What lay on a card made room there.", amount.Bytes(max(gained, 0)))
		}
		if did.Files > 0 {
			p.tell("`shoebox free-space --undo` puts them back.")
		}
		if len(did.Shown) > 0 {
			p.say("The phone's gallery still shows %s, beginning with %s. Restarting the phone usually makes it look again.", amount.Plural(int64(len(did.Shown)), "deleted file"), device.Printable(did.Shown[0]))
		}
	}
	if len(did.Kept) > 0 {
		p.tell("%s stayed, as said above.", amount.Plural(int64(len(did.Kept)), "file"))
	}
	if len(did.Kept) > 0 || len(did.Shown) > 0 {
		return &exitError{code: exitSome}
	}
	return nil
}

func (p *program) freeHistory(ctx context.Context, r *repo.Repo) error {
	all, err := p.receipts(ctx, r)
	if err != nil {
		return err
	}
	names, err := p.deviceNames(ctx, r)
	if err != nil {
		return err
	}
	runs := clearance.Runs(all)
	if p.flags.json {
		lines := make([]map[string]any, 0, len(runs))
		for _, run := range runs {
			lines = append(lines, map[string]any{"run": run.ID, "time": run.When, "device": names[run.Device], "files": run.Removed, "bytes": run.Bytes, "undone": run.Undone})
		}
		return p.printJSON(lines)
	}
	if len(runs) == 0 {
		p.say("Nothing was deleted from any phone.")
	}
	for _, run := range runs {
		text := fmt.Sprintf("%s  %s  %s (%s) deleted from %s", short(run.ID), p.timeText(run.When), amount.Plural(run.Removed, "file"), amount.Bytes(run.Bytes), names[run.Device])
		if run.Undone {
			text += "; put back"
		}
		p.say("%s", text)
	}
	return nil
}

// receipts lists what was kept of runs and answers, and says on the way which records are damaged.
func (p *program) receipts(ctx context.Context, r *repo.Repo) ([]clearance.Receipt, error) {
	all, damaged, err := clearance.Receipts(ctx, r)
	for _, d := range damaged {
		p.complain("shoebox: a receipt cannot be read: %v", d)
		p.damaged = true
	}
	return all, err
}

// deviceNames are what the devices of the repository were called last, by their ids.
func (p *program) deviceNames(ctx context.Context, r *repo.Repo) (map[string]string, error) {
	all, err := p.snapshots(ctx, r)
	names := make(map[string]string)
	for _, s := range all {
		names[s.Device.ID] = s.Device.Name
	}
	return names, err
}

func (p *program) undoFree(ctx context.Context, r *repo.Repo, phone *device.Phone, d snapshot.Device, id string) error {
	run, err := clearance.LastRun(ctx, r, d.ID, id)
	switch {
	case errors.Is(err, clearance.ErrNoRun) && id != "":
		return fmt.Errorf("there is no run %s; `shoebox free-space --history` lists them", id)
	case err != nil:
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	home, err := phone.Home(ctx, device.HomeOptions{Log: func(line string) { p.tell("%s", line) }})
	if err != nil {
		return err
	}
	o := snapshot.RestoreOptions{Workers: phoneWriters, Progress: new(snapshot.Progress), Each: p.restored}
	stop := p.watch("Putting back onto", d.Name, o.Progress)
	did, err := clearance.Undo(ctx, r, run, home, p.now(), o)
	stop()
	if err != nil {
		return err
	}
	unseen := home.Unseen()
	if p.flags.json {
		if err := p.printJSON(map[string]any{"message_type": "summary", "run": run.ID, "device": d.Name, "files_restored": did.Files, "bytes_restored": did.Bytes, "files_same": did.Same, "files_kept": did.Kept,
			"files_failed": len(did.Failed), "not_shown": unseen}); err != nil {
			return err
		}
	} else {
		p.undoSaid(did, d.Name, run, unseen)
	}
	if len(did.Failed) > 0 || did.Kept > 0 || len(unseen) > 0 {
		return &exitError{code: exitSome}
	}
	return nil
}

func (p *program) undoSaid(did snapshot.Restored, name string, run clearance.Run, unseen []string) {
	text := fmt.Sprintf("%s (%s) put back onto %s, as they were before %s.", amount.Plural(did.Files, "file"), amount.Bytes(did.Bytes), name, p.timeText(run.When))
	if did.Same > 0 {
		text += fmt.Sprintf(" %s there already.", amount.Plural(did.Same, "file"))
	}
	p.say("%s", text)
	p.notShown(unseen)
	if did.Kept > 0 {
		p.say("In the place of %s something else is there now, and was left as it is.", amount.Plural(did.Kept, "file"))
	}
	if len(did.Failed) > 0 {
		p.tell("%s could not be put back, as said above.", amount.Plural(int64(len(did.Failed)), "file"))
	}
}
