package repo

import (
	"context"
	"iter"
	"slices"

	"shoebox/repo/storage"
)

// heard is what a prune remembers of a segment. No segment ever changes, so it is not read again for packs that it does not tell of.
type heard struct {
	packs  []*packState // that it tells of and that the survey listed
	number int          // in the order in which they were read, from 1
	round  int          // in which it was first read; 0 is the survey
}

// eachSegment reads the segments there are now that this prune has not read yet, and of the others those that it wants.
func (p *pruner) eachSegment(ctx context.Context, want func(storage.Object) bool, visit func(path string, s segment) error) error {
	news := func(o storage.Object) bool { return p.heard[o.Name] == nil || want(o) }
	return p.repo.someSegments(ctx, news, func(path string, s segment) error {
		if p.heard[path] == nil {
			p.heard[path] = p.hear(s)
		}
		return visit(path, s)
	})
}

func (p *pruner) hear(s segment) *heard {
	h := &heard{number: len(p.heard) + 1, round: p.rounds}
	for _, e := range s.Packs {
		if s := p.packs[e.Name]; s != nil {
			h.packs = append(h.packs, s)
		}
	}
	return h
}

func everySegment(storage.Object) bool { return true }

// telling wants the segments that tell of some packs, as far as is known when it is called.
func (p *pruner) telling(packs iter.Seq[*packState]) func(storage.Object) bool {
	among, paths := make(map[*packState]bool), make(map[string]bool)
	for s := range packs {
		among[s] = true
	}
	for path, h := range p.heard {
		paths[path] = slices.ContainsFunc(h.packs, func(s *packState) bool { return among[s] })
	}
	return func(o storage.Object) bool { return paths[o.Name] }
}
