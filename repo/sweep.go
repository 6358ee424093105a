package repo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"shoebox/repo/guard"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
)

// deletePacks is B4 to B6: segments that no longer tell of the packs, then the packs, then the mark.
func (p *pruner) deletePacks(ctx context.Context, m *ownMark, doomed []*packState) error {
	if !guard.On(guard.MarkLast) {
		if err := m.remove(ctx); err != nil {
			return err
		}
	}
	full := p.rewriteSegments(ctx, doomed) // B4
	if full != nil && !errors.Is(full, storage.ErrFull) {
		return full
	}
	if err := p.deleteAll(ctx, doomed); err != nil { // B5
		return err
	}
	if full != nil { // a segment that tells of packs that are gone does no harm meanwhile
		if err := p.rewriteSegments(ctx, doomed); err != nil {
			return err
		}
	}
	return m.remove(ctx) // B6
}

// deleters delete packs at once: a store far away answers each call late, and a disk makes many names durable in one go.
const deleters = 16

func (p *pruner) deleteAll(ctx context.Context, doomed []*packState) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(deleters)
	done := int64(0)
	for _, s := range doomed {
		g.Go(func() error {
			if err := p.repo.store.Delete(ctx, packPath(s.name)); err != nil {
				return fmt.Errorf("delete %s: %w", packPath(s.name), err)
			}
			mu.Lock()
			defer mu.Unlock()
			delete(p.packs, s.name)
			done++
			p.report.Deleted++
			p.report.Freed += s.size
			p.options.Watch(StageDelete, done, int64(len(doomed)))
			return nil
		})
	}
	return g.Wait()
}

// manySegments small ones are written as one: a computer that has never seen the repository reads them all.
const (
	manySegments = 16
	smallSegment = fullSegment / 8
)

// rewriteSegments replaces the segments that tell of packs that go, and small ones when there are many. The
// new one is durable before those it supersedes are deleted; until then readers see both, which say the same.
func (p *pruner) rewriteSegments(ctx context.Context, doomed []*packState) error {
	small, err := p.countSmall(ctx)
	if err != nil {
		return err
	}
	working, err := p.repo.working(ctx)
	if err != nil {
		return err
	}
	c := &compaction{pruner: p, gone: make(map[pack.Name]bool, len(doomed)), told: make(map[pack.Name]bool)}
	for _, s := range doomed {
		c.gone[s.name] = true
	}
	tells := p.telling(slices.Values(doomed))
	want := func(o storage.Object) bool { return tells(o) || small >= manySegments && o.Size < smallSegment }
	err = p.eachSegment(ctx, want, func(path string, s segment) error {
		busy := working[s.Session]
		if !busy {
			s.Session = "" // nobody asks any more
		}
		if !c.tellsOf(s) && (busy || small < manySegments || segmentSize(s) >= smallSegment) {
			return nil
		}
		return c.take(ctx, path, s)
	})
	if err != nil {
		return err
	}
	return c.write(ctx)
}

func (p *pruner) countSmall(ctx context.Context) (small int, err error) {
	for o, err := range p.repo.store.List(ctx, segmentsDir) {
		if err != nil {
			return 0, fmt.Errorf("list the segments: %w", err)
		}
		if o.Size < smallSegment {
			small++
		}
	}
	return small, nil
}

func segmentSize(s segment) (n int) {
	for _, p := range s.Packs {
		n += len(p.Lines)
	}
	return n
}

// compaction gathers packs of old segments for a new one.
type compaction struct {
	*pruner
	gone  map[pack.Name]bool
	told  map[pack.Name]bool
	next  segment
	paths []string // of the segments whose packs are in next
	size  int
}

func (c *compaction) tellsOf(s segment) bool {
	for _, e := range s.Packs {
		if c.gone[e.Name] {
			return true
		}
	}
	return false
}

// take moves what stays of a segment into the new one. Those of a session at work get one of their own.
func (c *compaction) take(ctx context.Context, path string, s segment) error {
	name, err := parseHash(path)
	if err != nil {
		return err
	}
	if c.size > 0 && c.size+segmentSize(s) > fullSegment || s.Session != c.next.Session && len(c.paths) > 0 {
		if err := c.write(ctx); err != nil {
			return err
		}
	}
	c.next.Session = s.Session
	c.next.Supersedes = append(c.next.Supersedes, name)
	c.paths = append(c.paths, path)
	for _, e := range s.Packs {
		if !c.gone[e.Name] && !c.told[e.Name] {
			c.told[e.Name] = true
			c.next.Packs = append(c.next.Packs, e)
			c.size += len(e.Lines)
		}
	}
	return nil
}

func (c *compaction) write(ctx context.Context) error {
	if len(c.paths) == 0 {
		return nil
	}
	if len(c.next.Packs) > 0 {
		if _, err := c.repo.putSegment(ctx, c.next); err != nil {
			return err
		}
	}
	for _, path := range c.paths {
		if err := c.repo.store.Delete(ctx, path); err != nil {
			return fmt.Errorf("delete %s: %w", path, err)
		}
	}
	c.next, c.paths, c.size = segment{}, nil, 0
	clear(c.told)
	return nil
}

// tidy removes what is left of pruners and sessions that are over: segments that others supersede, marks none of whose packs is there
// any more, and what sessions that are done left beside their .done.
func (p *pruner) tidy(ctx context.Context) error {
	if err := p.dropSuperseded(ctx); err != nil {
		return err
	}
	if err := p.dropEmptyMarks(ctx); err != nil {
		return err
	}
	return p.repo.tidySessions(ctx)
}

// dropSuperseded finishes what a compaction that was stopped left undone.
func (p *pruner) dropSuperseded(ctx context.Context) error {
	paths, err := listNames(ctx, p.repo.store, segmentsDir)
	if err != nil {
		return fmt.Errorf("list the segments: %w", err)
	}
	there := make(map[string]bool, len(paths))
	for _, path := range paths {
		there[path] = true
	}
	return p.repo.eachSegment(ctx, func(_ string, s segment) error {
		for _, name := range s.Supersedes {
			path := segmentsDir + hex.EncodeToString(name[:])
			if !there[path] {
				continue
			}
			if err := p.repo.store.Delete(ctx, path); err != nil {
				return fmt.Errorf("delete a superseded segment: %w", err)
			}
		}
		return nil
	})
}

// dropEmptyMarks removes marks of pruners that died after, or of which others finished the work. Marks are read before packs are
// listed, and no name of a pack is used twice: what is gone stays gone.
func (p *pruner) dropEmptyMarks(ctx context.Context) error {
	marks, err := p.repo.marks(ctx)
	if err != nil || len(marks) == 0 {
		return err
	}
	listed, err := p.repo.listPacks(ctx)
	if err != nil {
		return err
	}
	for gcid, m := range marks {
		empty := true
		for _, name := range m.Packs {
			_, there := listed[name]
			empty = empty && !there
		}
		if empty {
			if err := p.repo.store.Delete(ctx, marksDir+gcid); err != nil {
				return fmt.Errorf("remove the empty mark %s: %w", gcid, err)
			}
		}
	}
	return nil
}

// tidySessions removes .open and notes of sessions that are done; .done stays as long as its snapshot does.
func (r *Repo) tidySessions(ctx context.Context) error {
	all, err := r.sessions(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		for _, name := range s.objects {
			if !s.done || strings.HasSuffix(name, doneSuffix) {
				continue
			}
			if err := r.store.Delete(ctx, name); err != nil {
				return fmt.Errorf("delete %s: %w", name, err)
			}
		}
	}
	return nil
}

// makeRoom frees a little room on a store that is full, by giving up what only heals packs that are dead anyway.
func (p *pruner) makeRoom(ctx context.Context, packs []*packState, full error) error {
	freed := 0
	for _, s := range packs {
		if s.used > 0 {
			continue
		}
		if err := p.repo.store.Delete(ctx, vault.SidecarName(packPath(s.name))); err != nil {
			return errors.Join(full, err)
		}
		if freed++; freed == roomEnough {
			break
		}
	}
	if freed == 0 {
		return fmt.Errorf("%w; free a few hundred kilobytes and prune again", full)
	}
	return nil
}

// roomEnough sidecars are given up at once: each takes 4 KiB at least.
const roomEnough = 64
