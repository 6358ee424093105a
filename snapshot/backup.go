package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/repo"
)

// Source is where files come from. See package device for what Files and Open promise.
type Source interface {
	Files(ctx context.Context) iter.Seq2[device.File, error]
	Open(ctx context.Context, f device.File) (io.ReadCloser, error)
}

// BackupOptions say whose pictures are taken, and how. Device must be given; the rest of the zero value works.
type BackupOptions struct {
	Device  Device
	Roots   []string // the folders looked into; a snapshot's parent has the same device and roots
	Host    string
	Tags    []string
	Program string           // name and version, kept in the snapshot
	Force   bool             // read every file, also those that look unchanged
	DryRun  bool             // list and compare, read and store nothing
	Now     func() time.Time // nil for the system's clock

	Workers         int           // files read at once; 0 for 6, which keep a disk and two processors busy, and for 3 of a dear source
	Ahead           int           // files opened ahead of reading; 0 for 32
	CheckpointBytes int64         // read between two checkpoints; 0 for 256 MiB
	CheckpointEvery time.Duration // at most between two checkpoints; 0 for 5 s
	Large           int64         // bytes from which on a file is noted while it is read, once so many have come; 0 for 64 MiB
	Batch           repo.BatchOptions
	Brake           BrakeOptions // when so much is lost that nothing of the device may be forgotten

	Dear     bool             // the bytes of the source come slowly: what moved is not read again, and small files come first
	Recheck  float64          // share of the files that look unchanged to read all the same, others each day; 0 for none
	Expected func(Entry) bool // of what is gone: it was taken off the device on purpose, and counts for no brake; nil for nothing

	Progress *Progress         // kept up to date when not nil
	Each     func(Notice)      // told of every file, in order, from one goroutine
	Log      func(line string) // told what a person may want to know
}

// Progress tells a watcher how far a backup or a restore is. All fields may be read at any time.
type Progress struct {
	Found, FoundBytes atomic.Int64 // listed so far
	Files, Bytes      atomic.Int64 // done with, unchanged ones included
	Read              atomic.Int64 // bytes read from the device, or given back to it
	ToRead            atomic.Int64 // bytes of the files that are to be read, as far as known
	Scanned           atomic.Bool  // the listing is over: Found is all there is
	Failed            atomic.Int64
}

// What became of a file.
type What string

// What a Notice may tell.
const (
	New       What = "new"
	Changed   What = "changed"
	Unchanged What = "unchanged"
	Gone      What = "gone"
	Failed    What = "failed"
)

// Notice tells of one file.
type Notice struct {
	What What
	File device.File
	Err  error // of a failed one
}

func (o BackupOptions) filled() BackupOptions {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers == 0 {
		o.Workers = 6 // files of this computer share 28 MiB; others do not
		if o.Dear {
			o.Workers = 3
		}
	}
	if o.Batch.InMemory == 0 {
		o.Batch.InMemory = 1 // a second brings no speed beside what is being filled, and takes 16 MiB
	}
	if o.Ahead == 0 {
		o.Ahead = 32
	}
	if o.CheckpointBytes == 0 {
		o.CheckpointBytes = 256 << 20
	}
	if o.Large == 0 {
		o.Large = 64 << 20
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = 5 * time.Second
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Each == nil {
		o.Each = func(Notice) {}
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Expected == nil {
		o.Expected = func(Entry) bool { return false }
	}
	return o
}

// ErrLost is wrapped when the device was lost before the end. What had been read by then is in a partial snapshot.
var ErrLost = errors.New("the device was lost before the backup was complete")

// ErrNothing is wrapped when not one file could be read, though there was something: an empty snapshot would only look like one.
var ErrNothing = errors.New("nothing could be read, so no snapshot was taken")

// Backup takes a snapshot of all files of a source. Files whose size and time of change are as in the last snapshot
// are not read. Files that cannot be read are named in the snapshot's Failed, and are no error. When the device is
// lost midway the snapshot is partial, and the error wraps ErrLost. When ctx ends, what was read is left for the next
// backup to find.
func Backup(ctx context.Context, r *repo.Repo, src Source, o BackupOptions) (Snapshot, error) {
	o = o.filled()
	if o.DryRun {
		past, err := recall(ctx, r, o)
		if err != nil {
			return Snapshot{}, err
		}
		return dryRun(ctx, r, src, past, o)
	}
	batch, err := r.Begin(ctx, o.Batch)
	if err != nil {
		return Snapshot{}, fmt.Errorf("begin the backup: %w", err)
	}
	defer batch.Abort()
	past, err := recall(ctx, r, o) // a parent chosen before W1 may have been forgotten and pruned by then
	if err != nil {
		return Snapshot{}, err
	}
	b := newBackup(r, src, batch, past, o)
	lost, err := b.run(ctx)
	if err != nil {
		b.leaveNote(ctx)
		return Snapshot{}, err
	}
	switch {
	case lost != nil && b.count.Files == 0:
		b.leaveNote(ctx) // of a large file that was cut off
		return Snapshot{}, fmt.Errorf("%w: %w", ErrLost, lost)
	case len(b.failed) > 0 && b.count.Files == 0:
		return Snapshot{}, fmt.Errorf("%w: %s: %s", ErrNothing, device.Printable(b.failed[0].Path), b.failed[0].Reason)
	}
	s, err := b.commit(ctx, lost)
	if err == nil && lost != nil {
		err = fmt.Errorf("%w: %w", ErrLost, lost)
	}
	return s, err
}

// backup is one backup at work. Its goroutines, each handing on to the next:
//
//	feed      of a dear source: has small new files read first
//	scan      lists the source, compares with the parent, and makes a task of each file
//	open      opens files ahead of those who read them
//	read      several: read, cut, pack
//	collect   takes finished tasks in the order of the listing and writes pages
//	keep      makes durable what was read so far, now and then
type backup struct {
	options BackupOptions
	repo    *repo.Repo
	source  Source
	batch   *repo.Batch
	past    past
	pages   *pageWriter

	order   *relay[*task]    // all files in order, for collect
	jobs    chan *task       // those to be read, for open
	held    []line           // the whole listing, of a dear source
	early   map[string]*task // of a dear source, what is read before the rest
	fed     chan struct{}    // closed when all early ones are in jobs
	retry   chan *task       // those that changed while they were read, for open
	opened  chan *task       // for read
	solved  chan struct{}
	left    atomic.Int64 // tasks in jobs, retry, opened, or being read
	unknown []string     // folders that could not be listed; of scan alone

	notebook notebook
	start    time.Time
	count    Count
	toll     toll
	failed   []Failure
	silent   []string
}

// task is one file on its way through a backup.
type task struct {
	located        // the entry it becomes; origin says where it stood before
	what    What   // what became of it
	old     *Entry // the entry of the same path in the parent
	stream  io.ReadCloser
	err     error         // why it failed
	tries   int           // so far
	again   bool          // it looks unchanged, and is read all the same
	done    chan struct{} // closed when what and err are settled; nil when they are from the start
}

// inOrder bounds how many tasks may wait for an earlier one.
const inOrder = 4096

func newBackup(r *repo.Repo, src Source, batch *repo.Batch, p past, o BackupOptions) *backup {
	b := &backup{options: o, repo: r, source: src, batch: batch, past: p, start: o.Now(),
		order: newRelay[*task](inOrder), jobs: make(chan *task, inOrder),
		retry: make(chan *task, o.Ahead+o.Workers+1), opened: make(chan *task, o.Ahead), solved: make(chan struct{}, 1), fed: make(chan struct{})}
	b.notebook.begin, b.notebook.large = b.start, o.Large
	b.toll.expected = o.Expected
	return b
}

// run does everything up to the commit. lost is the reason why the device went away, if it did.
func (b *backup) run(ctx context.Context) (lost, err error) {
	b.pages = newPageWriter(b.repo, func(data []byte) (repo.Part, error) {
		part, _, err := b.batch.PutChunk(ctx, pageKind, data)
		return part, err
	})
	stop := new(lossOf)
	first, err := b.lookFirst(ctx)
	if err != nil {
		return nil, err
	}
	g, running := errgroup.WithContext(ctx) // running ends with run; the last pages are written after that
	g.Go(func() error { return b.feed(running, first) })
	g.Go(func() error { return b.scan(running, stop) })
	g.Go(func() error { return b.open(running, stop) })
	for range b.options.Workers {
		g.Go(func() error { return b.read(running, stop) })
	}
	g.Go(func() error { return b.collect(running) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return stop.reason(), nil
}

// commit writes the last pages and the snapshot.
func (b *backup) commit(ctx context.Context, lost error) (Snapshot, error) {
	root, err := b.pages.finish()
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Confirmed: true, Device: b.options.Device, Host: b.options.Host, Roots: b.options.Roots, Start: b.start, Tags: b.options.Tags,
		Program: b.options.Program, Failed: b.failed, Partial: lost != nil, Parent: b.past.parent.Name, Writer: b.past.writer, Brake: b.toll.brake(b.options.Brake), Silent: b.silent, root: root}
	if lost != nil {
		s.begun = b.notebook.begun()
	}
	if err := b.flushCount(ctx, &s); err != nil {
		return Snapshot{}, err
	}
	body, err := s.encode()
	if err != nil {
		return Snapshot{}, fmt.Errorf("write the snapshot: %w", err)
	}
	pages := newPageReader(b.repo, false)
	needs := func(ctx context.Context) iter.Seq2[repo.Part, error] { return pages.parts(ctx, root) }
	if s.Name, err = b.batch.Commit(ctx, Kind, body, needs); err != nil {
		return Snapshot{}, fmt.Errorf("commit the snapshot: %w", err)
	}
	for _, sid := range b.past.finished {
		if err := b.repo.DropNotes(ctx, sid); err != nil {
			b.options.Log(fmt.Sprintf("notes of an interrupted backup stay for now: %v", err))
		}
	}
	return s, nil
}

// flushCount makes all packs durable, so that the count of what was stored is complete.
func (b *backup) flushCount(ctx context.Context, s *Snapshot) error {
	if err := b.batch.Flush(ctx); err != nil {
		return fmt.Errorf("store the last packs: %w", err)
	}
	did := b.batch.Count()
	b.count.Fresh, b.count.Stored = did.FreshBytes, did.StoredBytes+did.MetaBytes
	b.count.Failed, b.count.Read = int64(len(b.failed)), b.options.Progress.Read.Load()
	s.Count, s.End = b.count, b.options.Now()
	return nil
}
