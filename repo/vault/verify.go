package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"shoebox/repo/storage"
)

// Options of a walk over the whole store. The zero value works.
type Options struct {
	Log      func(Correction) // is told of each correction, one at a time
	Progress *Progress        // counts as the walk goes
	Spared   bool             // do not read packs: somebody else does. Sidecars are held against their own hashes only
}

// Progress of a walk. All may be read while it goes.
type Progress struct {
	AllObjects, AllBytes atomic.Int64 // to be looked at
	Objects, Bytes       atomic.Int64 // looked at
	Damaged, Healed      atomic.Int64 // of those
}

// Damage is an object that is not as it was written.
type Damage struct {
	Name  string
	Err   error // wraps ErrDamaged, or fs.ErrNotExist where it is gone
	Heals bool  // what is left suffices to heal it
}

// Correction is one object put right, or redundancy made anew.
type Correction struct {
	Name string
	From string // "parity", "second copy" or "original"
	What string // what was wrong with it
}

// Report says what a walk found.
type Report struct {
	Packs, Small int   // packs, and small objects, that were looked at
	Bytes        int64 // of them, as listed
	Bare         int   // of them, without a sidecar or copy in the end
	Lone         int   // sidecars without a pack: SweepParity removes them

	Damage     []Damage     // what is damaged, or after Heal what still is; by name
	Corrected  []Correction // what was put right or made; by name
	Quarantine []string     // what was taken out of the way before
	Strange    []string     // names that are nobody's
}

// Verify reads everything and holds it against its name, its checksum, its copy and its sidecar, without a key. It changes nothing. Damage is
// in the report; an error means that not everything was looked at.
func (v *Vault) Verify(ctx context.Context, o Options) (*Report, error) {
	w := v.newWalk(o)
	if err := w.all(ctx, false); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return w.finish(), nil
}

// At most so many objects are looked at side by side, and so many bytes held for them.
const (
	lookers  = 3
	lookRoom = 192 << 20
)

// walk looks at every object of a listing.
type walk struct {
	*Vault
	o    Options
	put  bool // heal: put back what is damaged
	make bool // make redundancy that is missing or damaged

	sizes map[string]int64 // as listed
	room  *semaphore.Weighted

	mu     sync.Mutex
	report Report
}

func (v *Vault) newWalk(o Options) *walk {
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	return &walk{Vault: v, o: o, room: semaphore.NewWeighted(lookRoom)}
}

// all lists the store and looks at what it finds; only at what lacks redundancy when bare is asked for. That a name is not in the listing
// proves nothing: what is missing is looked for once more.
func (w *walk) all(ctx context.Context, bare bool) error {
	names, err := w.list(ctx)
	if err == nil && w.make {
		err = w.settle(ctx)
	}
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return bare && !w.bare(name) })
	for _, name := range names {
		w.o.Progress.AllObjects.Add(1)
		w.o.Progress.AllBytes.Add(w.sizes[name])
	}
	return w.each(ctx, names, w.look)
}

// settle makes the names of small objects durable: a copy must not outlive its original in a power cut, as it would speak of a loss.
func (w *walk) settle(ctx context.Context) error {
	for folder := range folders {
		if err := storage.Settle(ctx, w.store, folder+"/"); err != nil {
			return err
		}
	}
	return nil
}

// each calls look for all names, a few at once.
func (w *walk) each(ctx context.Context, names []string, look func(context.Context, string) error) error {
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for _, name := range names {
		weight := w.weight(name)
		if w.room.Acquire(within, weight) != nil {
			break // Wait tells why
		}
		g.Go(func() error {
			defer w.room.Release(weight)
			defer w.o.Progress.Objects.Add(1)
			defer w.o.Progress.Bytes.Add(w.sizes[name])
			return look(within, name)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// weight is about how many bytes are held for an object: as it is, as it was, and as it reads back.
func (w *walk) weight(name string) int64 {
	longest := max(w.sizes[name], w.sizes[copyName(name)])
	return min(lookRoom, 1<<20+3*min(longest, limit(kindOf(name))))
}

// list names the originals there are, and those of which there is only a copy, in order.
func (w *walk) list(ctx context.Context) ([]string, error) {
	w.sizes = make(map[string]int64)
	for o, err := range w.store.List(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("list the store: %w", err)
		}
		w.sizes[o.Name] = o.Size
	}
	var names []string
	for name := range w.sizes {
		switch kindOf(name) {
		case strangeKind:
			w.report.Strange = append(w.report.Strange, name)
		case quarantineKind:
			w.report.Quarantine = append(w.report.Quarantine, name)
		case sidecarKind:
			if _, ok := w.sizes[packOf(name)]; !ok {
				w.report.Lone++
			}
		case copyKind:
			names = append(names, strings.TrimPrefix(name, CopiesDir))
		case plainKind:
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// bare tells whether an object was listed without its redundancy.
func (w *walk) bare(name string) bool {
	k := kindOf(name)
	second := copyName(name)
	if k == packKind {
		second = SidecarName(name)
	}
	_, there := w.sizes[second]
	return !there && (k == packKind || k.copied() && copyable(name))
}

func (w *walk) look(ctx context.Context, name string) error {
	k := kindOf(name)
	w.mu.Lock()
	if k == packKind {
		w.report.Packs++
	} else {
		w.report.Small++
	}
	w.report.Bytes += w.sizes[name]
	w.mu.Unlock()
	switch {
	case k == packKind && w.o.Spared:
		return w.lookSidecarAlone(ctx, name)
	case k == packKind:
		return w.lookPack(ctx, name)
	case k.copied():
		return w.lookSmall(ctx, name)
	}
	return w.lookPlain(ctx, name)
}

func (w *walk) damaged(name string, err error, heals bool) {
	w.o.Progress.Damaged.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Damage = append(w.report.Damage, Damage{name, err, heals})
}

func (w *walk) corrected(c Correction) {
	w.o.Progress.Healed.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Corrected = append(w.report.Corrected, c)
	if w.o.Log != nil {
		w.o.Log(c)
	}
}

func (w *walk) left(bare bool) {
	if bare {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.report.Bare++
	}
}

// finish puts the report in order.
func (w *walk) finish() *Report {
	slices.SortFunc(w.report.Damage, func(a, b Damage) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(w.report.Corrected, func(a, b Correction) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(w.report.Strange)
	slices.Sort(w.report.Quarantine)
	return &w.report
}
