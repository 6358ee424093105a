package repo

import (
	"context"
	"fmt"
	"iter"
	"time"

	"shoebox/chunk"
	"shoebox/repo/pack"
)

// Roots says what must stay. Package snapshot has one for real; tests have smaller ones.
type Roots interface {
	// Parts yields every part that must stay and that no earlier call yielded. It is asked at the start (B0) and, once
	// sessions have ended, again (B3). live tells of an id whether it was yielded already. An error ends the prune.
	Parts(ctx context.Context, live func(chunk.ID) bool) iter.Seq2[Part, error]
	// Drop lets go of records that nothing needs any more. It is called once, after the first Parts and before anything is
	// deleted; not in a dry run.
	Drop(ctx context.Context) error
}

// PruneOptions tune a prune. The zero value works.
type PruneOptions struct {
	DryRun     bool
	MaxDead    float64       // share of a pack that may be dead before it is written anew; 0 for a quarter
	RoundBytes int64         // live bytes copied before what they were copied from is deleted; 0 for 1 GiB
	Patience   time.Duration // without a new object before a session on another computer is presumed dead; 0 for 24 h
	Poll       time.Duration // between two looks at open sessions; 0 for 2 s
	Delay      time.Duration // after which a listing of the store is sure to show what was put; 0 for stores that show it at once

	Presume func(session string) bool                        // whether to presume a session dead at once, rightly or wrongly; nil for those whose process is gone
	Sleep   func(ctx context.Context, d time.Duration) error // nil for the clock's
	Watch   func(stage PruneStage, done, total int64)        // told of progress, from one goroutine at a time
	Log     func(line string)                                // told what a person may want to know
	Batch   BatchOptions
}

// PruneStage is what a prune is at.
type PruneStage string

// The stages, in order; all but the first two come once a round.
const (
	StageLive   PruneStage = "finding what must stay"
	StageSurvey PruneStage = "looking at the packs"
	StageCopy   PruneStage = "copying out of mostly dead packs"
	StageWait   PruneStage = "waiting for backups to end"
	StageDelete PruneStage = "deleting packs"
)

// PruneReport says what a prune did, or in a dry run would do. Bytes are of whole packs.
type PruneReport struct {
	Packs, PackBytes       int64 // before
	DeadPacks, DeadBytes   int64 // nothing in them is needed
	MovedPacks, MovedBytes int64 // mostly dead, or small, or left by a prune that died: what is needed is copied first
	Copied                 int64 // bytes of chunks copied out of those
	Busy                   int64 // packs left alone as a backup at work may need them
	Spared                 int64 // packs that turned out to be needed after all
	Deleted, Freed         int64 // packs deleted, and what came back, or about would: their bytes less those of new packs
	StaysDead              int64 // bytes of dead chunks that stay, in packs mostly needed
	Revoked                []string
}

func (o PruneOptions) filled() PruneOptions {
	if o.MaxDead == 0 {
		o.MaxDead = 0.25
	}
	if o.RoundBytes == 0 {
		o.RoundBytes = 1 << 30
	}
	if o.Patience == 0 {
		o.Patience = 24 * time.Hour
	}
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Watch == nil {
		o.Watch = func(PruneStage, int64, int64) {}
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	o.Batch = o.Batch.filled()
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Prune frees the room of what no root needs, beside any number of writers and other pruners: steps B0 to B6 of the
// protocol in docs/format.md. It may be stopped anywhere; the next one goes on. What it deletes is decided in rounds: first
// packs that are wholly dead, which needs hardly any room, then, a bounded number of bytes at a time, mostly dead ones, whose live
// chunks are copied into new packs before.
func (r *Repo) Prune(ctx context.Context, roots Roots, o PruneOptions) (*PruneReport, error) {
	if err := r.config.errReadOnly(); err != nil {
		return nil, err
	}
	p := &pruner{repo: r, roots: roots, options: o.filled(), report: new(PruneReport)}
	if err := p.learnLive(ctx); err != nil { // B0
		return nil, err
	}
	if err := p.survey(ctx); err != nil {
		return nil, err
	}
	plan := p.plan()
	if o.DryRun {
		return p.report, nil
	}
	p.report.Freed = 0
	if err := roots.Drop(ctx); err != nil {
		return nil, fmt.Errorf("let go of what was forgotten: %w", err)
	}
	for i, packs := range plan {
		if err := p.round(ctx, packs, i >= p.dead); err != nil {
			return p.report, err
		}
	}
	return p.report, p.tidy(ctx)
}

// pruner is one prune at work.
type pruner struct {
	repo    *Repo
	roots   Roots
	options PruneOptions
	report  *PruneReport

	live   liveSet
	packs  map[pack.Name]*packState
	shared map[chunk.ID][]home // of live chunks that have several
	heard  map[string]*heard   // segments, by path
	rounds int                 // begun
	dead   int                 // rounds that need no copying; they come first
	memory memories            // for what is copied
	pass   int                 // through all directories; a pack visited in it bears its number
}

// packState is what a prune knows of one pack.
type packState struct {
	name      pack.Name
	class     pack.Class
	size      int64 // of the pack in the store, in bytes; 0 when it is not listed
	total     int64 // stored bytes of its chunks
	used      int64 // of those that are live and counted here
	lonely    int64 // of those that are live and lie nowhere else
	chunks    int   // how many are live
	session   string
	told      int  // number of a segment that tells of it; 0 for none
	busy      bool // a session that is at work wrote it
	condemned bool // by another pruner
	doomed    bool // in a round of this one
	orphan    *packEntry
	pass      int // in which its directory was last read; 0 for none
}

func (p *pruner) learnLive(ctx context.Context) error {
	for part, err := range p.roots.Parts(ctx, p.live.has) {
		if err != nil {
			return fmt.Errorf("find out what must stay: %w", err)
		}
		p.live.add(part.ID)
		if p.live.count%10_000 == 0 {
			p.options.Watch(StageLive, int64(p.live.count), 0)
		}
	}
	return nil
}

// round deletes packs for good: B1 to B6. When move is set, live chunks in them are copied into new packs first.
func (p *pruner) round(ctx context.Context, packs []*packState, move bool) (err error) {
	if len(packs) == 0 {
		return nil
	}
	p.rounds++
	for _, s := range packs {
		s.doomed = true
	}
	if move {
		if err := p.evacuate(ctx, packs); err != nil {
			return err
		}
	}
	m, err := p.mark(ctx, packs) // B1
	if err != nil {
		return err
	}
	begun := false
	defer func() {
		if err != nil && !begun { // nothing is deleted yet: the packs may be relied on again
			m.takeBack(ctx)
		}
	}()
	if err := p.awaitSessions(ctx, m); err != nil { // B2
		return err
	}
	doomed, err := p.spare(ctx, m, packs) // B3
	if err != nil {
		return err
	}
	begun = true
	return p.deletePacks(ctx, m, doomed) // B4 to B6
}
