package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoebox/repo"
	"shoebox/repo/crypt"
)

// tombstoneKind is the kind of the records that say that a snapshot was forgotten on purpose. They have its name, and stay for ever:
// a snapshot that is gone without one has vanished.
const tombstoneKind = "tombstones"

// Tombstone says that a snapshot was forgotten.
type Tombstone struct {
	Name       string    // of the snapshot
	When       time.Time // all tombstones of one forget have the same; for people, nothing depends on it
	LastCopies bool      // it was asked for that what no other snapshot holds goes with it; see release
	Reason     string    // in words
}

type tombstoneForm struct {
	Version    int    `cbor:"1,keyasint"`
	When       int64  `cbor:"2,keyasint"` // Unix milliseconds
	LastCopies bool   `cbor:"3,keyasint,omitempty"`
	Reason     string `cbor:"4,keyasint,omitempty"`
}

const tombstoneVersion = 1

func (t Tombstone) put(ctx context.Context, r *repo.Repo) error {
	body, err := codec().Marshal(tombstoneForm{tombstoneVersion, t.When.UnixMilli(), t.LastCopies, t.Reason})
	if err != nil {
		return fmt.Errorf("write a tombstone: %w", err)
	}
	return r.PutRecord(ctx, tombstoneKind, t.Name, body)
}

func decodeTombstone(rec repo.Record) (Tombstone, error) {
	damaged := func(why any) (Tombstone, error) {
		return Tombstone{}, fmt.Errorf("tombstone %.40q: %w: %v", rec.Name, crypt.ErrDamaged, why)
	}
	if !isName(rec.Name) {
		return damaged("it is not named as a snapshot is")
	}
	var v struct {
		Version int `cbor:"1,keyasint"`
	}
	if codec().Glance(rec.Body, &v) == nil && v.Version > tombstoneVersion {
		return Tombstone{}, fmt.Errorf("tombstone %s has version %d and this program knows %d: use a newer shoebox", rec.Name, v.Version, tombstoneVersion)
	}
	var f tombstoneForm
	if err := codec().Unmarshal(rec.Body, &f); err != nil {
		return damaged(err)
	}
	if f.Version != tombstoneVersion || f.When < firstMoment || f.When > lastMoment {
		return damaged("it has values out of bounds")
	}
	return Tombstone{rec.Name, time.UnixMilli(f.When).UTC(), f.LastCopies, f.Reason}, nil
}

// readTombstones reads all tombstones. One that is damaged counts for nothing: a snapshot too many harms nobody.
func (v *survey) readTombstones(ctx context.Context, r *repo.Repo) error {
	v.tombs, v.illegible = make(map[string]Tombstone), nil
	for rec, err := range r.Records(ctx, tombstoneKind) {
		var t Tombstone
		if err == nil {
			t, err = decodeTombstone(rec)
		}
		switch {
		case errors.Is(err, crypt.ErrDamaged):
			v.illegible = append(v.illegible, repo.Damage{Name: tombstoneKind + "/" + rec.Name, Err: err})
			continue
		case err != nil:
			return fmt.Errorf("read the tombstones: %w", err)
		}
		v.tombs[t.Name] = t
	}
	return nil
}

// ForgottenSnapshot is a snapshot that was forgotten.
type ForgottenSnapshot struct {
	Snapshot
	Tombstone Tombstone
}

// ListForgotten gives the forgotten snapshots that the next prune will take away, oldest first: they can be had back with Undo. pruned
// names those that are gone.
func ListForgotten(ctx context.Context, r *repo.Repo) (standing []ForgottenSnapshot, pruned []string, err error) {
	v, err := takeSurvey(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	there := make(map[string]bool)
	for _, s := range v.forgotten {
		there[s.Name] = true
		standing = append(standing, ForgottenSnapshot{s, v.tombs[s.Name]})
	}
	for _, name := range v.ruins {
		there[name] = true
	}
	for name := range v.tombs {
		if !there[name] {
			pruned = append(pruned, name)
		}
	}
	return standing, pruned, nil
}
