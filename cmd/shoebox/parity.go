package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/repo/vault"
)

func (p *program) parityCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "parity",
		Short: "Keep what heals damage, or give its room back",
		Long: `Beside every pack lies a small file (3 % of it) that heals any damaged stretch of
up to 2.3 % of the pack, and of everything small there is a second copy. Both are
made by themselves; a repository on storage that heals itself may do without.`,
		Example: `  shoebox parity remove
  shoebox parity add`,
		RunE: group,
	}
	c.AddCommand(p.parityOne("add", "Make parity and second copies, now and from now on", "made", (*repo.Repo).AddParity),
		p.parityOne("remove", "Delete parity and second copies, and make no more", "deleted", (*repo.Repo).RemoveParity))
	return c
}

func (p *program) parityOne(name, what, done string, do func(*repo.Repo, context.Context, vault.Options) (*vault.Report, error)) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: what, Example: "  shoebox parity " + name, Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer p.close(r)
			progress := new(vault.Progress)
			stop := p.watchVault("Parity", progress)
			report, err := do(r, cmd.Context(), vault.Options{Progress: progress})
			stop()
			if err != nil {
				return err
			}
			for _, d := range report.Damage {
				p.complain("damaged: %s: %v", d.Name, d.Err)
			}
			if len(report.Damage) > 0 {
				return &exitError{exitDamage, fmt.Errorf("parity was %s but for what is damaged; `shoebox heal` first", done)}
			}
			p.tell("Parity and second copies %s.", done)
			return nil
		},
	}
}
