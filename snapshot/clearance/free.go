package clearance

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
)

// FreeOptions say how a plan is run. The zero value works.
type FreeOptions struct {
	Copy       *repo.Repo       // when not nil, a second repository that must give back the same bytes too
	Workers    int              // files proven at once; 0 for 3
	GroupFiles int              // proven together before the first of them is removed; 0 for 256
	GroupBytes int64            // the same in bytes; 0 for 1 GiB
	Now        func() time.Time // nil for the system's clock
	Random     io.Reader        // nil for the system's
	Progress   *snapshot.Progress
	Each       func(c Candidate, err error) // told of every file: nil when it is removed, else why it stays
}

func (o FreeOptions) filled() FreeOptions {
	if o.Workers == 0 {
		o.Workers = 3
	}
	if o.GroupFiles == 0 {
		o.GroupFiles = 256
	}
	o.GroupFiles = min(o.GroupFiles, mostInReceipt)
	if o.GroupBytes == 0 {
		o.GroupBytes = 1 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Progress == nil {
		o.Progress = new(snapshot.Progress)
	}
	if o.Each == nil {
		o.Each = func(Candidate, error) {}
	}
	return o
}

// Freed says what a run did.
type Freed struct {
	Run          string // its receipts have this
	Files, Bytes int64  // removed
	Kept         []snapshot.Failure
	Shown        []string // removed, and the device's gallery shows them still
}

// ErrNotProven is wrapped when a file stays because nobody can be sure that the repository gives it back.
var ErrNotProven = errors.New("it stays")

// Run lets go of what was planned. A file is removed only when, in this run, its bytes were read from the repository, opened and hashed, the device
// told the same SHA-256, its snapshot was seen confirmed after that, the intent was durable, and the device found it unchanged. What is not proven
// stays and is told of in Kept. An error means that the run could not go on; what it did until then is told.
func (p *Plan) Run(ctx context.Context, r *repo.Repo, from Leaving, o FreeOptions) (Freed, error) {
	f := &freeing{plan: p, repo: r, from: from, options: o.filled()}
	if p.Held != nil {
		return f.did, fmt.Errorf("%w for %s: `shoebox snapshots` shows what happened, `shoebox forget --brake-off` releases it", snapshot.ErrBrake, p.Device.Name)
	}
	run, err := draw(f.options.Random)
	if err != nil {
		return f.did, err
	}
	f.did.Run = run
	f.options.Progress.Found.Add(int64(len(p.Candidates)))
	f.options.Progress.FoundBytes.Add(p.Bytes)
	f.options.Progress.Scanned.Store(true)
	if o.Copy != nil {
		if err := f.readCopy(ctx); err != nil {
			return f.did, err
		}
	}
	err = f.all(ctx)
	return f.did, errors.Join(err, f.show(ctx))
}

// freeing is a Run at work.
type freeing struct {
	plan    *Plan
	repo    *repo.Repo
	from    Leaving
	options FreeOptions
	copies  map[[32]byte]snapshot.Entry // what the second repository holds, by BLAKE3

	mu      sync.Mutex
	did     Freed
	removed []device.File
}

// proven is a candidate whose bytes were read from the repository, and are those of the device.
type proven struct {
	Candidate
	sum [32]byte
}

func (f *freeing) readCopy(ctx context.Context) error {
	all, _, err := snapshot.List(ctx, f.options.Copy)
	if err != nil {
		return fmt.Errorf("read the second repository: %w", err)
	}
	catalog, err := snapshot.ReadCatalog(ctx, f.options.Copy, all)
	if err != nil {
		return fmt.Errorf("read the second repository: %w", err)
	}
	f.copies = make(map[[32]byte]snapshot.Entry, len(catalog.Pictures))
	for _, p := range catalog.Pictures {
		f.copies[p.Hash] = p.Entry
	}
	return nil
}

func (f *freeing) all(ctx context.Context) error {
	for left := f.plan.Candidates; len(left) > 0; {
		var bytes int64
		n := 0
		for n < len(left) && n < f.options.GroupFiles && (n == 0 || bytes+left[n].File.Size <= f.options.GroupBytes) {
			bytes += left[n].File.Size
			n++
		}
		if err := f.group(ctx, left[:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// group proves some files and then removes them.
func (f *freeing) group(ctx context.Context, some []Candidate) error {
	sure, err := f.prove(ctx, some)
	if err != nil {
		return err
	}
	if sure, err = f.stillKept(ctx, sure); err != nil || len(sure) == 0 {
		return err
	}
	intent := &Receipt{Stage: Intent, Run: f.did.Run, Device: f.plan.Device.ID, When: f.options.Now()}
	for _, c := range sure {
		intent.Files = append(intent.Files, Cleared{c.File.Path, c.File.Size, c.File.ModTime, c.Entry.Hash, c.sum, c.Snapshot})
	}
	if err := intent.put(ctx, f.repo, f.options.Random); err != nil {
		return err // nothing of this group was removed
	}
	gone, err := f.remove(ctx, sure)
	if len(gone) > 0 {
		err = errors.Join(err, f.tellRemoved(ctx, intent, gone))
	}
	return err
}

// tellRemoved keeps the second receipt, also of a run that was interrupted.
func (f *freeing) tellRemoved(ctx context.Context, intent *Receipt, gone []int) error {
	const lastWords = 15 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	done := &Receipt{Stage: Removed, Run: intent.Run, Device: intent.Device, When: f.options.Now(), Of: intent.Name, Gone: gone}
	return done.put(ctx, f.repo, f.options.Random)
}

// prove reads each file from the repository and has the device hash its own.
func (f *freeing) prove(ctx context.Context, some []Candidate) ([]proven, error) {
	sums := make([]*[32]byte, len(some))
	g, proving := errgroup.WithContext(ctx)
	g.SetLimit(f.options.Workers)
	for i, c := range some {
		g.Go(func() error {
			if proving.Err() != nil {
				return context.Cause(proving)
			}
			sum, err := f.one(proving, c)
			switch {
			case proving.Err() != nil:
				return context.Cause(proving)
			case errors.As(err, new(*device.PhoneError)):
				return err
			case err != nil:
				f.stays(c, err)
			default:
				sums[i] = &sum
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var sure []proven
	for i, c := range some {
		if sums[i] != nil {
			sure = append(sure, proven{c, *sums[i]})
		}
	}
	return sure, nil
}

// one proves one file: its SHA-256 in the repository, in the second one, and on the device are the same.
func (f *freeing) one(ctx context.Context, c Candidate) (sum [32]byte, err error) {
	if sum, err = sumIn(ctx, f.repo, c.Entry); err != nil {
		return sum, fmt.Errorf("%w: the repository does not give it back: %w", ErrNotProven, err)
	}
	if f.options.Copy != nil {
		e, ok := f.copies[c.Entry.Hash]
		if !ok || e.Size != c.Entry.Size {
			return sum, fmt.Errorf("%w: the second repository does not have it", ErrNotProven)
		}
		if again, err := sumIn(ctx, f.options.Copy, e); err != nil || again != sum {
			return sum, fmt.Errorf("%w: the second repository does not give it back: %w", ErrNotProven, errors.Join(err, wrongUnless(again == sum)))
		}
	}
	there, err := f.from.Sum(ctx, c.File)
	if err != nil {
		return sum, fmt.Errorf("%w: it could not be hashed on the device: %w", ErrNotProven, err)
	}
	if there != sum {
		return sum, fmt.Errorf("%w: %w", ErrNotProven, errOther)
	}
	return sum, nil
}

var errOther = errors.New("its bytes are others than those in the repository")

func wrongUnless(same bool) error {
	if same {
		return nil
	}
	return errOther
}

// sumIn is the SHA-256 of what a repository gives back. snapshot.Open sees to it that its BLAKE3 is the entry's.
func sumIn(ctx context.Context, r *repo.Repo, e snapshot.Entry) (sum [32]byte, err error) {
	hash := sha256.New()
	n, err := io.Copy(hash, snapshot.Open(ctx, r, e))
	if err == nil && n != e.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return sum, err
	}
	return [32]byte(hash.Sum(nil)), nil
}

// stillKept looks at the snapshots once more, after the bytes were read: what was forgotten meanwhile, or is held by the brake, stays.
func (f *freeing) stillKept(ctx context.Context, sure []proven) (kept []proven, err error) {
	if len(sure) == 0 {
		return nil, nil
	}
	again := &Plan{Device: f.plan.Device}
	if err := again.brake(ctx, f.repo); err != nil {
		return nil, err
	}
	if again.Held != nil {
		return nil, fmt.Errorf("%w for %s since a moment ago", snapshot.ErrBrake, f.plan.Device.Name)
	}
	all, err := snapshotsOf(ctx, f.repo, f.plan.Device.ID)
	if err != nil {
		return nil, err
	}
	confirmed := make(map[string]bool)
	for _, s := range all {
		confirmed[s.Name] = true
	}
	for _, c := range sure {
		if confirmed[c.Snapshot] {
			kept = append(kept, c)
		} else {
			f.stays(c.Candidate, fmt.Errorf("%w: its snapshot was forgotten a moment ago", ErrNotProven))
		}
	}
	return kept, f.repo.SettleRecords(ctx, snapshot.Kind) // a name that was seen may not be durable yet
}

// remove takes files off the device, one by one. gone are the places of those that are gone.
func (f *freeing) remove(ctx context.Context, sure []proven) (gone []int, err error) {
	for i, c := range sure {
		if ctx.Err() != nil {
			return gone, context.Cause(ctx)
		}
		switch err := f.from.Remove(ctx, c.File, c.sum); {
		case ctx.Err() != nil:
			return gone, context.Cause(ctx)
		case errors.As(err, new(*device.PhoneError)):
			return gone, err
		case err != nil:
			f.stays(c.Candidate, err)
		default:
			gone = append(gone, i)
			f.goes(c.Candidate)
		}
	}
	return gone, nil
}

func (f *freeing) goes(c Candidate) {
	f.mu.Lock()
	f.did.Files++
	f.did.Bytes += c.File.Size
	f.removed = append(f.removed, c.File)
	f.mu.Unlock()
	f.passed(c, nil)
}

func (f *freeing) stays(c Candidate, why error) {
	f.mu.Lock()
	f.did.Kept = append(f.did.Kept, snapshot.Failure{Path: c.File.Path, Reason: why.Error()})
	f.mu.Unlock()
	f.options.Progress.Failed.Add(1)
	f.passed(c, why)
}

func (f *freeing) passed(c Candidate, why error) {
	f.options.Progress.Files.Add(1)
	f.options.Progress.Bytes.Add(c.File.Size)
	f.options.Each(c, why)
}

// show has the device's gallery forget what is gone.
func (f *freeing) show(ctx context.Context) (err error) {
	if len(f.removed) == 0 || ctx.Err() != nil {
		return nil
	}
	f.did.Shown, err = f.from.Forget(ctx, f.removed)
	return err
}
