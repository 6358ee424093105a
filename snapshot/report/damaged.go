package report

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/photo"
)

// candidates are the newest of the pictures that came, and all that are empty: these cost nothing.
type candidates struct {
	most  int
	kept  byTime
	empty []snapshot.Entry
	left  int64 // out
}

// emptyMost bounds the empty files kept.
const emptyMost = 10_000

// add keeps what it needs of an entry: the rest may be a piece of a page.
func (c *candidates) add(e *snapshot.Entry) {
	switch {
	case e.Size == 0 && len(c.empty) < emptyMost:
		c.empty = append(c.empty, copied(e))
	case len(c.kept) < c.most:
		heap.Push(&c.kept, copied(e))
	case c.most > 0 && e.ModTime.After(c.kept[0].ModTime):
		c.kept[0] = copied(e)
		heap.Fix(&c.kept, 0)
		c.left++
	default:
		c.left++
	}
}

func copied(e *snapshot.Entry) snapshot.Entry {
	c := *e
	c.Path, c.Content, c.Photo = strings.Clone(e.Path), slices.Clone(e.Content), photo.Info{Type: strings.Clone(e.Photo.Type)}
	return c
}

// byTime is a heap with the oldest on top.
type byTime []snapshot.Entry

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].ModTime.Before(h[j].ModTime) }
func (h byTime) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(e any)        { *h = append(*h, e.(snapshot.Entry)) }
func (h *byTime) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// examine looks at the bytes of the candidates, newest first, as the repository has them.
func (d *reading) examine(ctx context.Context) error {
	all := append(d.candidates.empty, d.candidates.kept...)
	slices.SortFunc(all, func(a, b snapshot.Entry) int { return b.ModTime.Compare(a.ModTime) })
	d.Unexamined = d.candidates.left
	decodes := d.options.Decode
	var found []Named
	for i := range all {
		damage, err := d.damage(ctx, &all[i], &decodes)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			if err := d.lose(all[i].Path, err); err != nil {
				return err
			}
			continue
		}
		d.Examined++
		if damage != photo.Sound {
			d.Damaged++
			d.Kinds[string(damage)]++
			found = append(found, Named{all[i].Path, damage.Text()})
		}
	}
	slices.SortFunc(found, func(a, b Named) int { return strings.Compare(a.Path, b.Path) })
	d.Names.Damaged = found[:min(len(found), d.options.Names)]
	return nil
}

// damage is what is wrong with one picture. decodes counts how many may be decoded yet.
func (d *reading) damage(ctx context.Context, e *snapshot.Entry, decodes *int) (photo.Damage, error) {
	places := &places{from: d.repo.NewReader(ctx, e.Content)}
	damage, err := photo.Examine(e.Path, places, e.Size)
	places.done()
	tried := err == nil && damage == photo.Sound && *decodes > 0 && (e.Photo.Type == "image/jpeg" || e.Photo.Type == "image/png")
	if !tried {
		return damage, err
	}
	*decodes--
	err = photo.Decodes(snapshot.Open(ctx, d.repo, *e), photo.Limits{})
	switch {
	case errors.Is(err, photo.ErrUndecodable):
		return photo.Undecodable, nil
	case errors.Is(err, photo.ErrNotTried):
		return photo.Sound, nil
	}
	return photo.Sound, err
}

// places reads a content at any place.
type places struct{ from *repo.Reader }

func (p *places) ReadAt(b []byte, at int64) (int, error) {
	if _, err := p.from.Seek(at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(p.from, b)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// done reads at the end, where a reader gives its memory back.
func (p *places) done() {
	if _, err := p.from.Seek(0, io.SeekEnd); err == nil {
		_, _ = p.from.Read(nil) // io.EOF
	}
}
