package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// filter chooses snapshots.
type filter struct {
	host, device string
	tags         []string
}

func (f *filter) add(c *cobra.Command) {
	c.Flags().StringVarP(&f.host, "host", "H", "", "only snapshots taken by this `computer`")
	c.Flags().StringVar(&f.device, "device", "", "only snapshots of this `phone` or folder")
	c.Flags().StringArrayVar(&f.tags, "tag", nil, "only snapshots with this `word`; may be given several times")
}

func (f filter) pass(s snapshot.Snapshot) bool {
	for _, tag := range f.tags {
		if !slices.Contains(s.Tags, tag) {
			return false
		}
	}
	return (f.host == "" || s.Host == f.host) && (f.device == "" || strings.EqualFold(s.Device.Name, f.device))
}

func (f filter) of(all []snapshot.Snapshot) (chosen []snapshot.Snapshot) {
	for _, s := range all {
		if f.pass(s) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func (p *program) snapshotsCommand() *cobra.Command {
	var f filter
	c := &cobra.Command{
		Use:   "snapshots [SNAPSHOT...]",
		Short: "List the snapshots by date",
		Long: `List the snapshots, oldest first. Wherever a SNAPSHOT is asked for you can say:
the beginning of its ID, "latest", "latest~2" for two before it, a date such as
2026-11-20 for the last one of that day, "today" or "yesterday". "attic" is the
snapshot of last copies: what only forgotten snapshots held.`,
		Example: `  shoebox snapshots
  shoebox snapshots --device anna
  shoebox snapshots yesterday`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.read(cmd.Context(), func(_ *repo.Repo, all []snapshot.Snapshot) (err error) {
				chosen := f.of(all)
				if len(args) > 0 {
					if chosen, err = p.resolveAll(chosen, args); err != nil {
						return err
					}
				}
				return p.together(func() error { return p.listSnapshots(chosen) })
			})
		},
	}
	f.add(c)
	return c
}

func (p *program) resolveAll(all []snapshot.Snapshot, texts []string) (chosen []snapshot.Snapshot, err error) {
	for _, text := range texts {
		s, err := snapshot.Resolve(all, text, p.now(), p.zone)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

func (p *program) listSnapshots(all []snapshot.Snapshot) error {
	if p.flags.json {
		list := make([]map[string]any, 0, len(all))
		for _, s := range all {
			list = append(list, snapshotJSON(s))
		}
		return p.printJSON(list)
	}
	if len(all) == 0 {
		p.say("No snapshots yet. `shoebox backup` takes one.")
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTaken\tOf\tFiles\tSize\tNew\tRemarks")
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", short(s.Name), p.timeText(s.Start), s.Device.Name, amount.Number(s.Count.Files), amount.Bytes(s.Count.Bytes),
			amount.Number(s.Count.New+s.Count.Changed), remarks(s))
	}
	return w.Flush()
}

func remarks(s snapshot.Snapshot) string {
	var all []string
	if s.Attic {
		all = append(all, "attic")
	}
	if s.Brake != nil {
		all = append(all, fmt.Sprintf("%s gone, %s changed", amount.Number(s.Brake.Gone), amount.Number(s.Brake.Changed)))
	}
	if s.Partial {
		all = append(all, "partial")
	}
	if s.Count.Failed > 0 {
		all = append(all, amount.Number(s.Count.Failed)+" not readable")
	}
	return strings.Join(append(all, s.Tags...), ", ")
}

// snapshotJSON has restic's field names, and after them our own.
func snapshotJSON(s snapshot.Snapshot) map[string]any {
	m := map[string]any{
		"time": s.Start, "paths": s.Roots, "hostname": s.Host, "tags": s.Tags, "id": s.Name, "short_id": short(s.Name), "parent": s.Parent, "program_version": s.Program,
		"summary": map[string]any{"backup_start": s.Start, "backup_end": s.End, "files_new": s.Count.New, "files_changed": s.Count.Changed,
			"files_unmodified": s.Count.Unchanged, "data_added": s.Count.Fresh, "data_added_packed": s.Count.Stored,
			"total_files_processed": s.Count.Files, "total_bytes_processed": s.Count.Bytes},
		"device": s.Device.Name, "device_kind": s.Device.Kind, "model": s.Device.Model, "partial": s.Partial, "files_gone": s.Count.Gone, "files_failed": s.Count.Failed,
		"failed": failedJSON(s.Failed),
	}
	if s.Attic {
		m["attic"] = true
	}
	if s.Brake != nil {
		m["brake"] = brakeJSON(s.Brake)
	}
	return m
}

func failedJSON(failed []snapshot.Failure) []map[string]string {
	list := make([]map[string]string, 0, len(failed))
	for _, f := range failed {
		list = append(list, map[string]string{"path": f.Path, "reason": f.Reason})
	}
	return list
}

// entryJSON has restic's field names, and after them our own.
func (p *program) entryJSON(e snapshot.Entry) map[string]any {
	kind := "file"
	m := map[string]any{"path": e.Path, "size": e.Size, "mode": e.Mode, "mtime": jsonTime(e.ModTime), "name": e.Path[strings.LastIndexByte(e.Path, '/')+1:]}
	if !utf8.ValidString(e.Path) {
		m["path_bytes"] = []byte(e.Path) // in base64: JSON knows no other bytes than those of letters
	}
	if e.Target != "" {
		kind, m["linktarget"] = "symlink", e.Target
	} else {
		m["blake3"] = fmt.Sprintf("%x", e.Hash)
		m["taken"], m["taken_from"] = takenText(e), e.Photo.Source.String()
		m["media_type"], m["camera"] = e.Photo.Type, e.Photo.Camera
		m["width"], m["height"], m["orientation"] = e.Photo.Width, e.Photo.Height, e.Photo.Orientation
	}
	m["type"] = kind
	return m
}

// jsonTime is a time as JSON has it; beyond the years that have a form there, seconds since 1970.
func jsonTime(t time.Time) any {
	if y := t.Year(); y < 0 || y > 9999 {
		return t.Unix()
	}
	return t
}

// takenText is the time a picture was taken; without a zone when that is not known.
func takenText(e snapshot.Entry) string {
	if e.Photo.Zoned {
		return e.Photo.Taken.Format(time.RFC3339)
	}
	return e.Photo.Taken.Format("2006-01-02T15:04:05")
}
