package snapshot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/guard"
)

// PruneOptions tune a prune. The zero value works.
type PruneOptions struct {
	repo.PruneOptions
	DropNotes      bool // let go of what interrupted backups had made safe
	ForgetVanished bool // go on though snapshots are gone that nobody forgot
}

// ErrVanished is wrapped when snapshots are gone without having been forgotten: what is left may not be all there is.
var ErrVanished = errors.New("nothing is pruned: snapshots are gone that nobody forgot")

// Prune frees what no snapshot needs. Forgotten snapshots are let go of for good, but for those that still hold the last copy of
// something. It refuses when a snapshot is damaged, or has vanished.
func Prune(ctx context.Context, r *repo.Repo, o PruneOptions) (*repo.PruneReport, error) {
	return r.Prune(ctx, newRoots(r, o), o.PruneOptions)
}

// roots say what must stay: what snapshots that are not forgotten need, unconfirmed ones too, and the notes of interrupted backups. It is
// the repo.Roots of a repository.
type roots struct {
	repo    *repo.Repo
	options PruneOptions
	reader  *pageReader

	walked map[chunk.ID]struct{} // pages whose parts were all yielded, as were those of all pages below
	drop   []string              // records that nothing needs
	letGo  map[string]bool       // forgotten snapshots whose last copies may go
	again  bool                  // Parts was asked before
}

func newRoots(r *repo.Repo, o PruneOptions) *roots {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	return &roots{repo: r, options: o, reader: newPageReader(r, false), walked: make(map[chunk.ID]struct{})}
}

// Parts yields what must stay: first what confirmed snapshots need, then what forgotten ones hold that is in none of those, then
// what unconfirmed ones and notes speak of. So nothing is taken for safe that only a backup which may never end relies on.
func (p *roots) Parts(ctx context.Context, live func(chunk.ID) bool) iter.Seq2[repo.Part, error] {
	return func(yield func(repo.Part, error) bool) {
		if err := p.parts(ctx, live, yield); err != nil && !errors.Is(err, errStop) {
			yield(repo.Part{}, err)
		}
		p.again = true
	}
}

// errStop says that whoever asked wants no more.
var errStop = errors.New("stop")

func (p *roots) parts(ctx context.Context, live func(chunk.ID) bool, yield func(repo.Part, error) bool) error {
	give := func(part repo.Part) error {
		if !yield(part, nil) {
			return errStop
		}
		return nil
	}
	v, err := p.confirmed(ctx, give)
	if err != nil {
		return err
	}
	if err := p.forgotten(ctx, v, live, give); err != nil {
		return err
	}
	for _, s := range v.live {
		if s.Confirmed {
			continue
		}
		if err := p.readable(ctx, s, give); err != nil {
			return err
		}
	}
	return p.notes(ctx, give)
}

// refuse refuses to say what must stay while something that could tell is missing.
func (p *roots) refuse(ctx context.Context, v *survey) error {
	if len(v.damaged) > 0 {
		return fmt.Errorf("nothing is pruned: %w; `shoebox heal` may mend it, `shoebox forget --last-copies` lets go of it", v.damaged[0].Err)
	}
	if p.options.ForgetVanished || !guard.On(guard.Vanished) {
		return remember(p.repo, v, true)
	}
	gone, err := v.vanished(ctx, p.repo)
	if err != nil {
		return err
	}
	unseen, err := missed(ctx, p.repo, v)
	if err != nil {
		return err
	}
	for _, name := range unseen {
		gone = append(gone, repo.Damage{Name: Kind + "/" + name, Err: errors.New("this computer has seen it")})
	}
	if len(gone) > 0 {
		return fmt.Errorf("%w: %s (%w) and %d more; --forget-vanished prunes all the same", ErrVanished, gone[0].Name, gone[0].Err, len(gone)-1)
	}
	return remember(p.repo, v, false)
}

// confirmed yields what confirmed snapshots need, and gives the survey that names them. One of them may have been forgotten since the survey, and
// let go of by another prune: then what only it needed is gone, and the next survey knows the attic that holds the rest.
func (p *roots) confirmed(ctx context.Context, give func(repo.Part) error) (*survey, error) {
	for {
		v, err := takeFullSurvey(ctx, p.repo)
		if err == nil {
			err = p.refuse(ctx, v)
		}
		if err != nil {
			return nil, err
		}
		s, err := p.wholeAll(ctx, v.confirmed(), give)
		if err == nil {
			return v, nil
		}
		if !isLost(err) || ctx.Err() != nil {
			return nil, err
		}
		if left, failed := haveLeft(ctx, p.repo, []string{s.Name}); failed != nil || !left {
			return nil, errors.Join(err, failed)
		}
	}
}

// wholeAll gives the snapshot at which it failed.
func (p *roots) wholeAll(ctx context.Context, all []Snapshot, give func(repo.Part) error) (Snapshot, error) {
	for _, s := range all {
		if err := p.whole(ctx, s, give); err != nil {
			return s, err
		}
	}
	return Snapshot{}, nil
}

// whole yields all parts of a snapshot that no earlier one has. When it fails, none of its pages counts as walked: another snapshot may need what
// was not reached.
func (p *roots) whole(ctx context.Context, s Snapshot, give func(repo.Part) error) (failed error) {
	var noted []chunk.ID
	defer func() {
		if failed == nil {
			return
		}
		for _, id := range noted {
			delete(p.walked, id)
		}
	}()
	note := func(c childForm) bool {
		if _, ok := p.walked[c.Part.ID]; ok || failed != nil {
			return true
		}
		p.walked[c.Part.ID] = struct{}{}
		noted = append(noted, c.Part.ID)
		failed = give(c.Part)
		return failed != nil
	}
	for e, err := range p.reader.walk(ctx, s.root, note) {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("snapshot %s cannot be read whole, so nobody knows what it needs: %w; `shoebox heal` may mend it, `shoebox forget --last-copies %s` lets go of it",
				s.Name[:8], err, s.Name[:8])
		}
		if err := giveAll(e.Content, give); err != nil {
			return err
		}
	}
	return failed
}

func giveAll(c repo.Content, give func(repo.Part) error) error {
	for _, part := range c {
		if err := give(part); err != nil {
			return err
		}
	}
	return nil
}

// readable yields the parts of a snapshot as far as it can be read. Its pages count for no other snapshot: of those, every page must
// be there.
func (p *roots) readable(ctx context.Context, s Snapshot, give func(repo.Part) error) error {
	for part, err := range p.reader.readable(ctx, s.root, p.walked) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			err = give(part)
		}
		if err != nil && !isLost(err) {
			return err
		}
	}
	return nil
}

// readable yields the parts of pages that were not walked, and an error for each that cannot be read.
func (r *pageReader) readable(ctx context.Context, root repo.Part, walked map[chunk.ID]struct{}) iter.Seq2[repo.Part, error] {
	return func(yield func(repo.Part, error) bool) {
		goOn := true
		note := func(c childForm) bool {
			if _, ok := walked[c.Part.ID]; ok {
				return true
			}
			goOn = goOn && yield(c.Part, nil)
			return !goOn
		}
		for e, err := range r.walk(ctx, root, note) {
			if err != nil {
				goOn = goOn && yield(repo.Part{}, err)
			}
			for _, part := range e.Content {
				goOn = goOn && yield(part, nil)
			}
			if !goOn {
				return
			}
		}
	}
}

// forgotten decides about snapshots that were forgotten: those that hold something that is nowhere else stay for now, the others go.
func (p *roots) forgotten(ctx context.Context, v *survey, live func(chunk.ID) bool, give func(repo.Part) error) error {
	if p.again {
		return nil // what goes was decided; what was forgotten since stood among the living before
	}
	p.letGo = v.letGo
	for _, name := range v.ruins {
		if v.letGo[name] {
			p.drop = append(p.drop, name)
		}
	}
	for _, s := range v.forgotten {
		lost, err := 0, error(nil)
		if s.Confirmed && !v.letGo[s.Name] && guard.On(guard.KeepsLast) {
			if lost, err = p.lastIn(ctx, s, live); err != nil {
				return err
			}
		}
		if lost == 0 {
			p.drop = append(p.drop, s.Name)
			continue
		}
		p.options.Log(fmt.Sprintf("forgotten snapshot %s is kept: it holds the last copy of %d files, or cannot be read whole; the next `shoebox forget` carries them into the attic", s.Name[:8], lost))
		if err := p.readable(ctx, s, give); err != nil {
			return err
		}
	}
	return nil
}

// lastIn counts the files of a forgotten snapshot whose content is not wholly live, and the pages that cannot be read.
func (p *roots) lastIn(ctx context.Context, s Snapshot, live func(chunk.ID) bool) (n int, err error) {
	walked := func(c childForm) bool {
		_, ok := p.walked[c.Part.ID]
		return ok
	}
	for e, err := range p.reader.walk(ctx, s.root, walked) {
		switch {
		case ctx.Err() != nil:
			return n, context.Cause(ctx)
		case err != nil && !isLost(err):
			return n, err
		case err != nil, slices.ContainsFunc(e.Content, func(part repo.Part) bool { return !live(part.ID) }):
			n++
		}
	}
	return n, nil
}

// notes yields what interrupted backups had made safe.
func (p *roots) notes(ctx context.Context, give func(repo.Part) error) error {
	if p.options.DropNotes {
		return nil
	}
	sessions, err := p.repo.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("look for interrupted backups: %w", err)
	}
	for _, s := range sessions {
		for _, data := range s.Notes {
			var n note
			if codec().Unmarshal(data, &n) != nil {
				continue // of no use to anybody
			}
			for _, e := range n.Entries {
				if err := giveAll(e.Parts, give); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Drop deletes the records of forgotten snapshots that nothing needs. Their tombstones stay.
func (p *roots) Drop(ctx context.Context) error {
	for _, name := range p.drop {
		if err := p.repo.DeleteRecord(ctx, Kind, name); err != nil {
			return fmt.Errorf("let go of forgotten snapshot %.8s: %w", name, err)
		}
		if !p.letGo[name] {
			continue
		}
		if err := p.repo.DeleteRecord(ctx, releaseKind, name); err != nil {
			return fmt.Errorf("let go of forgotten snapshot %.8s: %w", name, err)
		}
	}
	return nil
}
