package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"shoebox/device"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// groupSaid lists the snapshots of a group, each with what becomes of it and why.
func (p *program) groupSaid(g snapshot.Group, reasons []snapshot.Reason) {
	if p.flags.json || p.flags.quiet {
		return
	}
	kept := int64(0)
	for _, r := range reasons {
		if r.Keep {
			kept++
		}
	}
	p.say("%s: keep %s, forget %s.", groupText(g), amount.Number(kept), amount.Number(int64(len(reasons))-kept))
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTaken\tFiles\tTags\tDo\tReasons")
	for i, s := range g.Snapshots {
		do := "forget"
		if reasons[i].Keep {
			do = "keep"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", short(s.Name), p.timeText(s.Start), amount.Number(s.Count.Files), strings.Join(s.Tags, ","), do, strings.Join(reasons[i].Why, ", "))
	}
	_ = w.Flush() // as everything that is said
	p.say("")
}

func groupText(g snapshot.Group) string {
	parts := []string{"Snapshots"}
	if g.Device.Name != "" {
		parts = append(parts, "of "+g.Device.Name)
	}
	if paths := strings.Join(g.Paths, ", "); paths != "" && paths != g.Device.Name {
		parts = append(parts, "("+device.Printable(paths)+")")
	}
	if g.Host != "" {
		parts = append(parts, "taken by "+g.Host)
	}
	if len(g.Tags) > 0 {
		parts = append(parts, "tagged "+strings.Join(g.Tags, ", "))
	}
	return strings.Join(parts, " ")
}

// groupJSON has restic's field names, and after them our own.
func groupJSON(g snapshot.Group, reasons []snapshot.Reason) map[string]any {
	keep, remove, why := make([]map[string]any, 0), make([]map[string]any, 0), make([]map[string]any, 0)
	for i, s := range g.Snapshots {
		one := snapshotJSON(s)
		if reasons[i].Keep {
			keep = append(keep, one)
		} else {
			remove = append(remove, one)
		}
		why = append(why, map[string]any{"snapshot": one, "matches": reasons[i].Why, "keep": reasons[i].Keep})
	}
	return map[string]any{"tags": g.Tags, "host": g.Host, "paths": g.Paths, "keep": keep, "remove": remove, "reasons": why, "device": g.Device.Name}
}

// forgottenSaid ends a forget in a sentence or two.
func (p *program) forgottenSaid(did *snapshot.Forgotten, f forgetFlags) error {
	if p.flags.json {
		names := func(all []snapshot.Snapshot) []string {
			list := make([]string, 0, len(all))
			for _, s := range all {
				list = append(list, s.Name)
			}
			return list
		}
		return p.printJSON(map[string]any{"message_type": "summary", "dry_run": f.dryRun, "forgotten": names(did.Snapshots), "attics": names(did.Attics),
			"carried": p.lastJSON(did.Carried), "let_go": p.lastJSON(did.Going), "unreadable": len(did.Unreadable)})
	}
	if p.flags.quiet {
		return nil
	}
	would := ""
	if f.dryRun {
		would = "would be "
	}
	n, carried, going := int64(len(did.Snapshots)), int64(len(did.Carried)), int64(len(did.Going))
	if n > 0 || carried+going == 0 {
		p.say("%s %sforgotten.", amount.Plural(n, "snapshot"), would)
	}
	if carried > 0 {
		p.say("%s, %s, %smoved into the attic, as no remaining snapshot holds the same.", amount.Plural(carried, "file"), amount.Bytes(bytesOf(did.Carried)), would)
	}
	if going > 0 {
		p.say("%s, %s, %slet go for good.", amount.Plural(going, "last copy"), amount.Bytes(bytesOf(did.Going)), would)
	}
	if n > 0 && !f.dryRun && !f.prune {
		p.tell("Until the next prune, `shoebox forget --undo` brings back what was forgotten.")
	}
	return nil
}

func bytesOf(all []snapshot.LastCopy) (n int64) {
	for _, x := range all {
		n += x.Size
	}
	return n
}

func (p *program) lastJSON(all []snapshot.LastCopy) []map[string]any {
	list := make([]map[string]any, 0, len(all))
	for _, x := range all {
		m := p.entryJSON(x.Entry)
		m["snapshot"], m["device"] = x.Snapshot.Name, x.Snapshot.Device.Name
		list = append(list, m)
	}
	return list
}

// goingSaid lists what goes for good.
func (p *program) goingSaid(did *snapshot.Forgotten, how string) {
	if p.flags.json {
		return
	}
	for _, x := range did.Going {
		p.say("%s  %9s  taken %s  of %s  %s", how, amount.Bytes(x.Size), x.TakenWall(p.zone).Format("2006-01-02 15:04"), x.Snapshot.Device.Name, device.Printable(x.Path))
	}
	for _, err := range did.Unreadable {
		p.say("%s  %v", how, err)
	}
}

// confirmLast lists what would go for good, and asks.
func (p *program) confirmLast(ctx context.Context, f forgetFlags, did *snapshot.Forgotten) error {
	n := int64(len(did.Going) + len(did.Unreadable))
	if n == 0 {
		return nil
	}
	p.goingSaid(did, "goes")
	p.complain("%s, %s, in no other snapshot: after the next prune nobody can bring that back.", amount.Plural(n, "last copy"), amount.Bytes(bytesOf(did.Going)))
	switch {
	case f.yes:
		return nil
	case !p.terminal:
		return errors.New("nothing was forgotten: nobody is there to be asked. --yes stands for the answer")
	}
	fmt.Fprintf(p.err, "Type %d to let go of it for good: ", n)
	lines := bufio.NewReader(p.in)
	line, err := answer(ctx, func() (string, error) { return lines.ReadString('\n') })
	if err != nil && line == "" {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(line) != fmt.Sprint(n) {
		return errors.New("nothing was forgotten")
	}
	return nil
}

// brakeText is what a person must know of a brake.
func brakeText(s snapshot.Snapshot) string {
	b := s.Brake
	return fmt.Sprintf(`ATTENTION: of the %s of %s, %s vanished and %s changed.
What there was before is safe in the earlier snapshots, and what there is now is in
snapshot %s. Look whether this is right: "shoebox diff %s %s".
Until then no snapshot of %s is forgotten. When all is well:
    shoebox forget --brake-off %q`, amount.Plural(b.Of, "picture"), s.Device.Name, amount.Number(b.Gone), amount.Number(b.Changed), short(s.Name), short(s.Parent), short(s.Name), s.Device.Name, s.Device.Name)
}
