package snapshot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/wire"
)

// notebook gathers what was read since the last checkpoint, and what came so far of large files.
type notebook struct {
	begin time.Time // of the stretch since the last checkpoint

	mu      sync.Mutex
	entries []Entry
	flying  map[*task]repo.Content // large files that are being read, or were cut off
	large   int64                  // bytes of which must have come to be worth a note
	bytes   int64                  // read since then
	busy    bool
}

// noted is what a checkpoint makes safe.
type noted struct{ whole, begun []Entry }

// write notes a file that was read whole.
func (n *notebook) write(t *task, e Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries = append(n.entries, e)
	if _, flew := n.flying[t]; !flew {
		n.bytes += e.Size
	}
	delete(n.flying, t)
}

// fly notes what came so far of a large file.
func (n *notebook) fly(t *task, so repo.Content) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.flying == nil {
		n.flying = make(map[*task]repo.Content)
	}
	n.flying[t] = so
	n.bytes += int64(so[len(so)-1].Size)
}

// mostBegun large files are noted while they are read: few are read at once.
const mostBegun = 16

// begun gives what came of large files that are not whole yet.
func (n *notebook) begun() (all []Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.begunLocked()
}

func (n *notebook) begunLocked() (all []Entry) {
	for t, so := range n.flying {
		if so.Size() >= n.large && so.Size() < t.Size && len(all) < mostBegun {
			all = append(all, Entry{File: t.File, Content: slices.Clone(so)})
		}
	}
	return all
}

// due takes out what there is when it is time for a checkpoint and none is under way.
func (n *notebook) due(o BackupOptions) (noted, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	young := n.bytes < o.CheckpointBytes && len(n.entries) < mostNoted && o.Now().Sub(n.begin) < o.CheckpointEvery
	if n.busy || n.bytes == 0 && len(n.entries) == 0 || young {
		return noted{}, false
	}
	return n.take(o), true
}

func (n *notebook) take(o BackupOptions) noted {
	all := noted{n.entries, n.begunLocked()}
	n.entries, n.bytes, n.begin, n.busy = nil, 0, o.Now(), true
	return all
}

func (n *notebook) done() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy = false
}

// onTheWay notes each part of a large file, and makes a checkpoint when one is due: a video may take as long as all else.
func (b *backup) onTheWay(ctx context.Context, t *task, so repo.Content) error {
	if t.Size < b.options.Large {
		return nil
	}
	b.notebook.fly(t, so)
	return b.keepNow(ctx)
}

// keepNow makes a checkpoint when one is due. The goroutine that notices does the work; the others go on reading.
func (b *backup) keepNow(ctx context.Context) error {
	all, due := b.notebook.due(b.options)
	if !due {
		return nil
	}
	defer b.notebook.done()
	if err := b.checkpoint(ctx, all); err != nil {
		return fmt.Errorf("make safe what was read so far: %w", err)
	}
	return nil
}

// mostNoted bounds the entries of one note.
const mostNoted = 1 << 14

// checkpoint makes durable what was read and leaves notes of it.
func (b *backup) checkpoint(ctx context.Context, all noted) error {
	if len(all.whole) == 0 && len(all.begun) > 0 {
		return b.leave(ctx, nil, all.begun)
	}
	for some := range slices.Chunk(all.whole, mostNoted) {
		if err := b.leave(ctx, some, all.begun); err != nil {
			return err
		}
		all.begun = nil
	}
	return nil
}

func (b *backup) leave(ctx context.Context, whole, begun []Entry) error {
	n := note{Device: b.options.Device.ID, Entries: formsOf(whole), Begun: formsOf(begun)}
	for _, root := range b.options.Roots {
		n.Roots = append(n.Roots, wire.Bytes(root))
	}
	data, err := codec().Marshal(n)
	if err != nil {
		return err
	}
	return b.batch.Checkpoint(ctx, data)
}

func formsOf(entries []Entry) (forms []entryForm) {
	for i := range entries {
		forms = append(forms, formOf(&entries[i]))
	}
	return forms
}

// lastWords is how long an interrupted backup may take to make safe what it has read.
const lastWords = 15 * time.Second

// leaveNote is called when the backup ends early: it makes safe what was read, as far as the store still works.
func (b *backup) leaveNote(ctx context.Context) {
	b.notebook.mu.Lock()
	all := b.notebook.take(b.options)
	b.notebook.mu.Unlock()
	if len(all.whole)+len(all.begun) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if err := b.checkpoint(ctx, all); err != nil {
		b.options.Log(fmt.Sprintf("what was read since the last checkpoint will be read again: %v", err))
	}
}

// begunOf checks forms of files that were cut off, and makes them entries. What is not as it should be is left out: it is a hint.
func begunOf(forms []entryForm) (all []Entry) {
	for _, f := range forms[:min(len(forms), mostBegun)] {
		so := f.Parts.Size()
		whole := f
		whole.Size = so // an entry has all its parts
		if e, err := whole.entry(); err == nil && e.Type == device.Regular && so > 0 && so < f.Size {
			e.Size = f.Size
			all = append(all, e)
		}
	}
	return all
}

func (p *past) learnBegun(all []Entry) {
	for _, e := range all {
		p.begun[e.Path] = &e
	}
}
