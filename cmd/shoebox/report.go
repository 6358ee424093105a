package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/report"
)

// reportFlags are those of the report command.
type reportFlags struct {
	names    bool
	html     string
	textfile string
	send     bool
}

func (p *program) reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report",
		Short: "Say how the backups are: what came, what is wrong, who was not seen",
		Long: `Say for each phone and folder what came, changed and went since the backup before,
what could not be read, which new pictures are damaged on the device itself, what
changed without a trace, and which phone was not seen for days; and for the
repository how much room is left, for how long, and since when every byte of it
was verified. The exit code is 0 when all is well, 3 when there is a warning, 5
when pictures are in danger.

With notify in the configuration file every backup sends it to where you look:
ntfy, mail, a webhook, healthchecks.io, a program, the desktop. It then holds no
names of files, unless notify_names = true.`,
		Example: `  shoebox report
  shoebox report --names
  shoebox report --html report.html
  shoebox report --send                   to try what notify says
  shoebox report --textfile /var/lib/prometheus/node-exporter/shoebox.prom`,
		Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.report(cmd.Context(), f) },
	}
	c.Flags().BoolVar(&f.names, "names", false, "name the files")
	c.Flags().StringVar(&f.html, "html", "", "write a page to a `file` instead")
	c.Flags().StringVar(&f.textfile, "textfile", "", "write metrics for node_exporter to a `file` instead")
	c.Flags().BoolVar(&f.send, "send", false, "send it to the places that notify names, instead")
	return c
}

func (p *program) report(ctx context.Context, f reportFlags) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	said, err := p.readReport(ctx, r)
	if err != nil {
		return err
	}
	if err := p.reportTo(ctx, said, f); err != nil {
		return err
	}
	switch said.Worst() {
	case report.OK:
		return nil
	case report.Warning:
		return &exitError{code: exitSome}
	}
	return &exitError{code: exitDamage}
}

func (p *program) reportTo(ctx context.Context, said *report.Report, f reportFlags) error {
	var out bytes.Buffer
	switch {
	case f.send:
		places, err := p.places()
		if err == nil && len(places) == 0 {
			err = fmt.Errorf("notify in the configuration file names no place to send to; `shoebox report --help` says more")
		}
		if err != nil {
			return err
		}
		return p.send(ctx, places, said, nil)
	case f.html != "":
		if err := said.HTML(&out, f.names); err != nil {
			return err
		}
		return p.writeOut(f.html, out.Bytes())
	case f.textfile != "":
		if err := said.Metrics(&out); err != nil {
			return err
		}
		return p.writeOut(f.textfile, out.Bytes())
	case p.flags.json:
		return said.JSON(p.out, f.names)
	}
	return said.Text(p.out, f.names)
}

func (p *program) writeOut(path string, data []byte) error {
	if err := replaceFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// readReport makes the report, of changes since the snapshot before.
func (p *program) readReport(ctx context.Context, r *repo.Repo) (*report.Report, error) {
	o := report.Options{Now: p.now(), Zone: p.zone, Retired: p.config.Retired, Verified: r.VerifiedAll}
	if text := p.config.Overdue; text != "" {
		after, err := snapshot.ParseSpan(text)
		if err != nil {
			return nil, fmt.Errorf("overdue in the configuration: %w", err)
		}
		o.Overdue = o.Now.Sub(after.Before(o.Now))
	}
	var err error
	if o.Used, err = r.Used(ctx); err != nil {
		return nil, err
	}
	o.Free, _ = storage.Free(p.flags.repository) // 0 when it is not known, which is left out
	return report.Read(ctx, r, o)
}
