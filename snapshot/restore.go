package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"sync/atomic"

	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/guard"
)

// Overwrite says what becomes of files that are there already.
type Overwrite string

// The ways of dealing with a file that is there already. One with the same size and time of change is always left
// alone, but by Always.
const (
	Never     Overwrite = "never"      // it stays, and is counted as Kept
	IfNewer   Overwrite = "if-newer"   // replaced when the snapshot's is newer
	IfChanged Overwrite = "if-changed" // replaced
	Always    Overwrite = "always"     // replaced, also when it looks the same
)

// Target is where files are given back to: a folder (device.Dir) or a phone (device.Home).
type Target interface {
	Stat(ctx context.Context, path string) (device.File, error)
	// Same tells whether what Stat found has the bytes of f. content gives those; a target that can tell otherwise leaves it unread.
	Same(ctx context.Context, there, f device.File, content io.Reader) (bool, error)
	Write(ctx context.Context, f device.File, r io.Reader) error
	Flush(ctx context.Context) error // makes durable what was written
}

// RestoreOptions say what is given back. The zero value gives back everything and replaces nothing.
type RestoreOptions struct {
	Paths     []string         // only files of these paths, and in folders of these; none for everything
	Select    func(Entry) bool // of those; nil for all
	Overwrite Overwrite        // "" for Never
	DryRun    bool
	Workers   int // files written at once; 0 for 14
	Progress  *Progress
	Each      func(Notice) // told of every file written (New), replaced (Changed), left (Unchanged) or Failed; from several goroutines
}

// Restored says what a restore did.
type Restored struct {
	Files, Bytes int64 // written
	Same         int64 // there already, with the same size and time of change
	Kept         int64 // there already and different, left as Overwrite says
	Failed       []Failure
}

// Restore gives the files of a snapshot back to a folder or a phone, each whole or not at all, each verified against the hash taken
// when it was read from the device. Files that fail are named in Failed and do not stop the others; a phone that is gone does.
func Restore(ctx context.Context, r *repo.Repo, s Snapshot, to Target, o RestoreOptions) (Restored, error) {
	return RestoreEntries(ctx, r, EntriesAt(ctx, r, s, o.Paths...), to, o)
}

// RestoreEntries is Restore for entries of any snapshots; Paths say nothing here.
func RestoreEntries(ctx context.Context, r *repo.Repo, entries iter.Seq2[Entry, error], to Target, o RestoreOptions) (Restored, error) {
	if o.Workers == 0 {
		o.Workers = 14
	}
	if o.Overwrite == "" {
		o.Overwrite = Never
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Each == nil {
		o.Each = func(Notice) {}
	}
	w := &restore{repo: r, to: to, options: o}
	if err := w.run(ctx, entries); err != nil {
		return w.result(), err
	}
	if o.DryRun {
		return w.result(), nil
	}
	if err := to.Flush(ctx); err != nil {
		return w.result(), fmt.Errorf("make the restored files durable: %w", err)
	}
	return w.result(), nil
}

// run hands the selected entries to several writers.
func (w *restore) run(ctx context.Context, all iter.Seq2[Entry, error]) error {
	g, ctx := errgroup.WithContext(ctx)
	entries := make(chan Entry, 2*w.options.Workers)
	g.Go(func() error {
		defer close(entries)
		return w.choose(ctx, all, entries)
	})
	for range w.options.Workers {
		g.Go(func() error {
			for e := range entries {
				if err := w.one(ctx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (w *restore) choose(ctx context.Context, all iter.Seq2[Entry, error], entries chan<- Entry) error {
	for e, err := range all {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			w.fail(device.File{Path: "(a page of the snapshot)"}, err)
			continue
		}
		if w.options.Select != nil && !w.options.Select(e) {
			continue
		}
		w.options.Progress.Found.Add(1)
		w.options.Progress.FoundBytes.Add(e.Size)
		select {
		case entries <- e:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	w.options.Progress.Scanned.Store(true)
	return nil
}

// one restores one file. Only what ends the whole restore is returned.
func (w *restore) one(ctx context.Context, e Entry) error {
	what, err := w.decide(ctx, e)
	if err == nil && (what == New || what == Changed) && !w.options.DryRun {
		w.options.Progress.ToRead.Add(e.Size)
		err = w.write(ctx, e)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.As(err, new(*device.PhoneError)) {
		return err
	}
	if err != nil {
		w.fail(e.File, err)
		return nil
	}
	w.count(what, e)
	return nil
}

// Kept is what becomes of a file that is there, differs, and stays.
const Kept What = "kept"

// decide holds the entry against what is there.
func (w *restore) decide(ctx context.Context, e Entry) (What, error) {
	there, err := w.to.Stat(ctx, e.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return New, nil
	case err != nil:
		return "", err
	case w.options.Overwrite == Always:
		return Changed, nil
	}
	same, err := w.to.Same(ctx, there, e.File, Open(ctx, w.repo, e))
	switch {
	case err != nil:
		return "", err
	case same:
		return Unchanged, nil
	case w.options.Overwrite == IfChanged, w.options.Overwrite == IfNewer && e.ModTime.After(there.ModTime):
		return Changed, nil
	}
	return Kept, nil
}

func (w *restore) write(ctx context.Context, e Entry) error {
	if e.Type == device.Symlink {
		return w.to.Write(ctx, e.File, nil)
	}
	p := &proof{hash: blake3.New(), entry: e, read: &w.options.Progress.Read}
	content := w.repo.OpenReader(ctx, e.Content, func(part []byte) { _, _ = p.hash.Write(part) }) // never fails
	defer content.Close()
	p.from = content
	return w.to.Write(ctx, e.File, p)
}

// proof lets a stream end in io.EOF only when its bytes have the hash they had on the device.
type proof struct {
	from  io.Reader
	hash  *blake3.Hasher // of what was read, once the stream has ended
	entry Entry
	read  *atomic.Int64 // bytes so far
}

func (p *proof) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read.Add(int64(n))
	if guard.On(guard.FileHash) && err == io.EOF && [32]byte(p.hash.Sum(nil)) != p.entry.Hash {
		return n, fmt.Errorf("%w: its bytes are not those read from the device", crypt.ErrDamaged)
	}
	return n, err
}

// Open reads one entry as a stream that fails at its end unless the bytes are those read from the device.
func Open(ctx context.Context, r *repo.Repo, e Entry) io.Reader {
	hash := blake3.New()
	return &proof{io.TeeReader(r.NewReader(ctx, e.Content), hash), hash, e, new(atomic.Int64)}
}
