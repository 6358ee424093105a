package snapshot

import (
	"context"

	"fmt"
	"io"
	"path"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/vault"
)

// HealOptions say what a healing may draw on beside the repository itself. The zero value works.
type HealOptions struct {
	From     []*repo.Repo // other repositories that may hold the same pictures
	Sources  []Source     // phones and folders that may still hold them
	Log      func(line string)
	Progress *vault.Progress
}

// HealReport says what a healing did, and what stays lost.
type HealReport struct {
	*repo.Healed
	Regained []Regained    // contents that came back from elsewhere
	Lost     []repo.Damage // what no healing brought back: objects, and "SNAPSHOT:PATH"
}

// Regained is a file whose lost content came back.
type Regained struct {
	Path string
	From string // "another repository" or "the source"
}

func (o HealOptions) filled() HealOptions {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	return o
}

// Heal repairs what is damaged: from parity and second copies; then files whose chunks are lost, from other repositories that hold the same
// bytes, and from phones or folders that still do. Each correction is read back. What stays lost is named by snapshot and path.
func Heal(ctx context.Context, r *repo.Repo, o HealOptions) (*HealReport, error) {
	o = o.filled()
	healed, err := r.Heal(ctx, vault.Options{Progress: o.Progress, Log: func(c vault.Correction) {
		o.Log(fmt.Sprintf("mended: %s, from %s (%s)", c.Name, c.From, c.What))
	}})
	if err != nil {
		return nil, fmt.Errorf("heal: %w", err)
	}
	h := &HealReport{Healed: healed}
	if len(o.From)+len(o.Sources) > 0 {
		if err := regain(ctx, r, h, o); err != nil {
			return h, fmt.Errorf("bring back what is lost: %w", err)
		}
	}
	report, err := Check(ctx, r, CheckOptions{})
	if err != nil {
		return h, err
	}
	h.Lost = report.Damage
	for _, d := range healed.Left {
		if !named(h.Lost, d.Name) {
			h.Lost = append(h.Lost, d)
		}
	}
	return h, nil
}

func named(all []repo.Damage, name string) bool {
	for _, d := range all {
		if d.Name == name {
			return true
		}
	}
	return false
}

// findLost gives the entries of confirmed snapshots whose chunks are not all to be had, one of each content.
func findLost(ctx context.Context, r *repo.Repo) (map[content]Entry, error) {
	audit, err := r.Audit(ctx)
	if err != nil {
		return nil, err
	}
	v, err := takeSurvey(ctx, r)
	if err != nil {
		return nil, err
	}
	lost, visited := make(map[content]Entry), make(map[chunk.ID]struct{})
	reader := newPageReader(r, false)
	for _, s := range wholes(v.confirmed()) {
		for e, err := range reader.walk(ctx, s.root, s.once(nil, visited)) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if err == nil && holdsAll(ctx, audit, e.Content) != nil {
				lost[contentOf(*e.Entry)] = *e.Entry
			}
		}
	}
	return lost, nil
}

// regain stores lost contents again from wherever they are found.
func regain(ctx context.Context, r *repo.Repo, h *HealReport, o HealOptions) error {
	wanted, err := findLost(ctx, r)
	if err != nil || len(wanted) == 0 {
		return err
	}
	batch, err := r.Begin(ctx, repo.BatchOptions{})
	if err != nil {
		return err
	}
	defer batch.Abort()
	g := &regainer{repo: r, batch: batch, wanted: wanted, report: h, log: o.Log}
	for _, other := range o.From {
		if err := g.fromRepository(ctx, other); err != nil {
			return err
		}
	}
	for _, src := range o.Sources {
		if err := g.fromSource(ctx, src); err != nil {
			return err
		}
	}
	return batch.Flush(ctx)
}

type regainer struct {
	repo   *repo.Repo
	batch  *repo.Batch
	wanted map[content]Entry
	report *HealReport
	log    func(string)
}

// fromRepository looks through all snapshots of another repository. What is damaged there is no help and no error.
func (g *regainer) fromRepository(ctx context.Context, other *repo.Repo) error {
	v, err := takeSurvey(ctx, other)
	if err != nil {
		return fmt.Errorf("the other repository: %w", err)
	}
	visited := make(map[chunk.ID]struct{})
	reader := newPageReader(other, false)
	for _, s := range wholes(v.confirmed()) {
		for e, err := range reader.walk(ctx, s.root, s.once(nil, visited)) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			want, ok := g.wanted[contentOf(*e.Entry)]
			if err != nil || !ok {
				continue
			}
			if err := g.store(ctx, want, other.NewReader(ctx, e.Content), "another repository"); err != nil {
				return err
			}
		}
	}
	return nil
}

// fromSource looks for files of the right size under the same path or, moved elsewhere, under the same name.
func (g *regainer) fromSource(ctx context.Context, src Source) error {
	bySize := make(map[int64][]Entry)
	for _, e := range g.wanted {
		bySize[e.Size] = append(bySize[e.Size], e)
	}
	for f, err := range src.Files(ctx) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			continue // what cannot be listed is no help
		}
		for _, want := range bySize[f.Size] {
			if path.Base(f.Path) != path.Base(want.Path) || g.wanted[contentOf(want)].Path == "" {
				continue
			}
			if err := g.openAndStore(ctx, src, f, want); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *regainer) openAndStore(ctx context.Context, src Source, f device.File, want Entry) error {
	stream, err := src.Open(ctx, f)
	if err != nil {
		return nil // what cannot be read is no help
	}
	defer stream.Close()
	return g.store(ctx, want, stream, "the source")
}

// store reads a stream in the parts of the entry and stores those that are what they should be. An error of the stream, or other bytes, are
// no help and no error; an error of the repository is.
func (g *regainer) store(ctx context.Context, want Entry, stream io.Reader, from string) error {
	for _, part := range want.Content {
		if part.Size > repo.MaxChunk {
			return nil
		}
		data := make([]byte, part.Size)
		if _, err := io.ReadFull(stream, data); err != nil {
			return ctx.Err()
		}
		if g.repo.Part(part.Kind, data) != part {
			return nil
		}
		if _, _, err := g.batch.PutChunk(ctx, part.Kind, data); err != nil {
			return err
		}
	}
	delete(g.wanted, contentOf(want))
	g.report.Regained = append(g.report.Regained, Regained{want.Path, from})
	g.log(fmt.Sprintf("brought back: %s, from %s", device.Printable(want.Path), from))
	return nil
}
