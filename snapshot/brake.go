package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
)

// Brake says how many pictures were lost between two backups, when it was so many that nothing of the device may be
// forgotten until a person has looked: somebody may have deleted, or encrypted, everything on the phone.
type Brake struct {
	Gone    int64 `cbor:"1,keyasint,omitempty"` // pictures of the parent that are no more
	Changed int64 `cbor:"2,keyasint,omitempty"` // pictures of the parent with other bytes
	Of      int64 `cbor:"3,keyasint,omitempty"` // pictures in the parent
}

// brakeKind is the kind of the records that release brakes. They have the name of the snapshot that pulled it.
const brakeKind = "brakes"

// BrakeOptions say when a backup pulls the brake: when more than a share of the pictures, and at least so many, vanished or
// changed. Where nothing is known to be a picture, all files count. The zero value works.
type BrakeOptions struct {
	Share float64 // of the parent's pictures; 0 for 0.2, from 1 on there is no brake
	Least int     // pictures; 0 for 50
}

func (o BrakeOptions) filled() BrakeOptions {
	if o.Share == 0 {
		o.Share = 0.2
	}
	if o.Least == 0 {
		o.Least = 50
	}
	return o
}

// toll counts what became of the parent's pictures.
type toll struct {
	pictures, files Brake
	expected        func(Entry) bool
}

func (t *toll) count(task *task) {
	old := task.old
	if task.what == Unchanged || task.what == Gone {
		old = task.Entry
	}
	if old == nil || old.Type != device.Regular {
		return
	}
	lost := Brake{Of: 1}
	switch {
	case task.what == Gone:
		if t.expected(*old) {
			return
		}
		lost.Gone = 1
	case task.what == Changed && task.Hash != old.Hash:
		lost.Changed = 1
	}
	t.files.add(lost)
	if isPicture(old) {
		t.pictures.add(lost)
	}
}

func (b *Brake) add(more Brake) {
	b.Gone += more.Gone
	b.Changed += more.Changed
	b.Of += more.Of
}

func isPicture(e *Entry) bool {
	return strings.HasPrefix(e.Photo.Type, "image/") || strings.HasPrefix(e.Photo.Type, "video/")
}

// brake gives what was lost when it is too much, else nil.
func (t *toll) brake(o BrakeOptions) *Brake {
	o = o.filled()
	b := t.pictures
	if b.Of == 0 {
		b = t.files
	}
	lost := b.Gone + b.Changed
	if lost < int64(o.Least) || float64(lost) <= o.Share*float64(b.Of) {
		return nil
	}
	return &b
}

// ErrBrake is wrapped when a device's brake keeps its snapshots from being forgotten.
var ErrBrake = errors.New("the brake is on")

func brakeError(s Snapshot) error {
	return fmt.Errorf("%w: snapshot %s of %s found %d pictures gone and %d changed, of %d. Look whether that is right; then `shoebox forget --brake-off %q` lets snapshots of it be forgotten again",
		ErrBrake, s.Name[:8], s.Device.Name, s.Brake.Gone, s.Brake.Changed, s.Brake.Of, s.Device.Name)
}

// Braked gives the snapshots that hold the forgetting of their devices.
func Braked(ctx context.Context, r *repo.Repo) ([]Snapshot, error) {
	v, err := takeSurvey(ctx, r)
	if err != nil {
		return nil, err
	}
	return v.braked(ctx, r)
}

func (v *survey) braked(ctx context.Context, r *repo.Repo) (held []Snapshot, err error) {
	released := make(map[string]bool)
	for rec, err := range r.Records(ctx, brakeKind) {
		if errors.Is(err, crypt.ErrDamaged) {
			continue // it releases nothing
		}
		if err != nil {
			return nil, fmt.Errorf("read which brakes were released: %w", err)
		}
		released[rec.Name] = true
	}
	for _, s := range v.confirmed() {
		if s.Brake != nil && !released[s.Name] {
			held = append(held, s)
		}
	}
	return held, nil
}

// ReleaseBrake lets a device be forgotten again after this snapshot of it pulled the brake.
func ReleaseBrake(ctx context.Context, r *repo.Repo, s Snapshot) error {
	if err := r.PutRecord(ctx, brakeKind, s.Name, nil); err != nil {
		return fmt.Errorf("release the brake: %w", err)
	}
	return nil
}
