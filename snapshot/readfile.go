package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/zeebo/blake3"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/guard"
	"shoebox/snapshot/photo"
)

const pageKind = chunk.Page

// mostTries is how often a file is read that changes meanwhile.
const mostTries = 2

// open opens files ahead of the readers. It ends when nothing is left to be opened or read, as a file that changed while it
// was read comes back to be opened again.
func (b *backup) open(ctx context.Context, stop *lossOf) error {
	defer close(b.opened)
	jobs := b.jobs
	for jobs != nil || b.left.Load() > 0 {
		var t *task
		select {
		case next, ok := <-jobs:
			if !ok {
				jobs = nil
				continue
			}
			t = next
		case t = <-b.retry:
		case <-b.solved:
			continue
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if lost := stop.reason(); lost != nil {
			b.leaveOut(t, lost)
			continue
		}
		if t.stream, t.err = b.openFile(ctx, t); t.err != nil {
			b.judge(t, t.err, stop)
			continue
		}
		if err := send(ctx, b.opened, t); err != nil {
			_ = t.stream.Close() // the backup ends for a better reason
			return err
		}
	}
	return nil
}

// read reads opened files, one after the other.
func (b *backup) read(ctx context.Context, stop *lossOf) error {
	eyes := newObserver(b.options.Progress)
	for t := range b.opened {
		entry, err := b.readFile(ctx, t, eyes)
		switch {
		case repo.IsStoreError(err):
			return fmt.Errorf("store %s: %w", device.Printable(t.Path), err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			b.judge(t, err, stop)
		default:
			t.Entry, t.origin, t.what = &entry, origin{}, t.whatBecame(&entry)
			b.notebook.write(t, entry)
			b.settle(t)
			if err := b.keepNow(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *backup) readFile(ctx context.Context, t *task, eyes *observer) (e Entry, err error) {
	eyes.reset(t.stream)
	var content repo.Content
	err = b.batch.PutEach(ctx, eyes, func(p repo.Part, _ bool) error {
		content = append(content, p)
		return b.onTheWay(ctx, t, content)
	})
	if err = errors.Join(err, t.stream.Close()); err != nil {
		return e, err
	}
	if content.Size() != t.Size {
		return e, fmt.Errorf("%w: %d bytes came and %d were listed", device.ErrChanged, content.Size(), t.Size)
	}
	if len(content) > maxParts {
		return e, fmt.Errorf("it has %d parts, and %d is the most a snapshot can hold", len(content), maxParts)
	}
	return Entry{File: t.File, Content: content, Hash: eyes.sum(), Photo: eyes.sniffer.Info(t.Path, t.ModTime)}, nil
}

// whatBecame tells what a file that was read has become: one read by force may be as it was.
func (t *task) whatBecame(e *Entry) What {
	if t.old != nil && sameFile(t.old.File, e.File) && t.old.Hash == e.Hash {
		return Unchanged
	}
	return t.newOrChanged()
}

// judge decides what an error means: the end of the backup, another try, or one file that could not be read.
func (b *backup) judge(t *task, err error, stop *lossOf) {
	t.tries++
	var gone *device.PhoneError
	switch {
	case errors.As(err, &gone):
		stop.set(err)
		b.fail(t, err)
	case errors.Is(err, device.ErrChanged) && t.tries < mostTries:
		b.tryAgain(t)
	default:
		b.fail(t, err)
	}
}

// tryAgain sends a file back to be opened. The channel has room for all files that can be on their way.
func (b *backup) tryAgain(t *task) { b.retry <- t }

func (b *backup) fail(t *task, err error) {
	t.err, t.what = err, Failed
	b.settle(t)
}

// settle ends a task that was to be read.
func (b *backup) settle(t *task) {
	t.stream = nil
	b.left.Add(-1)
	close(t.done)
	select {
	case b.solved <- struct{}{}:
	default:
	}
}

// observer sees a file's bytes as they pass to the cutter: it hashes them, beside the cutting where they are many, and keeps what tells of the picture.
type observer struct {
	from    io.Reader
	hash    *blake3.Hasher
	sniffer photo.Sniffer
	read    *atomic.Int64
	beside  sync.WaitGroup // a goroutine that hashes what was read last
}

// hashBeside is how much of a file is hashed beside everything else, in bytes: for less a goroutine costs too much.
const hashBeside = 256 << 10

func newObserver(p *Progress) *observer { return &observer{hash: blake3.New(), read: &p.Read} }

func (o *observer) reset(from io.Reader) {
	o.from = from
	o.hash.Reset()
	o.sniffer.Reset()
}

// Len is the length that the stream says it has, or nothing: a phone's comes only after those that were opened before it, and must not wait for
// memory that those behind it hold.
func (o *observer) Len() int64 {
	if s, ok := o.from.(interface{ Len() int64 }); ok {
		return s.Len()
	}
	return 0
}

func (o *observer) Read(p []byte) (int, error) {
	n, err := o.from.Read(p)
	if !guard.On(guard.StatTwice) && errors.Is(err, device.ErrChanged) {
		err = io.EOF // as if the device had not looked at the file again
	}
	o.Wait()
	if n >= hashBeside {
		o.beside.Go(func() { _, _ = o.hash.Write(p[:n]) })
	} else {
		_, _ = o.hash.Write(p[:n]) // never fails
	}
	_, _ = o.sniffer.Write(p[:n]) // never fails
	o.read.Add(int64(n))
	return n, err
}

// Wait waits until what was read is hashed. The cutter calls it before it uses the memory of that for anything else.
func (o *observer) Wait() { o.beside.Wait() }

// sum gives the hash of all that was read.
func (o *observer) sum() (h [32]byte) {
	o.Wait()
	o.hash.Sum(h[:0])
	return h
}
