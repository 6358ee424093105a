package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// forgetFlags are those of the forget command.
type forgetFlags struct {
	policy     snapshot.Policy
	keepTags   []string
	groupBy    string
	host       string
	device     string
	tags       []string
	dryRun     bool
	prune      bool
	lastCopies bool
	yes        bool
	undo       bool
	brakeOff   bool
}

func (p *program) forgetCommand() *cobra.Command {
	var f forgetFlags
	c := &cobra.Command{
		Use:   "forget [SNAPSHOT...]",
		Short: "Let go of old snapshots, and keep every picture",
		Long: `Let go of old snapshots: those named, or those that no --keep flag keeps. Without
one of either nothing is done: shoebox keeps everything until you say otherwise.

No picture is lost by this. What no remaining snapshot holds is moved into the
attic of its device, a snapshot of last copies ("shoebox ls attic"). It leaves
the attic only by --last-copies, which lists what goes for good and asks.

Until the next prune, --undo brings back what was forgotten. After a backup that
found very many pictures gone or changed, nothing of that device is forgotten
until you have looked, and said --brake-off.`,
		Example: `  shoebox forget -n --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  shoebox forget -d 7 -w 5 -m 12 -y 10 --prune
  shoebox forget 1a2b3c4d
  shoebox forget --undo
  shoebox forget --brake-off anna
  shoebox forget --last-copies 'attic:Pictures/Screenshots'`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.forget(cmd.Context(), f, args) },
	}
	f.addKeep(c)
	c.Flags().StringVar(&f.groupBy, "group-by", "device,paths", "`what` snapshots agree in that a policy looks at together: device, paths, host, tags")
	c.Flags().StringVar(&f.host, "host", "", "only snapshots taken by this `computer`")
	c.Flags().StringVar(&f.device, "device", "", "only snapshots of this `phone` or folder")
	c.Flags().StringArrayVar(&f.tags, "tag", nil, "only snapshots with this `word`; may be given several times")
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "say what would be done and do nothing")
	c.Flags().BoolVar(&f.prune, "prune", false, "free the room of what was forgotten at once")
	c.Flags().BoolVar(&f.lastCopies, "last-copies", false, "let go of what no other snapshot holds, for good; asks before")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&f.undo, "undo", false, "bring back the snapshots named, or those of the last forget")
	c.Flags().BoolVar(&f.brakeOff, "brake-off", false, "let snapshots of the devices named be forgotten again, or of all")
	return c
}

// addKeep adds restic's flags, with restic's letters.
func (f *forgetFlags) addKeep(c *cobra.Command) {
	for _, v := range []struct {
		to           *int
		name, letter string
		what         string
	}{{&f.policy.Last, "last", "l", "last `n` snapshots"}, {&f.policy.Hourly, "hourly", "H", "newest of the last `n` hours that have one"},
		{&f.policy.Daily, "daily", "d", "newest of the last `n` days that have one"}, {&f.policy.Weekly, "weekly", "w", "newest of the last `n` weeks that have one"},
		{&f.policy.Monthly, "monthly", "m", "newest of the last `n` months that have one"}, {&f.policy.Yearly, "yearly", "y", "newest of the last `n` years that have one"}} {
		c.Flags().VarP((*count)(v.to), "keep-"+v.name, v.letter, "keep the "+v.what+"; -1 for all")
	}
	for _, v := range []struct {
		to         *snapshot.Span
		name, what string
	}{{&f.policy.Within, "", "all"}, {&f.policy.WithinHourly, "-hourly", "the newest of each hour"}, {&f.policy.WithinDaily, "-daily", "the newest of each day"},
		{&f.policy.WithinWeekly, "-weekly", "the newest of each week"}, {&f.policy.WithinMonthly, "-monthly", "the newest of each month"}, {&f.policy.WithinYearly, "-yearly", "the newest of each year"}} {
		c.Flags().Var((*span)(v.to), "keep-within"+v.name, "keep "+v.what+" within a `time` before the newest, such as 1y6m or 30d")
	}
	c.Flags().StringArrayVar(&f.keepTags, "keep-tag", nil, "keep snapshots with all of these `words` (a,b); may be given several times")
}

// count is a flag: a number, or -1 or unlimited for all.
type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }
func (c *count) Type() string   { return "n" }

func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if text == "unlimited" {
		n, err = -1, nil
	}
	if err != nil || n < -1 {
		return errors.New("a number is wanted, or -1 for all")
	}
	*c = count(n)
	return nil
}

// span is a flag: a time such as 1y6m.
type span snapshot.Span

func (s *span) String() string { return snapshot.Span(*s).String() }
func (s *span) Type() string   { return "time" }

func (s *span) Set(text string) error {
	parsed, err := snapshot.ParseSpan(text)
	*s = span(parsed)
	return err
}

func (p *program) forget(ctx context.Context, f forgetFlags, args []string) error {
	for _, tags := range f.keepTags {
		f.policy.Tags = append(f.policy.Tags, strings.Split(tags, ","))
	}
	by, err := snapshot.ParseGroupBy(f.groupBy)
	switch {
	case err != nil:
		return fmt.Errorf("--group-by %s: %w", f.groupBy, err)
	case f.undo && (f.brakeOff || f.lastCopies || !f.policy.Empty()), f.brakeOff && (f.lastCopies || !f.policy.Empty()):
		return errors.New("--undo and --brake-off stand alone: they forget nothing")
	case len(args) > 0 && !f.policy.Empty():
		return errors.New("name snapshots to forget, or say with --keep-... what to keep: not both")
	case f.undo:
		return p.undoForget(ctx, f, args)
	case f.brakeOff:
		return p.brakeOff(ctx, args)
	case len(args) == 0 && f.policy.Empty():
		return errors.New("say what to keep, such as --keep-daily 7, or name the snapshots to forget. Until then everything is kept")
	}
	r, all, err := p.library(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	o := p.forgetOptions(f)
	var names []string
	var held error
	if len(args) > 0 {
		names, err = p.forgetNamed(all, args, &o)
	} else {
		names, held, err = p.forgetByPolicy(ctx, r, all, f, by, &o)
	}
	if err != nil {
		return err
	}
	if err := p.forgetAll(ctx, r, f, names, o); err != nil {
		return err
	}
	if f.prune && !f.dryRun { // before it is forgotten, nothing would come back
		if err := p.pruneOpen(ctx, r, usually()); err != nil {
			return err
		}
	}
	return held
}

func (p *program) forgetOptions(f forgetFlags) snapshot.ForgetOptions {
	return snapshot.ForgetOptions{DryRun: f.dryRun, LastCopies: f.lastCopies, Reasons: make(map[string]string), Host: hostName(), Program: "shoebox " + versionText(),
		Now: p.now, Log: func(line string) { p.tell("%s", line) }}
}

// hostName is what backups of this computer call it, too.
func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

// forgetNamed finds the snapshots a person names. attic:PATTERN is a part of an attic.
func (p *program) forgetNamed(all []snapshot.Snapshot, args []string, o *snapshot.ForgetOptions) (names []string, err error) {
	var parts []snapshot.Pattern
	for _, arg := range args {
		text, pattern, partly := strings.Cut(arg, ":")
		s, err := snapshot.Resolve(all, text, p.now(), p.zone)
		if err != nil && len(text) == 32 {
			s.Name, err = text, nil // it may not open, and be wished away for that
		}
		if err != nil {
			return nil, err
		}
		if partly {
			one, err := snapshot.CompilePattern(pattern, false)
			if err != nil {
				return nil, err
			}
			parts = append(parts, one)
		}
		names = append(names, s.Name)
		o.Reasons[s.Name] = "named on the command line"
	}
	switch {
	case len(parts) == 0:
		return names, nil
	case len(parts) < len(args):
		return nil, errors.New("forget whole snapshots or parts of the attic, one after the other")
	case !o.LastCopies:
		return nil, errors.New("what is in the attic is nowhere else. --last-copies lets go of it for good")
	}
	o.Only = func(e snapshot.Entry) bool { return snapshot.MatchAny(parts, e.Path) }
	return names, nil
}

// forgetByPolicy finds the snapshots that no rule keeps, and says so. Devices whose brake is on are passed over: held tells of it.
func (p *program) forgetByPolicy(ctx context.Context, r *repo.Repo, all []snapshot.Snapshot, f forgetFlags, by snapshot.GroupBy, o *snapshot.ForgetOptions) (names []string, held, err error) {
	braked, err := snapshot.Braked(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	chosen := filter{f.host, f.device, f.tags}.of(all)
	lists := make([]map[string]any, 0)
	for _, g := range by.Group(chosen) {
		reasons := f.policy.Keep(g.Snapshots, p.now())
		for i, s := range g.Snapshots {
			if b := brakeOf(braked, s); b != nil && !reasons[i].Keep {
				reasons[i] = snapshot.Reason{Keep: true, Why: []string{"the brake is on"}}
				held = &exitError{code: exitFailed}
			}
			if !reasons[i].Keep {
				names = append(names, s.Name)
				o.Reasons[s.Name] = strings.Join(reasons[i].Why, "; ")
			}
		}
		lists = append(lists, groupJSON(g, reasons))
		p.groupSaid(g, reasons)
	}
	if p.flags.json {
		err = p.printJSON(lists)
	}
	if held != nil {
		for _, s := range braked {
			p.complain("%s", brakeText(s))
		}
	}
	return names, held, err
}

func brakeOf(braked []snapshot.Snapshot, s snapshot.Snapshot) *snapshot.Snapshot {
	for i := range braked {
		if braked[i].Device.ID == s.Device.ID {
			return &braked[i]
		}
	}
	return nil
}

// forgetAll forgets, and says what became of what only the forgotten held.
func (p *program) forgetAll(ctx context.Context, r *repo.Repo, f forgetFlags, names []string, o snapshot.ForgetOptions) error {
	o.Confirm = func(going *snapshot.Forgotten) error { return p.confirmLast(ctx, f, going) }
	did, err := snapshot.Forget(ctx, r, names, o)
	if err != nil {
		return err
	}
	if f.dryRun && f.lastCopies {
		p.goingSaid(did, "would go")
	}
	return p.forgottenSaid(did, f)
}

func (p *program) undoForget(ctx context.Context, f forgetFlags, args []string) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	names, err := p.forgottenNames(ctx, r, args)
	if err != nil {
		return err
	}
	if f.dryRun {
		return errors.New("--undo has no dry run: it only adds")
	}
	back, err := snapshot.Undo(ctx, r, names, p.forgetOptions(f))
	for _, s := range back {
		p.tell("%s of %s, taken %s, is back.", short(s.Name), s.Device.Name, p.timeText(s.Start))
	}
	switch {
	case err != nil:
		return err
	case p.flags.json:
		list := make([]map[string]any, 0, len(back))
		for _, s := range back {
			list = append(list, snapshotJSON(s))
		}
		return p.printJSON(list)
	case len(back) == 0:
		p.tell("What was forgotten is back already.")
	}
	return nil
}

// forgottenNames finds forgotten snapshots by the beginning of their IDs.
func (p *program) forgottenNames(ctx context.Context, r *repo.Repo, args []string) (names []string, err error) {
	if len(args) == 0 {
		return nil, nil
	}
	standing, pruned, err := snapshot.ListForgotten(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, s := range standing {
		pruned = append(pruned, s.Name)
	}
	for _, arg := range args {
		var found []string
		for _, name := range pruned {
			if arg != "" && strings.HasPrefix(name, strings.ToLower(arg)) {
				found = append(found, name)
			}
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%s forgotten snapshots are called %q", amount.Number(int64(len(found))), arg)
		}
		names = append(names, found[0])
	}
	return names, nil
}

func (p *program) brakeOff(ctx context.Context, devices []string) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	braked, err := snapshot.Braked(ctx, r)
	if err != nil {
		return err
	}
	released := make(map[string]bool)
	for _, s := range braked {
		name := ""
		for _, d := range devices {
			if strings.EqualFold(d, s.Device.Name) || strings.EqualFold(d, s.Device.ID) {
				name = d
			}
		}
		if len(devices) > 0 && name == "" {
			continue
		}
		if err := snapshot.ReleaseBrake(ctx, r, s); err != nil {
			return err
		}
		released[name] = true
		p.tell("The brake of %s is off; snapshot %s had pulled it.", s.Device.Name, short(s.Name))
	}
	for _, d := range devices {
		if !released[d] {
			return fmt.Errorf("%s is not held by a brake", d)
		}
	}
	if len(released) == 0 {
		p.tell("No brake is on.")
	}
	return nil
}
