package clearance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
)

// Leaving is a device that files may leave. A device.Phone is one.
type Leaving interface {
	Held
	// Remove deletes a file if at that moment it is still of the size, the time of change and the SHA-256 that are given, and sees that it is gone.
	Remove(ctx context.Context, f device.File, sum [32]byte) error
	// Forget has the device's gallery forget files that are gone. It gives those that are still shown.
	Forget(ctx context.Context, files []device.File) (shown []string, err error)
}

// Candidate is a file that may leave a device.
type Candidate struct {
	File     device.File
	Entry    snapshot.Entry // of the same path, size and time of change
	Snapshot string         // that holds it: the newest
}

// Plan is what may leave a device. Nothing of it is proven yet, and nothing was removed.
type Plan struct {
	Device     snapshot.Device
	Candidates []Candidate // the oldest first: the order in which they go
	Bytes      int64       // of all candidates
	Stay       map[Why]Stay
	Unread     []snapshot.Failure // folders and files of the device that could not be read
	Held       *snapshot.Snapshot // that pulled the brake of the device: nothing may leave it
}

// MakePlan lists a device and chooses what may leave it: by the rules, and only what a confirmed snapshot of this very device holds, with the
// same path, size and time of change.
func MakePlan(ctx context.Context, r *repo.Repo, d snapshot.Device, from Leaving, rules Rules, now time.Time) (*Plan, error) {
	rules = rules.filled()
	p := &Plan{Device: d, Stay: make(map[Why]Stay)}
	if err := p.brake(ctx, r); err != nil || p.Held != nil {
		return p, err
	}
	known, err := entriesOf(ctx, r, d.ID)
	if err != nil {
		return nil, err
	}
	var found []Candidate
	for f, err := range from.Files(ctx) {
		var problem *device.Problem
		switch {
		case errors.As(err, &problem):
			p.Unread = append(p.Unread, snapshot.Failure{Path: problem.Path, Reason: problem.Err.Error()})
			continue
		case err != nil:
			return nil, fmt.Errorf("list the device: %w", err)
		case f.Type != device.Regular:
			continue
		}
		c, ok := known[key{f.Path, f.Size, f.ModTime.UnixNano()}]
		switch {
		case unsettled(f.Path):
			count(p.Stay, Unsettled, f)
		case !ok:
			count(p.Stay, NotKept, f)
		case !rules.asked(f, &c.Entry):
			count(p.Stay, NotAsked, f)
		default:
			c.File = f
			found = append(found, c)
		}
	}
	p.Candidates = rules.choose(found, now, p.Stay)
	for _, c := range p.Candidates {
		p.Bytes += c.File.Size
	}
	return p, ctx.Err()
}

// key is what a file and its entry must agree in.
type key struct {
	path     string
	size     int64
	modified int64 // Unix nanoseconds
}

// brake notes the snapshot that holds the device.
func (p *Plan) brake(ctx context.Context, r *repo.Repo) error {
	held, err := snapshot.Braked(ctx, r)
	if err != nil {
		return err
	}
	for _, s := range held {
		if s.Device.ID == p.Device.ID {
			p.Held = &s
		}
	}
	return nil
}

// entriesOf is what the confirmed snapshots of a device hold, each with the newest that does.
func entriesOf(ctx context.Context, r *repo.Repo, deviceID string) (map[key]Candidate, error) {
	of, err := snapshotsOf(ctx, r, deviceID)
	if err != nil {
		return nil, err
	}
	catalog, err := snapshot.ReadCatalog(ctx, r, of)
	if err != nil {
		return nil, err
	}
	known := make(map[key]Candidate, len(catalog.Pictures))
	for _, p := range catalog.Pictures {
		if p.Type == device.Regular { // a later version of the same path, size and time takes the place of an earlier
			known[key{p.Path, p.Size, p.ModTime.UnixNano()}] = Candidate{Entry: p.Entry, Snapshot: of[p.Last].Name}
		}
	}
	return known, nil
}

// snapshotsOf are the confirmed snapshots of a device. An attic is none: its paths may be others.
func snapshotsOf(ctx context.Context, r *repo.Repo, deviceID string) (of []snapshot.Snapshot, err error) {
	all, _, err := snapshot.List(ctx, r) // of what is damaged nothing is proven
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Device.ID == deviceID && !s.Attic {
			of = append(of, s)
		}
	}
	return of, nil
}
