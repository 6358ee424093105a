package repo

import (
	"context"
	"fmt"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/guard"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// spare is B3: with every session ended or revoked, the snapshots are listed again, then the marks of others, then the
// packs, in this order. A pack that holds a live chunk without a home outside all marks is spared.
func (p *pruner) spare(ctx context.Context, m *ownMark, packs []*packState) ([]*packState, error) {
	if guard.On(guard.ListAgain) {
		if err := p.learnLive(ctx); err != nil {
			return nil, err
		}
	}
	others, err := m.others(ctx)
	if err != nil {
		return nil, err
	}
	listed, err := p.repo.listPacks(ctx)
	if err != nil {
		return nil, err
	}
	if !guard.On(guard.HomesAgain) {
		return packs, nil
	}
	h := &homeless{pruner: p, mark: m, others: others, listed: listed, homed: make(map[chunk.ID]bool), holds: make(map[pack.Name][]chunk.ID)}
	if err := h.look(ctx, packs); err != nil {
		return nil, err
	}
	var doomed []*packState
	for _, s := range packs {
		if h.spared(s) {
			p.report.Spared++
			continue
		}
		doomed = append(doomed, s)
	}
	return doomed, nil
}

// homeless finds the live chunks that would be lost with the packs of a mark. It keeps whole ids: here a wrong yes would lose data.
type homeless struct {
	*pruner
	mark   *ownMark
	others map[index.Name]struct{}
	listed map[pack.Name]int64
	holds  map[pack.Name][]chunk.ID // the live chunks in each pack of the mark
	homed  map[chunk.ID]bool        // whether they have another home
	left   int                      // of these that have none, as far as was looked
}

func (h *homeless) look(ctx context.Context, packs []*packState) error {
	err := h.lookAgain(ctx, packs, func(s *packState, entries []pack.Entry) {
		for _, e := range entries {
			if h.live.has(e.ID) {
				h.holds[s.name] = append(h.holds[s.name], e.ID)
				h.homed[e.ID] = false
			}
		}
	})
	if err != nil {
		return fmt.Errorf("look at what would be deleted: %w", err)
	}
	h.left = len(h.homed)
	likely := h.likely()
	if err := h.findHomes(ctx, likely); err != nil {
		return err
	}
	return h.findHomes(ctx, func(o storage.Object) bool { return !likely(o) })
}

// likely wants the segments where homes are: those that came in this round, and those that tell of packs which were seen to hold such chunks.
func (h *homeless) likely() func(storage.Object) bool {
	known := h.telling(func(yield func(*packState) bool) {
		for id := range h.homed {
			for _, home := range h.shared[id] {
				if !yield(home.packState) {
					return
				}
			}
		}
	})
	return func(o storage.Object) bool {
		return h.heard[o.Name] == nil || h.heard[o.Name].round == h.rounds || known(o)
	}
}

// spared tells whether a pack must stay: a live chunk in it has no other home, or nobody knows what it holds.
func (h *homeless) spared(s *packState) bool {
	for _, id := range h.holds[s.name] {
		if !h.homed[id] {
			return true
		}
	}
	_, listed := h.listed[s.name]
	return listed && s.pass != h.pass
}

// findHomes looks through segments, also those that others wrote meanwhile, unless every chunk has a home.
func (h *homeless) findHomes(ctx context.Context, want func(storage.Object) bool) error {
	if h.left == 0 {
		return nil
	}
	return h.eachSegment(ctx, want, func(_ string, seg segment) error {
		for _, e := range seg.Packs {
			if !h.stays(e) {
				continue
			}
			entries, err := pack.ParseEntries(e.Lines, e.Size)
			if err != nil {
				continue // check names it
			}
			for _, x := range entries {
				if found, asked := h.homed[x.ID]; asked && !found {
					h.homed[x.ID], h.left = true, h.left-1
				}
			}
		}
		return nil
	})
}

// stays tells whether a pack is there, whole, and about to be deleted by nobody.
func (h *homeless) stays(e packEntry) bool {
	_, going := h.mark.packs[e.Name]
	_, condemned := h.others[index.Name(e.Name)]
	size, there := h.listed[e.Name]
	return there && size == e.Size && !going && !condemned
}
