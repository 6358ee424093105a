package clearance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
)

// ErrNoRun is wrapped when nothing was taken off a device that could be put back.
var ErrNoRun = errors.New("nothing was taken off the device that was not put back already")

// ErrNotHeld is wrapped when a file cannot be put back, because no snapshot holds it any more.
var ErrNotHeld = errors.New("no snapshot holds it any more")

// LastRun gives the last run on a device that was not undone; with an id, or the beginning of one, that run.
func LastRun(ctx context.Context, r *repo.Repo, deviceID, id string) (Run, error) {
	all, _, err := Receipts(ctx, r)
	if err != nil {
		return Run{}, err
	}
	var last *Run
	for _, run := range Runs(all) {
		fits := run.Device == deviceID && !run.Undone
		if id != "" {
			fits = len(id) <= len(run.ID) && run.ID[:len(id)] == id
		}
		if fits {
			last = &run
		}
	}
	if last == nil {
		return Run{}, ErrNoRun
	}
	return *last, nil
}

// Undo puts everything back that a run took off a device, to where it was: what is there still is left alone. Each file is found by its hash in any
// snapshot that holds it; of one that is in none o.Each is told too, with ErrNotHeld.
func Undo(ctx context.Context, r *repo.Repo, run Run, to snapshot.Target, now time.Time, o snapshot.RestoreOptions) (snapshot.Restored, error) {
	entries, missing, err := find(ctx, r, run.Files)
	if err != nil {
		return snapshot.Restored{}, err
	}
	did, err := snapshot.RestoreEntries(ctx, r, entries, to, o)
	for _, c := range missing {
		why := fmt.Errorf("%w: that of that day was %.8s", ErrNotHeld, c.Snapshot)
		did.Failed = append(did.Failed, snapshot.Failure{Path: c.Path, Reason: why.Error()})
		if o.Each != nil {
			o.Each(snapshot.Notice{What: snapshot.Failed, File: device.File{Path: c.Path, Size: c.Size, ModTime: c.ModTime}, Err: why})
		}
	}
	if err != nil || o.DryRun || len(did.Failed) > 0 || did.Kept > 0 {
		return did, err
	}
	undone := &Receipt{Stage: Undone, Run: run.ID, Device: run.Device, When: now}
	return did, undone.put(ctx, r, rand.Reader)
}

// find gives an entry for each file, under the path and the time it had, and the files that are in no snapshot.
func find(ctx context.Context, r *repo.Repo, files []Cleared) (iter.Seq2[snapshot.Entry, error], []Cleared, error) {
	all, _, err := snapshot.List(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	catalog, err := snapshot.ReadCatalog(ctx, r, all)
	if err != nil {
		return nil, nil, err
	}
	wanted := make(map[[32]byte]*snapshot.Entry, len(files))
	for _, c := range files {
		wanted[c.Hash] = nil
	}
	for i := range catalog.Pictures {
		e := &catalog.Pictures[i].Entry
		if _, ok := wanted[e.Hash]; ok && e.Type == device.Regular {
			wanted[e.Hash] = e
		}
	}
	missing := slices.DeleteFunc(slices.Clone(files), func(c Cleared) bool { return wanted[c.Hash] != nil })
	return func(yield func(snapshot.Entry, error) bool) {
		for _, c := range files {
			e := wanted[c.Hash]
			if e == nil {
				continue
			}
			back := *e
			back.Path, back.ModTime = c.Path, c.ModTime
			if !yield(back, nil) {
				return
			}
		}
	}, missing, nil
}

// Keep seals what was said of a device into the repository, with its date.
func (s *Safety) Keep(ctx context.Context, r *repo.Repo, d snapshot.Device, now time.Time) (*Receipt, error) {
	run, err := draw(rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &Receipt{Stage: Checked, Run: run, Device: d.ID, When: now, Answer: &Answer{Name: d.Name, Yes: s.Yes(), Files: s.Files, Bytes: s.Bytes, Proven: s.Proven, Alike: s.Alike,
		Missing: int64(len(s.Missing)), Different: int64(len(s.Different)), Lost: int64(len(s.Lost)), Unread: int64(len(s.Unread))}}
	return t, t.put(ctx, r, rand.Reader)
}
