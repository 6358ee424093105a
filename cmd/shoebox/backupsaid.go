package main

import (
	"fmt"
	"strings"
	"time"

	"shoebox/device"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// backupSaid ends a backup in one sentence a person understands, or one line of JSON in restic's words.
func (p *program) backupSaid(s snapshot.Snapshot, f backupFlags, took time.Duration) {
	if p.flags.json {
		_ = p.printJSON(backupSummary(s, f.dryRun, took))
		return
	}
	if s.Brake != nil {
		defer func() { p.complain("%s", brakeText(s)) }() // last, as it matters most
	}
	if len(s.Silent) > 0 {
		defer func() { p.complain("%s", silentText(s)) }()
	}
	if p.flags.quiet && s.Count.Failed == 0 {
		return
	}
	c := s.Count
	if f.dryRun {
		p.say("%s: %s in %s would be safe; %s to read, in %s.", s.Device.Name, amount.Plural(c.Files, "file"), amount.Bytes(c.Bytes), amount.Bytes(c.Read), changesText(c))
		return
	}
	p.say("%s: %s safe, %s (%s). %s added to the repository in %s. Snapshot %s.", s.Device.Name, amount.Plural(c.Files, "file"), amount.Bytes(c.Bytes), changesText(c),
		amount.Bytes(c.Stored), durationText(took), short(s.Name))
	if s.Partial {
		p.say("The snapshot is partial: the device was lost before the end.")
	}
	if c.Failed > 0 {
		p.say("%s could not be read, as said above. The rest is safe.", amount.Plural(c.Failed, "file"))
	}
}

// silentText tells of files whose bytes are others though nothing else is: what was there before is in the snapshot before.
func silentText(s snapshot.Snapshot) string {
	return fmt.Sprintf("ATTENTION: %s on %s has other bytes than before, with the same size and time: %s%s. An app may do so, or the storage may be failing. "+
		"The older bytes are in the snapshot before: `shoebox history %s`", amount.Plural(int64(len(s.Silent)), "file"), s.Device.Name, device.Printable(s.Silent[0]), andMore(len(s.Silent)-1), device.Printable(s.Silent[0]))
}

func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

func changesText(c snapshot.Count) string {
	var parts []string
	for _, v := range []struct {
		n    int64
		word string
	}{{c.New, "new"}, {c.Changed, "changed"}, {c.Gone, "gone"}} {
		if v.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", amount.Number(v.n), v.word))
		}
	}
	if len(parts) == 0 {
		return "nothing changed"
	}
	return strings.Join(parts, ", ")
}

// brakeJSON says how much was lost when it was enough to pull the brake.
func brakeJSON(b *snapshot.Brake) any {
	if b == nil {
		return nil
	}
	return map[string]int64{"gone": b.Gone, "changed": b.Changed, "of": b.Of}
}

// backupSummary has restic's field names, and after them our own.
func backupSummary(s snapshot.Snapshot, dryRun bool, took time.Duration) map[string]any {
	c := s.Count
	return map[string]any{
		"message_type": "summary", "dry_run": dryRun, "files_new": c.New, "files_changed": c.Changed, "files_unmodified": c.Unchanged,
		"total_files_processed": c.Files, "total_bytes_processed": c.Bytes, "data_added": c.Fresh, "data_added_packed": c.Stored,
		"total_duration": took.Seconds(), "backup_start": s.Start, "backup_end": s.End, "snapshot_id": s.Name,
		"files_gone": c.Gone, "files_failed": c.Failed, "bytes_read": c.Read, "partial": s.Partial, "device": s.Device.Name, "brake": brakeJSON(s.Brake), "silent": s.Silent,
	}
}
