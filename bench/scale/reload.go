package main

import (
	"context"
	"strings"
)

// seenGets are the GETs of pages, while nothing else is read, and of segments.
type seenGets struct {
	pages, segments int
	bytes           int
}

func (g *seenGets) watch(h *real) {
	*g = seenGets{}
	h.store.seen = func(what, name string, n int) {
		switch {
		case what != "get":
		case strings.HasPrefix(name, "packs/"):
			g.pages++
		case strings.HasPrefix(name, "segments/"):
			g.segments, g.bytes = g.segments+1, g.bytes+n
		}
	}
}

// measureReload looks what a prune costs the backup after it, and how often a prune reads the segments for each of its rounds.
func measureReload(ctx context.Context, p *printer) error {
	l := tiny(6_000, 0)
	l.Data, l.Meta, l.Round = 1<<18, 1<<19, 1<<20 // small packs: a prune writes all of them anew, in some rounds
	return within(ctx, l, func(h *real) error {
		var before, during, after seenGets
		for range 2 {
			before.watch(h)
			if err := h.backup(ctx, 0); err != nil {
				return err
			}
			h.night++
		}
		before.watch(h)
		if err := h.backup(ctx, 0); err != nil {
			return err
		}
		marks := 0
		during.watch(h)
		count := h.store.seen
		h.store.seen = func(what, name string, n int) {
			count(what, name, n)
			if what == "put" && strings.HasPrefix(name, "marks/") {
				marks++
			}
		}
		is, err := h.store.census(ctx)
		if err != nil {
			return err
		}
		if err := h.prune(ctx); err != nil {
			return err
		}
		after.watch(h)
		if err := h.backup(ctx, 0); err != nil {
			return err
		}
		p.say("pages read by a backup", float64(before.pages), "nothing changed, the third of 6,000 pictures; segments read: %d", before.segments)
		p.say("pages read by the one after a prune", float64(after.pages), "nothing changed; segments read: %d of %d bytes, which is all of them", after.segments, after.bytes)
		p.say("bytes of segments a prune read", float64(during.bytes), "in %d rounds, when there were %d bytes of segments", marks, is["segments"].Bytes)
		return nil
	})
}
