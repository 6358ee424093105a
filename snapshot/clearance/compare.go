package clearance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
)

// Held is what may be wiped: it can tell the SHA-256 of what it holds. A phone does so itself, and its bytes need not come over the cable.
type Held interface {
	snapshot.Source
	Sum(ctx context.Context, f device.File) ([32]byte, error)
}

// CompareOptions say how closely to look. The zero value compares the bytes of every file.
type CompareOptions struct {
	Sample   int // bytes of so many files are compared, spread over all; of others path, size and time. 0 for every file
	Workers  int // files compared at once; 0 for 3
	Progress *snapshot.Progress
}

// Safety says what of a device the repository gives back.
type Safety struct {
	Files, Bytes int64              // regular files on the device
	Proven       int64              // the repository gave back the same bytes just now
	Alike        int64              // of the same path, size and time; their bytes were not compared
	Missing      []device.File      // in no snapshot
	Different    []device.File      // a snapshot has the path, with other bytes
	Lost         []snapshot.Failure // in a snapshot, which does not give them back
	Unread       []snapshot.Failure // folders and files of the device that could not be read
}

// Yes tells whether the device may be wiped: every file on it that could be listed comes back, as was just seen.
func (s *Safety) Yes() bool {
	return s.Proven == s.Files && len(s.Lost) == 0 && len(s.Unread) == 0
}

// Compare compares everything on a device with what the confirmed snapshots of a repository give back: each file's content is read from the
// repository, opened and hashed, and its SHA-256 held against the device's own. Where a snapshot has it, under which path and of which device, does
// not matter. An error means that the device or the repository cannot be read at all.
func Compare(ctx context.Context, r *repo.Repo, held Held, o CompareOptions) (*Safety, error) {
	if o.Workers == 0 {
		o.Workers = 3
	}
	if o.Progress == nil {
		o.Progress = new(snapshot.Progress)
	}
	all, _, err := snapshot.List(ctx, r)
	if err != nil {
		return nil, err
	}
	catalog, err := snapshot.ReadCatalog(ctx, r, all)
	if err != nil {
		return nil, err
	}
	c := &comparison{repo: r, held: held, options: o, bySize: make(map[int64][]*snapshot.Entry), paths: make(map[string]bool), sums: make(map[[32]byte]func() ([32]byte, error))}
	for i := range catalog.Pictures {
		e := &catalog.Pictures[i].Entry
		if e.Type == device.Regular {
			c.bySize[e.Size] = append(c.bySize[e.Size], e)
			c.paths[e.Path] = true
		}
	}
	err = c.run(ctx)
	c.said.sort()
	return &c.said, err
}

// comparison is a Compare at work.
type comparison struct {
	repo    *repo.Repo
	held    Held
	options CompareOptions
	bySize  map[int64][]*snapshot.Entry
	paths   map[string]bool

	mu   sync.Mutex
	said Safety
	sums map[[32]byte]func() ([32]byte, error) // of contents, by their BLAKE3; each is read once
}

func (c *comparison) run(ctx context.Context) error {
	files, err := c.list(ctx)
	if err != nil {
		return err
	}
	step := 1
	if c.options.Sample > 0 {
		step = max(1, len(files)/c.options.Sample)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.options.Workers)
	for i, f := range files {
		if ctx.Err() != nil {
			break
		}
		closely := i%step == 0
		g.Go(func() error { return c.one(ctx, f, closely) })
	}
	return g.Wait()
}

func (c *comparison) list(ctx context.Context) (files []device.File, err error) {
	for f, err := range c.held.Files(ctx) {
		var problem *device.Problem
		switch {
		case errors.As(err, &problem):
			c.said.Unread = append(c.said.Unread, snapshot.Failure{Path: f.Path, Reason: problem.Err.Error()})
		case err != nil:
			return nil, err
		case f.Type == device.Regular:
			files = append(files, f)
			c.said.Files++
			c.said.Bytes += f.Size
			c.options.Progress.Found.Add(1)
			c.options.Progress.FoundBytes.Add(f.Size)
		}
	}
	c.options.Progress.Scanned.Store(true)
	return files, nil
}

// one compares one file. Only what ends everything is returned.
func (c *comparison) one(ctx context.Context, f device.File, closely bool) error {
	known := slices.Clone(c.bySize[f.Size])
	slices.SortStableFunc(known, func(a, b *snapshot.Entry) int { return likely(b, f) - likely(a, f) })
	if !closely && len(known) > 0 && likely(known[0], f) == 2 {
		c.note(f, func(s *Safety) { s.Alike++ })
		return nil
	}
	if len(known) == 0 {
		c.absent(f)
		return nil
	}
	sum, err := c.held.Sum(ctx, f)
	if ctx.Err() != nil || errors.As(err, new(*device.PhoneError)) {
		return errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		c.note(f, func(s *Safety) { s.Unread = append(s.Unread, snapshot.Failure{Path: f.Path, Reason: err.Error()}) })
		return nil
	}
	return c.find(ctx, f, sum, known)
}

// likely is 2 for the entry of the very file, 1 for the path alone.
func likely(e *snapshot.Entry, f device.File) int {
	switch {
	case e.Path == f.Path && e.ModTime.Equal(f.ModTime):
		return 2
	case e.Path == f.Path:
		return 1
	}
	return 0
}

// find looks for a content with the sum of a file.
func (c *comparison) find(ctx context.Context, f device.File, sum [32]byte, known []*snapshot.Entry) error {
	var broken error
	for _, e := range known {
		is, err := c.sum(ctx, e)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			broken = fmt.Errorf("%s: %w", device.Printable(e.Path), err)
		case is == sum:
			c.note(f, func(s *Safety) { s.Proven++ })
			return nil
		}
	}
	if broken == nil {
		c.absent(f)
		return nil
	}
	c.note(f, func(s *Safety) { s.Lost = append(s.Lost, snapshot.Failure{Path: f.Path, Reason: broken.Error()}) })
	return nil
}

// absent notes a file whose bytes no snapshot has.
func (c *comparison) absent(f device.File) {
	c.note(f, func(s *Safety) {
		if c.paths[f.Path] {
			s.Different = append(s.Different, f)
		} else {
			s.Missing = append(s.Missing, f)
		}
	})
}

// sum is the SHA-256 of what the repository gives back.
func (c *comparison) sum(ctx context.Context, e *snapshot.Entry) ([32]byte, error) {
	c.mu.Lock()
	once := c.sums[e.Hash]
	if once == nil {
		once = sync.OnceValues(func() ([32]byte, error) { return sumIn(ctx, c.repo, *e) })
		c.sums[e.Hash] = once
	}
	c.mu.Unlock()
	return once()
}

func (c *comparison) note(f device.File, what func(*Safety)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what(&c.said)
	c.options.Progress.Files.Add(1)
	c.options.Progress.Bytes.Add(f.Size)
}

// sort puts what was found in order of path.
func (s *Safety) sort() {
	for _, files := range [][]device.File{s.Missing, s.Different} {
		slices.SortFunc(files, func(a, b device.File) int { return strings.Compare(a.Path, b.Path) })
	}
	for _, failures := range [][]snapshot.Failure{s.Lost, s.Unread} {
		slices.SortFunc(failures, func(a, b snapshot.Failure) int { return strings.Compare(a.Path, b.Path) })
	}
}
