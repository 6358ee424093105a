package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

// healFlags say where to look for what the repository has lost.
type healFlags struct {
	fromRepo     string
	fromPassword string
	backup       backupFlags // for the phone
}

func (p *program) healCommand() *cobra.Command {
	var f healFlags
	c := &cobra.Command{
		Use:   "heal [SOURCE...]",
		Short: "Repair what is damaged",
		Long: `Repair what is damaged, as far as it can be done: from parity and second copies in
the repository itself; then from another repository that holds the same pictures
(--from-repo); then from the phones and folders named, where they still hold the
same bytes. Every repair is read back. Nothing is deleted: what is beyond repair
is moved to quarantine/ once everything readable in it is safe elsewhere. What
stays lost is named.`,
		Example: `  shoebox heal
  shoebox heal --from-repo /mnt/usb/shoebox
  shoebox heal phone: ~/Pictures`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.heal(cmd.Context(), f, args) },
	}
	f.add(c)
	return c
}

func (f *healFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.fromRepo, "from-repo", "", "another `repository` that may hold the same pictures")
	c.Flags().StringVar(&f.fromPassword, "from-password-file", "", "the `file` with its password; else the same secret is tried")
	c.Flags().StringVarP(&f.backup.serial, "serial", "s", "", "the phone with this `serial` number")
}

func (p *program) heal(ctx context.Context, f healFlags, args []string) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	o := snapshot.HealOptions{Progress: new(vault.Progress)}
	if !p.flags.json {
		o.Log = func(line string) { p.tell("%s", line) }
	}
	for _, arg := range args {
		src, err := p.source(ctx, r, f.backup, arg)
		if err != nil {
			return err
		}
		defer src.close()
		o.Sources = append(o.Sources, src.Source)
	}
	if f.fromRepo != "" {
		other, err := p.openOther(ctx, f)
		if err != nil {
			return fmt.Errorf("open the other repository %s: %w", f.fromRepo, err)
		}
		defer p.close(other)
		o.From = append(o.From, other)
	}
	stop := p.watchVault("Healing", o.Progress)
	report, err := snapshot.Heal(ctx, r, o)
	stop()
	if err != nil {
		return err
	}
	return p.healSaid(report)
}

// openOther opens a second repository: with its own password file, or with the secrets of the first.
func (p *program) openOther(ctx context.Context, f healFlags) (*repo.Repo, error) {
	store, err := storage.OpenFolder(f.fromRepo)
	if err != nil {
		return nil, err
	}
	var secrets []crypt.Secret
	if f.fromPassword != "" {
		password, err := readPasswordFile(f.fromPassword)
		if err != nil {
			return nil, err
		}
		s, err := crypt.PassphraseSecret(password)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, s)
	} else if secrets, _, err = p.secrets(ctx); err != nil {
		return nil, err
	}
	if s, err := crypt.PassphraseSecret(crypt.PublishedPassphrase); err == nil {
		secrets = append(secrets, s)
	}
	r, err := repo.Open(ctx, store, secrets, p.repoOptions())
	if errors.Is(err, crypt.ErrWrongKey) {
		err = fmt.Errorf("%w; name the file with its password: --from-password-file", err)
	}
	return r, err
}

// watchVault shows how far a walk over all objects is.
func (p *program) watchVault(doing string, w *vault.Progress) (stop func()) {
	if !p.terminal || p.flags.quiet || p.flags.json {
		return func() {}
	}
	return p.moving(func() string {
		return fmt.Sprintf("%s: %s of %s looked at", doing, amount.Bytes(w.Bytes.Load()), amount.Bytes(w.AllBytes.Load()))
	})
}

func (p *program) healSaid(h *snapshot.HealReport) error {
	for _, d := range h.Lost {
		if p.flags.json {
			p.printJSONError(map[string]any{"message_type": "error", "item": d.Name, "error": map[string]string{"message": d.Err.Error()}, "during": "heal"})
		} else {
			p.complain("lost: %s: %v", d.Name, d.Err)
		}
	}
	if p.flags.json {
		for _, c := range h.Corrected {
			_ = p.printJSON(map[string]any{"message_type": "corrected", "item": c.Name, "from": c.From, "what": c.What})
		}
		for _, g := range h.Regained {
			_ = p.printJSON(map[string]any{"message_type": "regained", "item": g.Path, "from": g.From})
		}
		_ = p.printJSON(map[string]any{"message_type": "summary", "corrected": len(h.Corrected), "quarantined": len(h.Quarantined), "chunks_saved": h.Rehomed,
			"packs_adopted": h.Adopted, "files_regained": len(h.Regained), "num_errors": len(h.Lost)})
	}
	if len(h.Lost) > 0 {
		return &exitError{exitDamage, fmt.Errorf("%s could not be healed: see above. Other sources may help: `shoebox heal phone:`, `shoebox heal FOLDER`, `shoebox heal --from-repo DIR`",
			amount.Plural(int64(len(h.Lost)), "fault"))}
	}
	if p.flags.json || p.flags.quiet {
		return nil
	}
	if len(h.Corrected)+len(h.Quarantined)+len(h.Regained)+h.Adopted == 0 {
		p.say("Nothing to heal.")
		return nil
	}
	p.say("All is well again: %s made, %s brought back from elsewhere.", amount.Plural(int64(len(h.Corrected)), "correction"), amount.Plural(int64(len(h.Regained)), "file"))
	if len(h.Quarantined) > 0 {
		p.say("%s beyond repair moved to quarantine/, after %s were saved out of them.", amount.Plural(int64(len(h.Quarantined)), "object"), amount.Plural(h.Rehomed, "chunk"))
	}
	return nil
}
