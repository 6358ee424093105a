package snapshot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"shoebox/repo/wire"
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
	b.options.Each(Notice{t.what, t.File, t.err})
	b.toll.count(t)
	switch t.what {
	case Gone:
		b.count.Gone++
		return nil
	case Failed:
		b.failed = append(b.failed, Failure{t.Path, t.err.Error()})
		b.options.Progress.Failed.Add(1)
		b.passed(t)
		return nil
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
	if err := b.pages.add(t.Entry, t.origin); err != nil {
		return fmt.Errorf("write the pages: %w", err)
	}
	return nil
}

func (b *backup) passed(t *task) {
	b.options.Progress.Files.Add(1)
	b.options.Progress.Bytes.Add(t.Size)
}

// notebook gathers what was read since the last checkpoint.
type notebook struct {
	begin time.Time // of the stretch since the last checkpoint

	mu      sync.Mutex
	entries []Entry
	bytes   int64 // read since then
	total   int64 // read in all
	busy    bool
}

func (n *notebook) write(e Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries = append(n.entries, e)
	n.bytes += e.Size
	n.total += e.Size
}

// due takes the entries out when it is time for a checkpoint and none is under way.
func (n *notebook) due(o BackupOptions) []Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	young := n.bytes < o.CheckpointBytes && len(n.entries) < mostNoted && o.Now().Sub(n.begin) < o.CheckpointEvery
	if n.busy || len(n.entries) == 0 || young {
		return nil
	}
	return n.take(o)
}

func (n *notebook) take(o BackupOptions) []Entry {
	entries := n.entries
	n.entries, n.bytes, n.begin, n.busy = nil, 0, o.Now(), true
	return entries
}

func (n *notebook) done() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy = false
}

// keepNow makes a checkpoint when one is due. The goroutine that notices does the work; the others go on reading.
func (b *backup) keepNow(ctx context.Context) error {
	entries := b.notebook.due(b.options)
	if entries == nil {
		return nil
	}
	defer b.notebook.done()
	if err := b.checkpoint(ctx, entries); err != nil {
		return fmt.Errorf("make safe what was read so far: %w", err)
	}
	return nil
}

// mostNoted bounds the entries of one note.
const mostNoted = 1 << 14

// checkpoint makes durable what was read and leaves notes of it.
func (b *backup) checkpoint(ctx context.Context, entries []Entry) error {
	for some := range slices.Chunk(entries, mostNoted) {
		if err := b.leave(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (b *backup) leave(ctx context.Context, entries []Entry) error {
	n := note{Device: b.options.Device.ID}
	for _, root := range b.options.Roots {
		n.Roots = append(n.Roots, wire.Bytes(root))
	}
	for i := range entries {
		n.Entries = append(n.Entries, formOf(&entries[i]))
	}
	data, err := codec().Marshal(n)
	if err != nil {
		return err
	}
	return b.batch.Checkpoint(ctx, data)
}

// lastWords is how long an interrupted backup may take to make safe what it has read.
const lastWords = 15 * time.Second

// leaveNote is called when the backup ends early: it makes safe what was read, as far as the store still works.
func (b *backup) leaveNote(ctx context.Context) {
	b.notebook.mu.Lock()
	entries := b.notebook.take(b.options)
	b.notebook.mu.Unlock()
	if len(entries) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if err := b.checkpoint(ctx, entries); err != nil {
		b.options.Log(fmt.Sprintf("what was read since the last checkpoint will be read again: %v", err))
	}
}
