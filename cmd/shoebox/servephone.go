package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"path"
	"strings"
	"sync"
	"time"

	"shoebox/device"
	"shoebox/gallery"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/clearance"
	"shoebox/snapshot/photo"
)

// servedPhones are the phones the gallery speaks of. One is kept open, so that its pictures come without delay.
type servedPhones struct {
	*program

	mu    sync.Mutex
	id    string // of the open phone
	phone *device.Phone
	named string
	files map[string]device.File // what was listed as not yet safe, by path
}

func (s *servedPhones) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}

// drop closes the open phone. The lock is held.
func (s *servedPhones) drop() {
	if s.phone != nil {
		_ = s.phone.Close() // it was only read
	}
	s.phone, s.id = nil, ""
}

// Plugged implements gallery.Phones.
func (s *servedPhones) Plugged(ctx context.Context) (all []gallery.Phone, err error) {
	names, err := readAliases()
	if err != nil {
		return nil, err
	}
	phones, err := device.Phones(ctx, adbServer())
	if err != nil {
		return nil, err
	}
	for _, one := range phones {
		p := gallery.Phone{ID: one.Select(), Name: firstOf(names[one.Identity], one.Model, one.Serial), Ready: one.State == nil}
		if err := one.Err(); err != nil {
			p.Trouble = err.Error()
		}
		all = append(all, p)
	}
	return all, nil
}

// open gives the phone of an id. The lock is held.
func (s *servedPhones) open(ctx context.Context, id string) (*device.Phone, error) {
	if s.phone != nil && s.id == id {
		return s.phone, nil
	}
	s.drop()
	phone, name, _, err := s.openPhone(ctx, backupFlags{serial: id}, "", s.config.Exclude)
	if err != nil {
		return nil, err
	}
	s.phone, s.id, s.named = phone, id, name
	return phone, nil
}

// lost forgets a phone that failed, so that it is opened anew.
func (s *servedPhones) lost(err error) error {
	var gone *device.PhoneError
	if errors.As(err, &gone) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop()
	}
	return err
}

// NotSafe implements gallery.Phones.
func (s *servedPhones) NotSafe(ctx context.Context, r *repo.Repo, id string) (waiting []gallery.Waiting, safe int, err error) {
	s.mu.Lock()
	phone, err := s.open(ctx, id)
	s.mu.Unlock()
	if err != nil {
		return nil, 0, err
	}
	known, err := knownOf(ctx, r, snapshot.DeviceID(r, phoneIdentity(phone.PhoneInfo)))
	if err != nil {
		return nil, 0, err
	}
	files := make(map[string]device.File)
	for f, err := range phone.Files(ctx) {
		var problem *device.Problem
		if errors.As(err, &problem) {
			continue // a backup names it
		}
		if err != nil {
			return nil, 0, s.lost(err)
		}
		versions := known[f.Path]
		if f.Type != device.Regular || holds(versions, f) {
			safe++
			continue
		}
		files[f.Path] = f
		waiting = append(waiting, waitingOf(f, len(versions) > 0))
	}
	s.mu.Lock()
	s.files = files
	s.mu.Unlock()
	return waiting, safe, nil
}

// held is what tells a file from its other versions.
type held struct {
	size     int64
	modified int64
}

func holds(versions []held, f device.File) bool {
	for _, v := range versions {
		if v == (held{f.Size, f.ModTime.Unix()}) {
			return true
		}
	}
	return false
}

// knownOf is what the newest snapshots of a device hold: one of each set of folders that was looked into.
func knownOf(ctx context.Context, r *repo.Repo, deviceID string) (map[string][]held, error) {
	all, _, err := snapshot.List(ctx, r)
	if err != nil {
		return nil, err
	}
	newest := make(map[string]snapshot.Snapshot)
	for _, one := range all {
		if one.Device.ID == deviceID && !one.Attic {
			newest[strings.Join(one.Roots, "\x00")] = one
		}
	}
	known := make(map[string][]held)
	for _, one := range newest {
		for e, err := range snapshot.Entries(ctx, r, one) {
			if err != nil {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				continue // what cannot be read is not known to be safe
			}
			known[e.Path] = append(known[e.Path], held{e.Size, e.ModTime.Unix()})
		}
	}
	return known, nil
}

func waitingOf(f device.File, changed bool) gallery.Waiting {
	taken, _, ok := photo.FromName(f.Path)
	if !ok {
		taken = f.ModTime
	}
	return gallery.Waiting{Path: f.Path, Size: f.Size, ModTime: f.ModTime, Taken: taken, Type: typeByName(f.Path), Changed: changed}
}

// typeByName is the media type that a name's ending tells; "" when it tells none.
func typeByName(name string) string {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".heic", ".heif":
		return "image/heic"
	case ".dng":
		return "image/x-adobe-dng"
	case ".mp4", ".mov", ".3gp", ".mkv", ".webm", ".avi":
		return "video/mp4"
	default:
		return mime.TypeByExtension(ext)
	}
}

// Read implements gallery.Phones.
func (s *servedPhones) Read(ctx context.Context, id string, f gallery.Waiting) (io.ReadCloser, error) {
	s.mu.Lock()
	phone, err := s.open(ctx, id)
	file, listed := s.files[f.Path]
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if !listed {
		return nil, fmt.Errorf("%s was not listed on the phone", device.Printable(f.Path))
	}
	stream, err := phone.Open(ctx, file)
	return stream, s.lost(err)
}

// Backup implements gallery.Phones.
func (s *servedPhones) Backup(ctx context.Context, r *repo.Repo, id string, chosen []string, progress *snapshot.Progress) (snapshot.Snapshot, error) {
	s.mu.Lock()
	phone, err := s.open(ctx, id)
	name, left := s.named, make(map[string]bool, len(s.files))
	for p := range s.files {
		left[p] = chosen != nil
	}
	s.mu.Unlock()
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	for _, p := range chosen {
		delete(left, p)
	}
	d := phoneDevice(r, phone.PhoneInfo, name)
	known, err := knownOf(ctx, r, d.ID)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	brake, err := s.brake(backupFlags{})
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	src := &chosenFiles{Phone: phone, leave: func(f device.File) bool { return left[f.Path] && len(known[f.Path]) == 0 }}
	made, err := snapshot.Backup(ctx, r, src, snapshot.BackupOptions{
		Device: d, Expected: clearance.Taken(ctx, r, d.ID, s.troubled), Dear: true,
		Host: hostName(), Program: "shoebox " + versionText(), Now: func() time.Time { return s.now().In(s.zone) }, Workers: phoneReaders, Brake: brake, Progress: progress,
	})
	return made, s.lost(err)
}

// chosenFiles is a phone without the new files that were not chosen: the next backup finds them. A changed file always comes along, as leaving it out
// would read as if it were gone.
type chosenFiles struct {
	*device.Phone
	leave func(device.File) bool
}

// Files lists what is to be backed up.
func (c *chosenFiles) Files(ctx context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for f, err := range c.Phone.Files(ctx) {
			if err == nil && c.leave(f) {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// putBack implements gallery.PutBackFunc.
func (p *program) putBack(ctx context.Context, r *repo.Repo, id string, entries []snapshot.Entry) (gallery.Restored, error) {
	to, err := p.phoneDestination(ctx, "", id, snapshot.Never)
	if err != nil {
		return gallery.Restored{}, err
	}
	defer to.close()
	return giveBack(ctx, r, to, entries, to.name)
}
