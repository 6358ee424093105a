package main

import (
	"bufio"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// chooser chooses entries of a snapshot.
type chooser struct {
	include, exclude []string
	taken            string
	paths            []string // folders or files, as given beside the snapshot
	fold             bool

	in, out []snapshot.Pattern
}

func (c *chooser) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&c.include, "include", "i", nil, "only what matches a `pattern`; may be given several times")
	cmd.Flags().StringArrayVarP(&c.exclude, "exclude", "e", nil, "not what matches a `pattern`; may be given several times")
	cmd.Flags().StringVar(&c.taken, "taken", "", "only pictures taken on a `date`: 2024, 2024-08 or 2024-08-12")
}

// compile reads the patterns; paths are taken literally.
func (c *chooser) compile() error {
	if c.taken != "" && !isDate(c.taken) {
		return fmt.Errorf("--taken %s: it is a year, a month or a day, such as 2024, 2024-08 or 2024-08-12", c.taken)
	}
	for _, list := range []struct {
		texts []string
		to    *[]snapshot.Pattern
	}{{c.include, &c.in}, {c.exclude, &c.out}} {
		for _, text := range list.texts {
			one, err := snapshot.CompilePattern(text, c.fold)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, one)
		}
	}
	return nil
}

// isDate tells whether a text is a year, a month or a day.
func isDate(text string) bool {
	for _, layout := range []string{"2006", "2006-01", time.DateOnly} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// pass tells whether an entry is chosen.
func (p *program) pass(c *chooser, e snapshot.Entry) bool {
	if len(c.in) > 0 && !snapshot.MatchAny(c.in, e.Path) || snapshot.MatchAny(c.out, e.Path) {
		return false
	}
	if c.taken != "" && !strings.HasPrefix(e.TakenWall(p.zone).Format("2006-01-02"), c.taken) {
		return false
	}
	if len(c.paths) == 0 {
		return true
	}
	for _, path := range c.paths {
		if e.Path == path || strings.HasPrefix(e.Path, path+"/") {
			return true
		}
	}
	return false
}

func (c *chooser) addPaths(first string, args []string) {
	for _, path := range append([]string{first}, args...) {
		if path = strings.Trim(path, "/"); path != "" {
			c.paths = append(c.paths, path)
		}
	}
}

func (p *program) lsCommand() *cobra.Command {
	var c chooser
	var long, byDate bool
	cmd := &cobra.Command{
		Use:   "ls SNAPSHOT[:PATH] [PATH...]",
		Short: "List the files in a snapshot",
		Example: `  shoebox ls latest
  shoebox ls latest:DCIM/Camera -l
  shoebox ls latest --by-date --taken 2024-08
  shoebox ls 2026-11-20 -i '*.mp4'`,
		Args: words(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.compile(); err != nil {
				return err
			}
			return p.readOne(cmd.Context(), args[0], func(r *repo.Repo, s snapshot.Snapshot, path string) error {
				c.addPaths(path, args[1:])
				return p.together(func() error {
					if byDate {
						return p.lsByDate(cmd, r, s, &c)
					}
					return p.ls(snapshot.EntriesAt(cmd.Context(), r, s, c.paths...), &c, long)
				})
			})
		},
	}
	c.add(cmd)
	cmd.Flags().BoolVarP(&long, "long", "l", false, "show size, time and the day each picture was taken")
	cmd.Flags().BoolVar(&byDate, "by-date", false, "group by the day the pictures were taken")
	return cmd
}

// together gathers what is printed and writes it in few pieces: a line each would cost more than finding it.
func (p *program) together(print func() error) error {
	to := p.out
	lines := bufio.NewWriterSize(to, 64<<10)
	p.out = lines
	err := print()
	p.out = to
	if flushed := lines.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("print the list: %w", flushed)
	}
	return err
}

func (p *program) ls(entries iter.Seq2[snapshot.Entry, error], c *chooser, long bool) error {
	found := 0
	for e, err := range entries {
		if err != nil {
			return err
		}
		if !p.pass(c, e) {
			continue
		}
		found++
		if err := p.lsLine(e, long); err != nil {
			return err
		}
	}
	if found == 0 && len(c.paths) > 0 {
		return fmt.Errorf("%s %w", strings.Join(c.paths, ", "), snapshot.ErrNoSuchPath)
	}
	return nil
}

func (p *program) lsLine(e snapshot.Entry, long bool) error {
	switch {
	case p.flags.json:
		m := p.entryJSON(e)
		m["message_type"] = "node"
		return p.printJSON(m)
	case long:
		p.say("%9s  %s  %s (%s)  %s", amount.Bytes(e.Size), p.timeText(e.ModTime), e.TakenWall(p.zone).Format("2006-01-02 15:04"), e.Photo.Source, lsName(e))
	default:
		p.say("%s", lsName(e))
	}
	return nil
}

func lsName(e snapshot.Entry) string {
	if e.Type == device.Symlink {
		return device.Printable(e.Path) + " -> " + device.Printable(e.Target)
	}
	return device.Printable(e.Path)
}

func (p *program) lsByDate(cmd *cobra.Command, r *repo.Repo, s snapshot.Snapshot, c *chooser) error {
	catalog, err := snapshot.ReadCatalog(cmd.Context(), r, []snapshot.Snapshot{s})
	if err != nil {
		return err
	}
	for _, day := range catalog.Days(p.zone, func(one snapshot.Picture) bool { return p.pass(c, one.Entry) }) {
		if p.flags.json {
			list := make([]map[string]any, 0, len(day.Pictures))
			for _, one := range day.Pictures {
				list = append(list, p.entryJSON(one.Entry))
			}
			if err := p.printJSON(map[string]any{"message_type": "day", "date": day.Date.Format("2006-01-02"), "nodes": list}); err != nil {
				return err
			}
			continue
		}
		p.say("%s  %s", day.Date.Format("Monday, 2 January 2006"), amount.Plural(int64(len(day.Pictures)), "file"))
		for _, one := range day.Pictures {
			p.say("  %s  %9s  %s", one.TakenWall(p.zone).Format("15:04"), amount.Bytes(one.Size), lsName(one.Entry))
		}
	}
	if len(catalog.Damaged) > 0 {
		return catalog.Damaged[0]
	}
	return nil
}
