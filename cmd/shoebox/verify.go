package main

import (
	"errors"

	"github.com/spf13/cobra"

	"shoebox/repo"
)

func (p *program) verifyCommand() *cobra.Command {
	var onDevice, quick bool
	var serial string
	c := &cobra.Command{
		Use:   "verify [--device [phone:NAME | FOLDER]]",
		Short: "Read everything back, or hold it against the phone itself",
		Long: `Read every byte of the repository, open it and hold it against its hash, as
"shoebox check --read-data" does.

With --device, hold what is on a phone now, where backups look for pictures,
against what the repository gives back: the phone tells the hash of each file,
and the same must come out of the repository. The exit code is 0 only when every
file is safe as it is now. "shoebox wipe-check" looks at all of the phone, not
only where pictures are, and keeps its answer.`,
		Example: `  shoebox verify
  shoebox verify --device
  shoebox verify --device phone:anna --quick
  shoebox verify --device ~/Pictures`,
		Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !onDevice && (len(args) > 0 || quick):
				return errors.New("say --device to hold a phone or a folder against the repository")
			case !onDevice:
				return p.check(cmd, repo.Budget{All: true})
			}
			on, err := p.heldAt(cmd.Context(), append(args, phonePrefix)[0], serial, nil)
			if err != nil {
				return err
			}
			defer on.close()
			r, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer p.close(r)
			said, err := p.compare(cmd.Context(), r, on, quick)
			if err != nil {
				return err
			}
			return p.safetySaid(said, on, quick)
		},
	}
	c.Flags().BoolVar(&onDevice, "device", false, "hold a phone, or a folder, against the repository")
	c.Flags().BoolVar(&quick, "quick", false, "compare the bytes of a hundred files only, of the others size and time")
	c.Flags().StringVarP(&serial, "serial", "s", "", "which phone, by its `serial` number ($ANDROID_SERIAL)")
	return c
}
