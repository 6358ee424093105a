package main

import (
	"context"
	"fmt"

	"shoebox/repo/vault"
	"shoebox/snapshot/amount"
)

// checkKeyless reads every object and holds it against its name or its checksum: nobody is asked for a password.
func (p *program) checkKeyless(ctx context.Context) error {
	store, err := p.store()
	if err != nil {
		return err
	}
	progress := new(vault.Progress)
	stop := p.watchVault("Checking", progress)
	report, err := vault.New(store, false).Verify(ctx, vault.Options{Progress: progress})
	stop()
	if err != nil {
		return err
	}
	heals := 0
	for _, d := range report.Damage {
		if d.Heals {
			heals++
		}
		if p.flags.json {
			p.printJSONError(map[string]any{"message_type": "error", "item": d.Name, "heals": d.Heals, "error": map[string]string{"message": d.Err.Error()}, "during": "check"})
		} else {
			p.complain("damaged: %s: %v", d.Name, d.Err)
		}
	}
	if p.flags.json {
		_ = p.printJSON(map[string]any{"message_type": "summary", "keyless": true, "num_errors": len(report.Damage), "packs": report.Packs, "small_objects": report.Small,
			"bytes_read": report.Bytes, "without_parity": report.Bare})
	}
	if len(report.Damage) > 0 {
		return &exitError{exitDamage, fmt.Errorf("the repository is damaged: %s, of which `shoebox heal` can mend %s by what lies in it", amount.Plural(int64(len(report.Damage)), "fault"), amount.Number(int64(heals)))}
	}
	if !p.flags.json && !p.flags.quiet {
		p.say("No damage: %s and %s, %s, are what their names and checksums say.", amount.Plural(int64(report.Packs), "pack"), amount.Plural(int64(report.Small), "small object"), amount.Bytes(report.Bytes))
		p.say("Whether that is everything only a check with the password can tell.")
	}
	return nil
}
