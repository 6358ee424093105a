package main

import (
	"github.com/spf13/cobra"
	"shoebox/snapshot/amount"
)

func (p *program) repairCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "repair",
		Short: "Make anew what can be made anew",
		Long: `Make anew what can be made anew. "shoebox heal" does this too, and more; this is for
who wants just that. Nothing is ever deleted by it.`,
		Example: "  shoebox repair index",
		RunE:    group,
	}
	c.AddCommand(&cobra.Command{
		Use: "index", Short: "Make the index anew from the packs alone", Example: "  shoebox repair index", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer p.close(r)
			n, err := r.RepairIndex(cmd.Context())
			if err != nil {
				return err
			}
			if p.flags.json {
				return p.printJSON(map[string]any{"message_type": "summary", "packs_adopted": n})
			}
			if n == 0 {
				p.tell("The index is right: it tells of every pack.")
				return nil
			}
			p.tell("%s were told of wrongly or not at all: the index tells of them now.", amount.Plural(int64(n), "pack"))
			return nil
		},
	})
	return c
}
