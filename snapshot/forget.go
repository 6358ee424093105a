package snapshot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"shoebox/repo"
	"shoebox/repo/guard"
)

// ForgetOptions say how snapshots are forgotten. The zero value works, and lets no content go.
type ForgetOptions struct {
	Reasons map[string]string // why, by the name of the snapshot; kept in its tombstone
	DryRun  bool              // find out what would become of what, and change nothing

	LastCopies bool                   // let go of what no other snapshot holds, instead of keeping it in an attic
	Only       func(Entry) bool       // with LastCopies: let go of those entries of attics alone; nil for whole snapshots
	Confirm    func(*Forgotten) error // with LastCopies: asked before anything is written; an error ends it all. nil agrees

	Host    string           // this computer's name, as backups of it have
	Program string           // name and version, kept in an attic
	Now     func() time.Time // nil for the system's clock
	Batch   repo.BatchOptions
	Log     func(line string) // told what a person may want to know
}

func (o ForgetOptions) filled() ForgetOptions {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	return o
}

// Forgotten says what a forget did, or in a dry run would do.
type Forgotten struct {
	Snapshots  []Snapshot // that were forgotten; attics whose place a new one took are not among them
	Carried    []LastCopy // kept in an attic
	Going      []LastCopy // let go for good
	Unreadable []error    // pages of snapshots let go: what they held is not known
	Attics     []Snapshot // written
}

// Forget lets go of confirmed snapshots by name: from now on nobody sees them, and the next prune frees what only they needed. A
// file whose content no remaining snapshot holds is first carried into the attic of its device, unless LastCopies is set. It
// refuses with ErrBrake for devices whose brake is on, and when a snapshot cannot be read whole. Snapshots that were
// forgotten already are passed over.
func Forget(ctx context.Context, r *repo.Repo, names []string, o ForgetOptions) (*Forgotten, error) {
	o = o.filled()
	for tries := 1; ; tries++ {
		f, err := consider(ctx, r, names, o)
		if err != nil {
			return nil, err
		}
		if o.DryRun || len(f.leaving)+len(f.ruins)+len(f.report.Carried) == 0 {
			return f.report, nil
		}
		if o.LastCopies && o.Confirm != nil {
			if err := o.Confirm(f.report); err != nil {
				return nil, err
			}
		}
		if err = f.carry(ctx); err == nil {
			return f.report, f.finish(ctx)
		}
		if !f.isLate(ctx, names) && (o.LastCopies || tries >= atticTries || !isLost(err)) {
			return f.report, err
		}
	}
}

// atticTries is how often an attic is written when chunks of it are gone by the time it is committed: a prune took its session for dead. Nothing is
// forgotten before one is safe.
const atticTries = 3

// finish forgets, now that all that must stay is safe.
func (f *forgetting) finish(ctx context.Context) error {
	if err := f.bury(ctx); err != nil {
		return err
	}
	if err := f.lookAgain(ctx); err != nil {
		return err
	}
	return f.release(ctx)
}

// forgetting is one forget at work.
type forgetting struct {
	repo    *repo.Repo
	options ForgetOptions
	survey  *survey
	now     time.Time
	report  *Forgotten
	writer  Writer

	leaving  []Snapshot      // to be forgotten, newest first
	ruins    []string        // names of records that do not open, to be forgotten
	replaced []Snapshot      // attics whose place new ones take
	buried   map[string]bool // what this forget put tombstones for
	also     []string        // snapshots forgotten before that held what goes now
}

// consider finds out what a forget would do. What is not there or cannot be read may have been forgotten by somebody else and let go of by a prune since
// the survey: then it looks anew, and passes over that.
func consider(ctx context.Context, r *repo.Repo, names []string, o ForgetOptions) (*forgetting, error) {
	for {
		v, err := takeFullSurvey(ctx, r)
		if err != nil {
			return nil, err
		}
		f := &forgetting{repo: r, options: o, survey: v, now: o.Now(), report: new(Forgotten), writer: v.nextWriter(writerID(r, o.Host))}
		if err = f.choose(ctx, names); err == nil {
			err = f.find(ctx)
		}
		if err == nil && len(f.report.Unreadable) == 0 {
			return f, nil
		}
		if !f.isLate(ctx, names) {
			return f, err
		}
	}
}

// isLate tells whether somebody forgot and a prune let go of a snapshot that is to be forgotten, or of an attic to go on from, since the survey. Where that
// cannot be found out, what failed before is all there is to tell.
func (f *forgetting) isLate(ctx context.Context, names []string) bool {
	all := slices.DeleteFunc(slices.Clone(names), f.survey.isForgotten)
	for _, s := range f.survey.confirmed() {
		if s.Attic {
			all = append(all, s.Name)
		}
	}
	left, err := haveLeft(ctx, f.repo, all)
	return left && err == nil
}

// choose finds the snapshots and refuses those that must not be forgotten.
func (f *forgetting) choose(ctx context.Context, names []string) error {
	held, err := f.survey.braked(ctx, f.repo)
	if err != nil {
		return err
	}
	wanted := make(map[string]bool)
	for _, name := range names {
		wanted[name] = true
	}
	for _, s := range slices.Backward(f.survey.live) {
		if !wanted[s.Name] {
			continue
		}
		delete(wanted, s.Name)
		if err := f.refuse(s, held); err != nil {
			return err
		}
		f.leaving = append(f.leaving, s)
	}
	if f.options.Only != nil {
		f.chooseAllAttics()
	}
	for name := range wanted {
		if f.survey.isForgotten(name) {
			continue
		}
		if err := f.chooseRuin(name); err != nil {
			return err
		}
	}
	return nil
}

func (f *forgetting) refuse(s Snapshot, held []Snapshot) error {
	switch {
	case !s.Confirmed:
		return fmt.Errorf("snapshot %s is not confirmed: a backup may be at work on it", s.Name[:8])
	case s.Attic && !f.options.LastCopies:
		return fmt.Errorf("%s is the attic of %s: what it holds is nowhere else. --last-copies lets go of it for good", s.Name[:8], s.Device.Name)
	case !s.Attic && f.options.Only != nil:
		return fmt.Errorf("snapshot %s is not an attic, and only an attic can be let go in part", s.Name[:8])
	}
	for _, h := range held {
		if h.Device.ID == s.Device.ID && guard.On(guard.Brake) {
			return brakeError(h)
		}
	}
	return nil
}

// chooseAllAttics adds the other attics of the devices: what one is to let go of must not stay in the next.
func (f *forgetting) chooseAllAttics() {
	devices := make(map[string]bool)
	for _, s := range f.leaving {
		devices[s.Device.ID] = true
	}
	f.leaving = nil
	for _, s := range slices.Backward(f.survey.confirmed()) {
		if s.Attic && devices[s.Device.ID] {
			f.leaving = append(f.leaving, s)
		}
	}
}

// chooseRuin chooses a snapshot whose record does not open: what it held is not known.
func (f *forgetting) chooseRuin(name string) error {
	for _, d := range f.survey.damaged {
		if d.Name != Kind+"/"+name {
			continue
		}
		if !f.options.LastCopies {
			return fmt.Errorf("%w. `shoebox heal` may mend it; --last-copies lets go of it and of all that only it holds", d.Err)
		}
		f.ruins = append(f.ruins, name)
		f.report.Unreadable = append(f.report.Unreadable, d.Err)
		return nil
	}
	return fmt.Errorf("there is no snapshot %q", name)
}

// find finds out what is held by what is to be forgotten alone.
func (f *forgetting) find(ctx context.Context) error {
	leaving, staying := f.sides(f.survey)
	s, err := lastCopies(ctx, f.repo, leaving, staying)
	if err != nil {
		return err
	}
	for _, m := range s.missing {
		err := fmt.Errorf("snapshot %s cannot be read whole, so nobody knows what only it holds: %w; `shoebox heal` may mend it", m.snapshot.Name[:8], m.err)
		if !f.options.LastCopies {
			return err
		}
		f.report.Unreadable = append(f.report.Unreadable, err)
	}
	if f.options.Only == nil {
		f.report.Snapshots = slices.Clone(f.leaving)
	}
	if !f.options.LastCopies {
		f.report.Carried = s.found
	} else {
		f.report.Going = s.found
	}
	return f.findForsaken(ctx, leaving, staying)
}

// sides are what leaves and what stays. Of an attic that is let go in part both have a share.
func (f *forgetting) sides(v *survey) (leaving, staying []share) {
	going := make(map[string]bool)
	for _, s := range f.leaving {
		going[s.Name] = true
		leaving = append(leaving, share{s, f.options.Only})
	}
	for _, s := range v.confirmed() {
		switch {
		case !going[s.Name]:
			staying = append(staying, share{s, nil})
		case f.options.Only != nil && f.buried == nil:
			staying = append(staying, share{s, func(e Entry) bool { return !f.options.Only(e) }})
		}
	}
	return leaving, staying
}

// carry writes the attics that are needed before anything is forgotten.
func (f *forgetting) carry(ctx context.Context) error {
	if !guard.On(guard.Attic) {
		return nil
	}
	work := f.works(f.report.Carried)
	for _, a := range work {
		for _, s := range f.survey.confirmed() {
			if s.Attic && s.Device.ID == a.device.ID {
				a.old = append(a.old, s)
			}
		}
		a.leave = f.options.Only
	}
	return f.write(ctx, work)
}

// works sorts last copies by device; an attic that is let go in part is written anew too.
func (f *forgetting) works(extras []LastCopy) (all []*atticWork) {
	of := make(map[string]*atticWork)
	work := func(d Device) *atticWork {
		if of[d.ID] == nil {
			of[d.ID] = &atticWork{device: d}
			all = append(all, of[d.ID])
		}
		return of[d.ID]
	}
	if f.options.Only != nil && f.buried == nil {
		for _, s := range f.leaving {
			work(s.Device)
		}
	}
	for _, x := range extras {
		a := work(x.Snapshot.Device)
		a.extras = append(a.extras, x)
	}
	return all
}

func (f *forgetting) write(ctx context.Context, work []*atticWork) error {
	for _, a := range work {
		// What leaves on its own account is no attic to go on from.
		a.old = slices.DeleteFunc(a.old, func(s Snapshot) bool { return f.options.Only == nil && f.isLeaving(s) })
		s, err := f.writeAttic(ctx, a)
		if err != nil {
			return err
		}
		if s.Name != "" {
			f.report.Attics = append(f.report.Attics, s)
		}
		f.replaced = append(f.replaced, a.old...)
	}
	return nil
}

func (f *forgetting) isLeaving(s Snapshot) bool {
	return slices.ContainsFunc(f.leaving, func(l Snapshot) bool { return l.Name == s.Name })
}

// bury puts the tombstones.
func (f *forgetting) bury(ctx context.Context) error {
	if err := f.repo.SettleRecords(ctx, Kind); err != nil { // what stays must outlive a power cut, as what leaves will not come back
		return err
	}
	f.buried = make(map[string]bool)
	var stones []Tombstone
	for _, s := range f.leaving {
		stones = append(stones, f.stone(s.Name, f.options.Reasons[s.Name]))
	}
	for _, name := range f.ruins {
		stones = append(stones, f.stone(name, "its record does not open"))
	}
	for _, s := range f.replaced {
		if !f.isLeaving(s) {
			stone := f.stone(s.Name, "a new attic took its place")
			stone.LastCopies = false
			stones = append(stones, stone)
		}
	}
	for _, stone := range stones {
		if err := stone.put(ctx, f.repo); err != nil {
			return fmt.Errorf("forget snapshot %s: %w", stone.Name[:8], err)
		}
		f.buried[stone.Name] = true
	}
	return nil
}

func (f *forgetting) stone(name, reason string) Tombstone {
	return Tombstone{Name: name, When: f.now, Reason: reason, LastCopies: f.options.LastCopies}
}
