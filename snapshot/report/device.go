package report

import (
	"context"
	"errors"
	"slices"
	"strings"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/snapshot"
)

// taken are the snapshots of one device, oldest first.
type taken struct {
	snapshots []snapshot.Snapshot
	attics    []snapshot.Snapshot
}

// devicesOf puts snapshots together by device. One that has nothing but an attic is a device too.
func devicesOf(all []snapshot.Snapshot) []*taken {
	var devices []*taken
	at := make(map[string]*taken)
	for _, s := range all {
		t := at[s.Device.ID]
		if t == nil {
			t = new(taken)
			at[s.Device.ID] = t
			devices = append(devices, t)
		}
		if s.Attic {
			t.attics = append(t.attics, s)
		} else {
			t.snapshots = append(t.snapshots, s)
		}
	}
	return devices
}

// newest is the newest snapshot, of last copies when there is no other.
func (t *taken) newest() snapshot.Snapshot {
	if n := len(t.snapshots); n > 0 {
		return t.snapshots[n-1]
	}
	return t.attics[len(t.attics)-1]
}

// whole is the newest snapshot that was not cut off, or the newest of all.
func (t *taken) whole() snapshot.Snapshot {
	for _, s := range slices.Backward(t.snapshots) {
		if !s.Partial {
			return s
		}
	}
	return t.newest()
}

// before is what the newest is compared with: the last whole one of the same folders, taken before a moment when one is given.
func (t *taken) before(o Options) (snapshot.Snapshot, bool) {
	newest := t.newest()
	for _, s := range slices.Backward(t.snapshots) {
		old := s.Start.Before(newest.Start) && (o.Since.IsZero() || s.Start.Before(o.Since))
		if old && !s.Partial && slices.Equal(s.Roots, newest.Roots) {
			return s, true
		}
	}
	return snapshot.Snapshot{}, false
}

// reading is the report on one device in the making.
type reading struct {
	repo    *repo.Repo
	options Options
	Device
	candidates candidates
}

func readDevice(ctx context.Context, r *repo.Repo, o Options, t *taken, braked []snapshot.Snapshot) (Device, error) {
	d := &reading{repo: r, options: o, candidates: candidates{most: o.Examine}}
	d.Names, d.Kinds = new(Names), make(map[string]int64)
	newest := t.newest()
	d.describe(t, newest)
	for _, s := range braked {
		if s.Device.ID == d.ID {
			d.Brake = &Brake{s.Brake.Gone, s.Brake.Changed, s.Brake.Of}
		}
	}
	if len(t.snapshots) == 0 {
		return d.Device, nil
	}
	if err := d.count(ctx, t.whole()); err != nil {
		return d.Device, err
	}
	if newest.Start.Before(o.Since) { // nothing came since then
		d.Since = newest.Start
		return d.Device, nil
	}
	before, compared := t.before(o)
	if compared {
		d.Since = before.Start
	}
	if err := d.compare(ctx, before, newest, compared); err != nil {
		return d.Device, err
	}
	return d.Device, d.examine(ctx)
}

// describe tells what the records alone say.
func (d *reading) describe(t *taken, newest snapshot.Snapshot) {
	d.ID, d.Kind, d.Model, d.Name = newest.Device.ID, newest.Device.Kind, newest.Device.Model, newest.Device.Name
	if d.Kind == "folder" {
		d.Names.Folder = d.Name
		d.Name = lastPart(d.Name)
	}
	d.Snapshots, d.Last, d.Snapshot, d.Partial = len(t.snapshots), newest.Start, newest.Name, newest.Partial
	end := newest.Start
	if newest.End.After(end) {
		end = newest.End
	}
	age := max(d.options.Now.Sub(end), 0)
	d.Age = int64(age.Seconds())
	awaited := len(t.snapshots) > 0 && !slices.Contains(d.options.Retired, newest.Device.Name)
	if awaited && age > d.options.Overdue {
		d.NotSeen = max(int(age/day), 1)
	}
	d.Unreadable = newest.Count.Failed
	for _, f := range newest.Failed {
		d.name(&d.Names.Unreadable, f.Path, f.Reason)
	}
	for _, s := range t.snapshots {
		if s.Name != newest.Name && (d.options.Since.IsZero() || s.Start.Before(d.options.Since)) {
			continue
		}
		d.Silent += int64(len(s.Silent))
		for _, path := range s.Silent {
			d.name(&d.Names.Silent, path, "")
		}
	}
	for _, s := range t.attics {
		d.Attic.Files += s.Count.Files
		d.Attic.Bytes += s.Count.Bytes
	}
}

// lastPart is the last part of a path of any system.
func lastPart(path string) string {
	path = strings.TrimRight(path, `/\`)
	if part := path[strings.LastIndexAny(path, `/\`)+1:]; part != "" {
		return part
	}
	return "folder"
}

// name keeps a name, if there is room for it in its list. The text is copied: it may be a piece of a page.
func (d *reading) name(list *[]Named, path, reason string) {
	if len(*list) < d.options.Names {
		*list = append(*list, Named{strings.Clone(path), reason})
	}
}

func isPicture(e *snapshot.Entry) bool {
	return strings.HasPrefix(e.Photo.Type, "image/") || strings.HasPrefix(e.Photo.Type, "video/")
}

// count counts what the newest whole snapshot holds.
func (d *reading) count(ctx context.Context, s snapshot.Snapshot) error {
	for e, err := range snapshot.Entries(ctx, d.repo, s) {
		switch {
		case err != nil:
			if err := d.lose("", err); err != nil {
				return err
			}
		case e.Type != device.Regular:
		default:
			d.Files++
			d.Bytes += e.Size
			if isPicture(&e) {
				d.Pictures++
			}
		}
	}
	return ctx.Err()
}

// lose notes what the repository does not give back, and returns any other error.
func (d *reading) lose(path string, err error) error {
	if !errors.Is(err, crypt.ErrDamaged) && !errors.Is(err, repo.ErrMissing) {
		return err
	}
	d.Lost++
	d.name(&d.Names.Lost, path, err.Error())
	return nil
}

// compare tells of everything that differs, of everything when there is nothing to compare with. Of a snapshot that was cut off it cannot be told
// what is gone. What cannot be read was counted already where both hold it: here it is passed over.
func (d *reading) compare(ctx context.Context, before, newest snapshot.Snapshot, compared bool) error {
	if !compared {
		return d.allNew(ctx, newest)
	}
	failed := make(map[string]bool) // they are there, and in no snapshot
	for _, f := range newest.Failed {
		failed[f.Path] = true
	}
	for c, err := range snapshot.Diff(ctx, d.repo, before, newest) {
		switch {
		case err != nil:
			if err := d.pass(err); err != nil {
				return err
			}
		case c.What == snapshot.Gone:
			if c.Old.Type == device.Regular && !newest.Partial && !failed[c.Old.Path] {
				d.Gone.add(c.Old.Size)
				d.name(&d.Names.Gone, c.Old.Path, "")
			}
		case c.New.Type != device.Regular:
		case c.What == snapshot.New:
			d.arrive(&d.New, &d.Names.New, &c.New)
		case c.Content:
			d.arrive(&d.Changed, &d.Names.Changed, &c.New)
		}
	}
	return ctx.Err()
}

func (d *reading) allNew(ctx context.Context, s snapshot.Snapshot) error {
	for e, err := range snapshot.Entries(ctx, d.repo, s) {
		switch {
		case err != nil:
			if err := d.pass(err); err != nil {
				return err
			}
		case e.Type == device.Regular:
			d.arrive(&d.New, &d.Names.New, &e)
		}
	}
	return ctx.Err()
}

func (d *reading) arrive(t *Tally, names *[]Named, e *snapshot.Entry) {
	t.add(e.Size)
	d.name(names, e.Path, "")
	if isPicture(e) {
		d.candidates.add(e)
	}
}

// pass lets damage pass that count has told of, or that stands in an older snapshot, where check tells of it.
func (d *reading) pass(err error) error {
	if errors.Is(err, crypt.ErrDamaged) || errors.Is(err, repo.ErrMissing) {
		d.Incomplete = true
		return nil
	}
	return err
}
