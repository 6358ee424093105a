package snapshot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"hash/fnv"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/repo/crypt"
	"shoebox/snapshot/photo"
)

// Where bytes come slowly, as over a cable, the whole listing is looked at before anything is read: what only moved is found by its hash
// and not read again, and of what is new the small files come first, so that most are safe early.

const (
	mostHeld  = 1 << 19 // lines of a listing; a longer one is dealt with line by line
	mostEarly = 20_000  // files read before the rest, the smallest first
)

// summing is a device that tells hashes without giving its bytes.
type summing interface {
	Sum(ctx context.Context, f device.File) ([32]byte, error)
}

// lookFirst holds the listing of a dear source, and gives what of it is to be read first.
func (b *backup) lookFirst(ctx context.Context) ([]*task, error) {
	if !b.options.Dear {
		return nil, nil
	}
	var held []line
	for f, err := range list(ctx, b.source) {
		if len(held) == mostHeld {
			return nil, nil
		}
		held = append(held, line{f, err})
		if err == nil {
			b.found(f)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b.held = held
	fresh, gone, err := b.compareHeld(ctx)
	if err != nil {
		return nil, err
	}
	if fresh, err = b.withoutMoved(ctx, fresh, gone); err != nil {
		return nil, err
	}
	slices.SortFunc(fresh, func(x, y *task) int { return cmp.Or(cmp.Compare(x.Size, y.Size), strings.Compare(x.Path, y.Path)) })
	fresh = fresh[:min(len(fresh), mostEarly)]
	b.early = make(map[string]*task, len(fresh))
	for _, t := range fresh {
		b.early[t.Path] = t
		b.toRead(t)
	}
	return fresh, nil
}

// compareHeld finds what must be read, and what of the parent is not there any more.
func (b *backup) compareHeld(ctx context.Context) (fresh []*task, gone []*Entry, err error) {
	m := newMerge(ctx, b.repo, b.past.parent.root)
	defer m.close()
	var unknown []string
	absent := func(old *Entry) {
		if !below(unknown, old.Path) {
			gone = append(gone, old)
		}
	}
	for _, l := range b.held {
		var problem *device.Problem
		if errors.As(l.err, &problem) {
			unknown = append(unknown, problem.Path)
		}
		if l.err != nil || storable(l.file) != nil {
			continue
		}
		for old := m.before(l.file.Path); old.Entry != nil; old = m.before(l.file.Path) {
			absent(old.Entry)
		}
		t, err := b.compare(ctx, l.file, m.here(l.file.Path))
		if err != nil {
			return nil, nil, err
		}
		if t.what == "" && !t.again {
			fresh = append(fresh, t)
		}
	}
	for old := m.next(); old.Entry != nil; old = m.next() {
		absent(old.Entry)
	}
	return fresh, gone, context.Cause(ctx)
}

// alike is what a file keeps when it is moved.
type alike struct {
	size     int64
	modified time.Time // in UTC, to be compared
}

func likeness(f device.File) alike { return alike{f.Size, f.ModTime.UTC()} }

// withoutMoved leaves out new files that are old ones in another place: of the same size and time as one that is gone, and of the same hash, as
// the device itself tells.
func (b *backup) withoutMoved(ctx context.Context, fresh []*task, gone []*Entry) ([]*task, error) {
	from, ok := b.source.(summing)
	if !ok || len(gone) == 0 || b.options.Force {
		return fresh, nil
	}
	went := make(map[alike][]*Entry)
	for _, e := range gone {
		if e.Type == device.Regular && e.Size > 0 {
			went[likeness(e.File)] = append(went[likeness(e.File)], e)
		}
	}
	moved := make([]*Entry, len(fresh))
	g, looking := errgroup.WithContext(ctx)
	g.SetLimit(hashedAtOnce)
	for i, t := range fresh {
		if candidates := went[likeness(t.File)]; len(candidates) > 0 {
			g.Go(func() (err error) {
				moved[i], err = b.movedFrom(looking, from, t.File, candidates)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var left []*task
	for i, t := range fresh {
		if moved[i] == nil {
			left = append(left, t)
			continue
		}
		b.past.known[t.Path] = moved[i]
	}
	return left, nil
}

// hashedAtOnce files are hashed by a device at once, while the repository reads others.
const hashedAtOnce = 3

// movedFrom gives the entry of a file that was moved; nil when none of the candidates is it.
func (b *backup) movedFrom(ctx context.Context, from summing, f device.File, candidates []*Entry) (*Entry, error) {
	there, err := from.Sum(ctx, f)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil // it is read, and that tells what is wrong
	}
	for _, e := range candidates {
		moved, err := b.movedTo(ctx, e, f, there)
		if moved != nil || err != nil {
			return moved, err
		}
	}
	return nil, nil
}

// movedTo is an entry in another place, if its content has the hash that the device tells. What the picture says of itself is read again, as the
// old name may have told it; nil when it is another file, or does not come back from the repository.
func (b *backup) movedTo(ctx context.Context, e *Entry, f device.File, sum [32]byte) (*Entry, error) {
	is, sniffer := sha256.New(), new(photo.Sniffer)
	_, err := io.Copy(io.MultiWriter(is, sniffer), Open(ctx, b.repo, *e))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && !errors.Is(err, crypt.ErrDamaged) && !isLost(err):
		return nil, err
	case err != nil || [32]byte(is.Sum(nil)) != sum:
		return nil, nil
	}
	return &Entry{File: f, Content: e.Content, Hash: e.Hash, Photo: sniffer.Info(f.Path, f.ModTime)}, nil
}

// listing gives the lines that are held, or lists the source.
func (b *backup) listing(ctx context.Context) iter.Seq2[device.File, error] {
	if b.held == nil {
		return list(ctx, b.source)
	}
	return func(yield func(device.File, error) bool) {
		for _, l := range b.held {
			if !yield(l.file, l.err) {
				return
			}
		}
	}
}

// feed has early files read before all others.
func (b *backup) feed(ctx context.Context, first []*task) error {
	defer close(b.fed)
	for _, t := range first {
		if err := send(ctx, b.jobs, t); err != nil {
			return err
		}
	}
	return nil
}

// leftOut is a file that was not even opened when the device was lost. The snapshot is partial, and need not name each.
const leftOut What = "left out"

func (b *backup) leaveOut(t *task, lost error) {
	if b.held == nil {
		b.fail(t, lost)
		return
	}
	t.what = leftOut
	b.settle(t)
}

// recheck tells whether it is the turn of a file that looks unchanged to be read all the same: each has its day, whatever its neighbours are.
func (b *backup) recheck(f device.File) bool {
	if b.options.Recheck <= 0 || f.Type != device.Regular {
		return false
	}
	const secondsOfDay = 24 * 60 * 60
	days := max(1, uint64(1/b.options.Recheck))
	name := fnv.New64a()
	_, _ = io.WriteString(name, f.Path) // never fails
	return name.Sum64()%days == uint64(b.start.Unix()/secondsOfDay)%days
}
