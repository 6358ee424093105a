package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

func (p *program) findCommand() *cobra.Command {
	var c chooser
	var f filter
	cmd := &cobra.Command{
		Use:   "find [PATTERN...]",
		Short: "Find pictures in all snapshots",
		Long: `Find pictures in all snapshots: by name or path with a PATTERN (* and ? as in a
shell, ** also crosses folders), by the day they were taken, or both. Each
version of a picture is listed once, with the snapshots that hold it.`,
		Example: `  shoebox find 'IMG_2024*'
  shoebox find --taken 2024-08-12
  shoebox find --ignore-case '*.mov'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && c.taken == "" && len(c.include) == 0 {
				return fmt.Errorf("say what to find: a pattern such as 'IMG_2024*', or --taken 2024-08-12")
			}
			c.include = append(c.include, args...)
			return p.find(cmd, &c, f)
		},
	}
	c.add(cmd)
	f.add(cmd)
	cmd.Flags().BoolVar(&c.fold, "ignore-case", false, "take upper and lower case as the same")
	return cmd
}

func (p *program) find(cmd *cobra.Command, c *chooser, f filter) error {
	if err := c.compile(); err != nil {
		return err
	}
	return p.read(cmd.Context(), func(r *repo.Repo, all []snapshot.Snapshot) error {
		catalog, err := snapshot.ReadCatalogOf(cmd.Context(), r, f.of(all), c.in)
		if err != nil {
			return err
		}
		return p.found(catalog, c)
	})
}

// found tells of what was found in a catalog.
func (p *program) found(catalog *snapshot.Catalog, c *chooser) error {
	found := catalog.Find(func(one snapshot.Picture) bool { return p.pass(c, one.Entry) })
	err := p.together(func() error {
		for _, one := range found {
			if err := p.foundLine(catalog, one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(catalog.Damaged) > 0 {
		return catalog.Damaged[0]
	}
	if len(found) == 0 && !p.flags.json {
		p.tell("Nothing found in %s.", amount.Plural(int64(len(catalog.Snapshots)), "snapshot"))
	}
	return nil
}

func (p *program) foundLine(c *snapshot.Catalog, one snapshot.Picture) error {
	first, last := c.Snapshots[one.First], c.Snapshots[one.Last]
	if p.flags.json {
		m := p.entryJSON(one.Entry)
		m["message_type"], m["first_snapshot"], m["last_snapshot"], m["snapshots"], m["device"] = "match", first.Name, last.Name, one.In, first.Device.Name
		return p.printJSON(m)
	}
	p.say("%s  %9s  taken %s  in %s", lsName(one.Entry), amount.Bytes(one.Size), one.TakenWall(p.zone).Format("2006-01-02 15:04"), p.spanText(first, last))
	return nil
}

// spanText names the snapshots from first to last.
func (p *program) spanText(first, last snapshot.Snapshot) string {
	day := func(s snapshot.Snapshot) string {
		if s.Attic {
			return short(s.Name) + " (attic)"
		}
		return short(s.Name) + " (" + s.Start.In(p.zone).Format("2006-01-02") + ")"
	}
	if first.Name == last.Name {
		return day(first)
	}
	return day(first) + " to " + day(last)
}

func (p *program) historyCommand() *cobra.Command {
	var f filter
	c := &cobra.Command{
		Use:     "history PATH",
		Short:   "Show the versions of one file over all snapshots",
		Example: "  shoebox history DCIM/Camera/IMG_20240812_150405.jpg",
		Args:    words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.read(cmd.Context(), func(r *repo.Repo, all []snapshot.Snapshot) error {
				return p.history(cmd.Context(), r, f.of(all), strings.Trim(args[0], "/"))
			})
		},
	}
	f.add(c)
	return c
}

// history shows one device after the other: what has the same path on two phones is not the same picture.
func (p *program) history(ctx context.Context, r *repo.Repo, all []snapshot.Snapshot, path string) error {
	devices, known := byDevice(all), false
	for _, name := range slices.Sorted(maps.Keys(devices)) {
		versions, err := snapshot.History(ctx, r, devices[name], path)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(versions, func(v snapshot.Version) bool { return !v.Absent }) {
			continue // this device never had it
		}
		known = true
		if err := p.historyOf(name, path, versions); err != nil {
			return err
		}
	}
	if !known {
		return fmt.Errorf("%s is not in any snapshot; `shoebox find '*NAME*'` looks for a part of a name", device.Printable(path))
	}
	return nil
}

// byDevice sorts snapshots by device. Attics come first: what they hold is older than what is around it.
func byDevice(all []snapshot.Snapshot) map[string][]snapshot.Snapshot {
	of := make(map[string][]snapshot.Snapshot)
	for _, attics := range []bool{true, false} {
		for _, s := range all {
			if s.Attic == attics {
				of[s.Device.Name] = append(of[s.Device.Name], s)
			}
		}
	}
	return of
}

func (p *program) historyOf(device, path string, versions []snapshot.Version) error {
	for _, v := range versions {
		what := "not there"
		if !v.Absent {
			what = fmt.Sprintf("%s, changed %s, BLAKE3 %x", amount.Bytes(v.Entry.Size), p.timeText(v.Entry.ModTime), v.Entry.Hash[:8])
		}
		if p.flags.json {
			m := map[string]any{"message_type": "version", "device": device, "path": path, "present": !v.Absent, "first_snapshot": v.First.Name, "last_snapshot": v.Last.Name}
			if !v.Absent {
				m["entry"] = p.entryJSON(v.Entry)
			}
			if err := p.printJSON(m); err != nil {
				return err
			}
			continue
		}
		p.say("%s  %s: %s", device, p.spanText(v.First, v.Last), what)
	}
	return nil
}

func (p *program) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff SNAPSHOT SNAPSHOT",
		Short: "Show what differs between two snapshots",
		Long: `Show what differs between two snapshots: + is new, - is gone, M has other bytes,
U has the same bytes and another time or mode.`,
		Example: `  shoebox diff latest~1 latest
  shoebox diff 2026-11-01 yesterday`,
		Args: words(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.read(cmd.Context(), func(r *repo.Repo, all []snapshot.Snapshot) error {
				two, err := p.resolveAll(all, args)
				if err != nil {
					return err
				}
				return p.diff(cmd.Context(), r, two)
			})
		},
	}
}

func (p *program) diff(ctx context.Context, r *repo.Repo, two []snapshot.Snapshot) error {
	counts := make(map[string]int64)
	for c, err := range snapshot.Diff(ctx, r, two[0], two[1]) {
		if err != nil {
			return err
		}
		sign := signOf(c)
		counts[sign]++
		if err := p.diffLine(sign, c); err != nil {
			return err
		}
	}
	return p.diffSum(two, counts)
}

func signOf(c snapshot.Change) string {
	switch {
	case c.What == snapshot.New:
		return "+"
	case c.What == snapshot.Gone:
		return "-"
	case c.Content:
		return "M"
	}
	return "U"
}

func (p *program) diffLine(sign string, c snapshot.Change) error {
	path := max(c.Old.Path, c.New.Path)
	if p.flags.json {
		return p.printJSON(map[string]any{"message_type": "change", "path": path, "modifier": sign})
	}
	p.say("%s  %s", sign, device.Printable(path))
	return nil
}

func (p *program) diffSum(two []snapshot.Snapshot, n map[string]int64) error {
	if p.flags.json {
		return p.printJSON(map[string]any{"message_type": "statistics", "source_snapshot": two[0].Name, "target_snapshot": two[1].Name,
			"changed_files": n["M"], "touched_files": n["U"], "added": map[string]int64{"files": n["+"]}, "removed": map[string]int64{"files": n["-"]}})
	}
	p.say("%s new, %s gone, %s changed, %s touched, between %s and %s.", amount.Number(n["+"]), amount.Number(n["-"]), amount.Number(n["M"]), amount.Number(n["U"]),
		two[0].Start.In(p.zone).Format(time.DateTime), two[1].Start.In(p.zone).Format(time.DateTime))
	return nil
}
