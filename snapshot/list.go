package snapshot

import (
	"context"
	"errors"
	"sort"

	"shoebox/repo"
	"shoebox/repo/crypt"
)

// List gives the confirmed snapshots that were not forgotten, oldest first, and one error for each record that is damaged.
func List(ctx context.Context, r *repo.Repo) (snapshots []Snapshot, damaged []error, err error) {
	all, err := takeSurvey(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range all.damaged {
		damaged = append(damaged, d.Err)
	}
	return all.confirmed(), damaged, nil
}

// survey is what the records tell at one moment.
type survey struct {
	live      []Snapshot           // not forgotten, oldest first; unconfirmed ones too: their writer may be at work, or died at the last step
	forgotten []Snapshot           // those whose records still stand, oldest first
	tombs     map[string]Tombstone // by the name of the snapshot they forget
	letGo     map[string]bool      // forgotten snapshots whose last copies may go with them
	damaged   []repo.Damage        // snapshots that do not open and are not forgotten
	ruins     []string             // names of those that do not open and are
	illegible []repo.Damage        // tombstones that do not open: they forget nothing
}

// takeSurvey lists tombstones before sessions and snapshots: a forget puts an attic before its tombstones, so whoever sees
// that a snapshot is forgotten sees the attic that holds what only it held.
func takeSurvey(ctx context.Context, r *repo.Repo) (*survey, error) {
	v := new(survey)
	if err := v.readTombstones(ctx, r); err != nil {
		return nil, err
	}
	for rec, err := range r.Records(ctx, Kind) {
		gone := v.isForgotten(rec.Name)
		var s Snapshot
		if err == nil {
			s, err = decode(rec)
		}
		switch {
		case errors.Is(err, crypt.ErrDamaged) && gone:
			v.ruins = append(v.ruins, rec.Name)
		case errors.Is(err, crypt.ErrDamaged):
			v.damaged = append(v.damaged, repo.Damage{Name: Kind + "/" + rec.Name, Err: err})
		case err != nil:
			return nil, err
		case gone:
			v.forgotten = append(v.forgotten, s)
		default:
			v.live = append(v.live, s)
		}
	}
	oldestFirst(v.live)
	oldestFirst(v.forgotten)
	return v, nil
}

func (v *survey) isForgotten(name string) bool {
	_, forgotten := v.tombs[name]
	return forgotten
}

func oldestFirst(all []Snapshot) {
	sort.SliceStable(all, func(i, j int) bool { return all[i].Start.Before(all[j].Start) })
}

func (v *survey) confirmed() (all []Snapshot) {
	for _, s := range v.live {
		if s.Confirmed {
			all = append(all, s)
		}
	}
	return all
}
