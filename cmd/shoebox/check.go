package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

func (p *program) checkCommand() *cobra.Command {
	var read string
	var keyless, heal bool
	var from healFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Make sure that everything can be given back",
		Long: `Make sure that everything in the repository can be given back: every snapshot
opens, and every piece it needs is there and whole in length. With --read-data
the bytes are read too, opened and held against their hashes: all of them, or a
share (5%), an amount (2GiB), or for a time (10m). What was read longest ago
comes first, so that a little every night reads everything in turn.

With --heal what is damaged is repaired as "shoebox heal" does. With --keyless no
password is asked for: every object is read and held against its name and
checksum, which anybody can do who looks after the disk.`,
		Example: `  shoebox check
  shoebox check --read-data
  shoebox check --read-data=5%
  shoebox check --read-data=10m
  shoebox check --heal
  shoebox check --keyless -r /mnt/nas/pictures`,
		Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case keyless && (heal || read != ""):
				return errors.New("--keyless reads everything and repairs nothing: give it alone")
			case keyless:
				return p.checkKeyless(cmd.Context())
			}
			budget, err := parseBudget(read)
			if err != nil {
				return err
			}
			err = p.check(cmd, budget)
			if heal && codeOf(cmd.Context(), err) == exitDamage {
				p.tell("%v. Healing:", err)
				return p.heal(cmd.Context(), from, nil)
			}
			return err
		},
	}
	c.Flags().BoolVar(&keyless, "keyless", false, "hold names against bytes without a password")
	c.Flags().BoolVar(&heal, "heal", false, "repair what is damaged")
	from.add(c)
	c.Flags().StringVar(&read, "read-data", "", "read the `bytes` too: all, 5%, 2GiB or 10m")
	c.Flags().Lookup("read-data").NoOptDefVal = "all"
	return c
}

// parseBudget understands "", all, a share, a size and a time.
func parseBudget(text string) (b repo.Budget, err error) {
	bad := fmt.Errorf("--read-data=%s: it is all, a share such as 5%%, a size such as 2GiB, or a time such as 10m", text)
	switch {
	case text == "":
		return b, nil
	case text == "all":
		return repo.Budget{All: true}, nil
	case strings.HasSuffix(text, "%"):
		share, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		if err != nil || !(share > 0 && share <= 100) { // and NaN is neither
			return b, bad
		}
		return repo.Budget{Share: share / 100}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return repo.Budget{Time: d}, nil
	}
	if n, ok := parseBytes(text); ok {
		return repo.Budget{Bytes: n}, nil
	}
	return b, bad
}

// parseBytes understands 2GiB, 2G, 500MB, 100K: units of 1,024, or of 1,000 when they end in a plain B.
func parseBytes(text string) (int64, bool) {
	number := strings.TrimRight(text, "KMGTiB")
	unit := text[len(number):]
	base, power := int64(1024), strings.IndexAny("KMGT", firstOf(unit, " ")[:1])+1
	if len(unit) == 2 && unit[1] == 'B' {
		base = 1000
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n <= 0 || power == 0 && unit != "B" || len(unit) > 3 {
		return 0, false
	}
	for range power {
		n *= float64(base)
	}
	return int64(n), n < 1<<62
}

func (p *program) check(cmd *cobra.Command, budget repo.Budget) error {
	r, err := p.open(cmd.Context())
	if err != nil {
		return err
	}
	defer p.close(r)
	var bytes, looked atomic.Int64
	stop := p.watchCheck(&bytes, &looked)
	report, err := snapshot.Check(cmd.Context(), r, snapshot.CheckOptions{Read: budget, Progress: &bytes, Snapshot: &looked})
	stop()
	if err != nil {
		return err
	}
	p.sweep(cmd.Context())
	return p.checkSaid(report, budget)
}

// leftAlone is how old a half-written file must be before it is taken for what a crash left behind.
const leftAlone = 24 * time.Hour

// sweep removes half-written files that no writer will finish. They take room and harm nothing, so trouble is only told.
func (p *program) sweep(ctx context.Context) {
	store, err := storage.OpenFolder(p.flags.repository)
	if err != nil {
		return // check has just read it, and says what is wrong
	}
	defer store.Close()
	removed, err := store.Sweep(ctx, p.now(), leftAlone)
	if err != nil {
		p.tell("half-written files could not be removed: %v", err)
	}
	if removed > 0 {
		p.tell("%s of interrupted writes removed.", amount.Plural(int64(removed), "leftover"))
	}
}

// watchCheck says now and then how far a check is, when somebody is watching.
func (p *program) watchCheck(bytes, looked *atomic.Int64) (stop func()) {
	if !p.terminal || p.flags.quiet || p.flags.json {
		return func() {}
	}
	text := func() string {
		return fmt.Sprintf("Checking: %s read, %s", amount.Bytes(bytes.Load()), amount.Plural(looked.Load(), "snapshot"))
	}
	p.draw(text())
	return p.moving(text)
}

func (p *program) checkSaid(c *snapshot.Report, budget repo.Budget) error {
	for _, d := range c.Damage {
		if p.flags.json {
			p.printJSONError(map[string]any{"message_type": "error", "item": d.Name, "error": map[string]string{"message": d.Err.Error()}, "during": "check"})
		} else {
			fmt.Fprintf(p.err, "damaged: %s: %v\n", d.Name, d.Err)
		}
	}
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "summary", "num_errors": len(c.Damage), "snapshots": c.Snapshots, "unconfirmed_snapshots": c.Unconfirmed, "packs": c.Packs,
			"segments": c.Segments, "bytes": c.PackBytes, "packs_read": c.Scrubbed.Packs, "bytes_read": c.Scrubbed.Bytes, "chunks_read": c.Scrubbed.Chunks,
			"every_byte_read_since": unixOrNil(c.Scrubbed.Oldest)})
	}
	if len(c.Damage) > 0 {
		return &exitError{exitDamage, fmt.Errorf("the repository is damaged: %s. What is not named above can be restored", amount.Plural(int64(len(c.Damage)), "fault"))}
	}
	if p.flags.json || p.flags.quiet {
		return nil
	}
	p.say("No damage: %s, %s in %s.", amount.Plural(int64(c.Snapshots), "snapshot"), amount.Bytes(c.PackBytes), amount.Plural(int64(c.Packs), "pack"))
	switch {
	case budget.None():
		p.say("The bytes themselves were not read; `shoebox check --read-data` does that.")
	case c.Scrubbed.Oldest.IsZero():
		p.say("%s read and found right; others were never read on this computer.", amount.Bytes(c.Scrubbed.Bytes))
	default:
		p.say("%s read and found right. Every byte was read since %s.", amount.Bytes(c.Scrubbed.Bytes), p.timeText(c.Scrubbed.Oldest))
	}
	return nil
}

func unixOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
