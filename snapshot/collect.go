package snapshot

import (
	"context"
	"fmt"
)

// collect takes the tasks in the order of the listing, waits for each, and writes the pages.
func (b *backup) collect(ctx context.Context) error {
	var some []*task
	for {
		var err error
		if some, err = b.order.take(ctx, some); err != nil || len(some) == 0 {
			return err
		}
		for _, t := range some {
			if err := t.wait(ctx); err != nil {
				return err
			}
			if err := b.record(t); err != nil {
				return err
			}
		}
	}
}

// wait waits until it is settled what becomes of the file.
func (t *task) wait(ctx context.Context) error {
	if t.done == nil {
		return nil
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *backup) record(t *task) error {
	if t.what == leftOut {
		return nil
	}
	b.options.Each(Notice{t.what, t.File, t.err})
	b.toll.count(t)
	if t.again && t.what != Failed && t.Hash != t.old.Hash {
		b.silent = append(b.silent, t.Path)
	}
	switch t.what {
	case Gone:
		b.count.Gone++
		return nil
	case Failed:
		b.failed = append(b.failed, Failure{t.Path, t.err.Error()})
		b.options.Progress.Failed.Add(1)
		b.passed(t)
		return b.keepUnread(t)
	case New:
		b.count.New++
	case Changed:
		b.count.Changed++
	case Unchanged:
		b.count.Unchanged++
	}
	b.count.Files++
	b.count.Bytes += t.Size
	b.passed(t)
	return b.addPage(t.Entry, t.origin)
}

// keepUnread keeps the entry of a file that looks unchanged and was only to be looked at again.
func (b *backup) keepUnread(t *task) error {
	if !t.again || !b.batch.Quiet() {
		return nil
	}
	b.count.Files++
	b.count.Bytes += t.old.Size
	return b.addPage(t.old, origin{})
}

func (b *backup) addPage(e *Entry, from origin) error {
	if err := b.pages.add(e, from); err != nil {
		return fmt.Errorf("write the pages: %w", err)
	}
	return nil
}

func (b *backup) passed(t *task) {
	b.options.Progress.Files.Add(1)
	b.options.Progress.Bytes.Add(t.Size)
}
