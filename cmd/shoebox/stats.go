package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
)

func (p *program) statsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stats", Short: "Say how much is kept, and what it takes", Example: "  shoebox stats", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.read(cmd.Context(), func(r *repo.Repo, all []snapshot.Snapshot) error {
				audit, err := r.Audit(cmd.Context())
				if err != nil {
					return err
				}
				catalog, err := snapshot.ReadCatalog(cmd.Context(), r, all)
				if err != nil {
					return err
				}
				return p.statsSaid(audit, catalog)
			})
		},
	}
}

func (p *program) statsSaid(a *repo.Audit, c *snapshot.Catalog) error {
	var inSnapshots, versions int64
	for _, one := range c.Pictures {
		versions += one.Size
		inSnapshots += one.Size * int64(one.In)
	}
	if p.flags.json {
		return p.printJSON(map[string]any{"message_type": "stats", "snapshots_count": len(c.Snapshots), "total_file_count": len(c.Pictures), "total_size": versions,
			"restore_size": inSnapshots, "packs": a.Packs, "segments": a.Segments, "stored_size": a.PackBytes})
	}
	p.say("Snapshots   %s", amount.Number(int64(len(c.Snapshots))))
	p.say("Pictures    %s, %s, each version counted once", amount.Number(int64(len(c.Pictures))), amount.Bytes(versions))
	p.say("Repository  %s in %s", amount.Bytes(a.PackBytes), amount.Plural(int64(a.Packs), "pack"))
	if a.PackBytes > 0 {
		p.say("To keep all snapshots apart would take %s, %.1f times as much.", amount.Bytes(inSnapshots), float64(inSnapshots)/float64(a.PackBytes))
	}
	return nil
}

func (p *program) catCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cat config | snapshot SNAPSHOT | entry SNAPSHOT:PATH", Short: "Print what the repository says of itself, as JSON",
		Example: `  shoebox cat config
  shoebox cat snapshot latest
  shoebox cat entry latest:DCIM/Camera/IMG_1.jpg`,
		Args: words(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "config" {
				return p.catConfig(cmd)
			}
			if len(args) != 2 || args[0] != "snapshot" && args[0] != "entry" {
				return errors.New("say what to print: config, snapshot SNAPSHOT, or entry SNAPSHOT:PATH")
			}
			return p.readOne(cmd.Context(), args[1], func(r *repo.Repo, s snapshot.Snapshot, path string) error {
				if args[0] == "snapshot" {
					return p.printPretty(snapshotJSON(s))
				}
				e, err := lookup(cmd.Context(), r, s, path)
				if err != nil {
					return err
				}
				m := p.entryJSON(e)
				m["parts"] = partsJSON(e.Content)
				return p.printPretty(m)
			})
		},
	}
}

// catConfig leaves the polynomial out: it is a secret.
func (p *program) catConfig(cmd *cobra.Command) error {
	r, err := p.open(cmd.Context())
	if err != nil {
		return err
	}
	defer p.close(r)
	c := r.Config()
	return p.printPretty(map[string]any{"version": c.Version, "id": c.Repository.String(), "created": c.Created, "features": c.Features,
		"chunk_min": c.ChunkMin, "chunk_max": c.ChunkMax, "chunk_bits": c.ChunkBits, "page_bits": c.PageBits})
}

func partsJSON(c repo.Content) []map[string]any {
	list := make([]map[string]any, 0, len(c))
	for _, part := range c {
		list = append(list, map[string]any{"kind": part.Kind, "id": part.ID.String(), "size": part.Size})
	}
	return list
}

func (p *program) printPretty(v any) error {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	fmt.Fprint(p.out, out.String())
	return nil
}
