package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// album is what a phone holds: the bytes of each path. It is a snapshot.Source.
type album struct {
	files map[string]picture
	next  int // number of the next picture
}

type picture struct {
	data []byte
	at   time.Time
}

// Files lists the album in order of path.
func (a *album) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for _, path := range slices.Sorted(maps.Keys(a.files)) {
			p := a.files[path]
			if !yield(device.File{Path: path, Size: int64(len(p.data)), ModTime: p.at, Mode: 0o644}, nil) {
				return
			}
		}
	}
}

// Open reads a path.
func (a *album) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	p, ok := a.files[f.Path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(p.data)), nil
}

// real is a household with real bytes, in memory.
type real struct {
	load   Load
	store  *counted
	cache  string
	secret crypt.Secret
	rng    *rand.Rand
	phones []*album
	night  int
	sum    map[string]*work
}

// newReal sets up a repository whose computer remembers things in the folder cache.
func newReal(ctx context.Context, l Load, cache string) (*real, error) {
	text, lock, err := crypt.NewIdentity()
	if err != nil {
		return nil, err
	}
	secret, err := crypt.IdentitySecret(text)
	if err != nil {
		return nil, err
	}
	h := &real{load: l, store: newCounted(new(storage.Memory)), cache: cache, secret: secret, rng: rand.New(rand.NewPCG(l.Seed, 5)), sum: make(map[string]*work)}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"mine": lock}, Parity: l.Parity, PageBits: l.PageBits}
	r, err := repo.Create(ctx, h.store, setup, repo.Options{})
	if err != nil {
		return nil, err
	}
	for range l.Phones {
		h.phones = append(h.phones, &album{files: make(map[string]picture)})
	}
	return h, r.Close()
}

// do runs a command as a process of its own would, and counts what it asks of the store.
func (h *real) do(ctx context.Context, name string, command func(*repo.Repo) error) error {
	h.store.take()
	r, err := repo.Open(ctx, h.store, []crypt.Secret{h.secret}, repo.Options{CacheDir: h.cache, Now: h.now})
	if err != nil {
		return err
	}
	if err := command(r); err != nil {
		return fmt.Errorf("night %d, %s: %w", h.night, name, err)
	}
	if err := r.Close(); err != nil {
		return err
	}
	w := h.sum[name]
	if w == nil {
		w = new(work)
		h.sum[name] = w
	}
	w.Runs++
	w.Last = h.store.take()
	w.Total.add(w.Last)
	return nil
}

func (h *real) now() time.Time { return firstNight.AddDate(0, 0, h.night) }

// folders of a phone, in the order and with the shares of the simulation.
var folders = []string{"DCIM/Camera", "Pictures/Screenshots", "WhatsApp/Images", "Z-Album"}

// shoot makes a picture of the first kind of the load, at the end of a folder.
func (h *real) shoot(a *album, folder string) {
	k := h.load.Kinds[0]
	at := firstNight.Add(time.Duration(a.next) * time.Minute)
	tags := phototest.Tags{Taken: at, Offset: "+01:00", Orientation: 1, Make: "Google", Model: "Pixel 8", MakerNote: k.HeadBytes - 700}
	size := k.Low + h.rng.IntN(k.High-k.Low+1) + k.HeadBytes
	path := fmt.Sprintf("%s/PXL_%s_%07d.jpg", folder, at.Format("20060102_150405"), a.next)
	a.files[path] = picture{phototest.JPEG(h.rng, phototest.Picture{Bytes: size, Tags: tags}), at}
	a.next++
}

// live is what happens on a phone on one day.
func (h *real) live(a *album) {
	l := &h.load
	count := l.New
	if a.next == 0 {
		count = l.Photos
	}
	paths := slices.Sorted(maps.Keys(a.files))
	h.rng.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	take := func(n int) []string {
		some := paths[:min(n, len(paths)/4)]
		paths = paths[len(some):]
		return some
	}
	for _, path := range take(l.Gone) {
		delete(a.files, path)
	}
	for _, path := range take(l.Retagged) {
		p := a.files[path]
		tags := phototest.Tags{Taken: p.at, Make: "Google", Model: "Pixel 8", MakerNote: l.Kinds[0].HeadBytes - 700, Description: fmt.Sprint("caption ", h.night)}
		a.files[path] = picture{phototest.Retag(p.data, tags, h.rng), p.at.Add(time.Second)}
	}
	for _, path := range take(l.Moved) {
		a.files[fmt.Sprintf("%s/%07d.jpg", folders[len(folders)-1], a.next)] = a.files[path]
		delete(a.files, path)
		a.next++
	}
	left := count
	for i, share := range shares {
		n := min(left, int(share*float64(count)+0.5))
		if i == len(shares)-1 {
			n = left
		}
		left -= n
		for range n {
			h.shoot(a, folders[i])
		}
	}
}

// batch are the packs of the load.
func (h *real) batch() repo.BatchOptions {
	return repo.BatchOptions{DataPack: h.load.Data, MetaPack: h.load.Meta}
}

// backup takes a snapshot of a phone.
func (h *real) backup(ctx context.Context, nr int) error {
	a := h.phones[nr]
	name := "backup"
	if a.next == 0 {
		name = "first backup"
	}
	h.live(a)
	return h.do(ctx, name, func(r *repo.Repo) error {
		_, err := snapshot.Backup(ctx, r, a, snapshot.BackupOptions{
			Device: snapshot.Device{Kind: "phone", Name: fmt.Sprint("phone ", nr), Model: "Pixel 8", ID: snapshot.DeviceID(r, fmt.Sprint(nr))},
			Roots:  folders, Host: "desktop", Program: "shoebox 1.0", Now: h.now, CheckpointBytes: cmp.Or(h.load.Checkpoint, 1<<40), CheckpointEvery: time.Hour, Batch: h.batch()})
		return err
	})
}

// forget does what `shoebox forget --keep-...` does.
func (h *real) forget(ctx context.Context) error {
	return h.do(ctx, "forget", func(r *repo.Repo) error {
		listed, _, err := snapshot.List(ctx, r)
		if err != nil {
			return err
		}
		if _, err := snapshot.Braked(ctx, r); err != nil {
			return err
		}
		reasons := make(map[string]string)
		for _, g := range (snapshot.GroupBy{Device: true, Paths: true}).Group(listed) {
			for i, reason := range h.load.Policy.Keep(g.Snapshots, h.now()) {
				if !reason.Keep {
					reasons[g.Snapshots[i].Name] = reason.Why[0]
				}
			}
		}
		_, err = snapshot.Forget(ctx, r, slices.Collect(maps.Keys(reasons)), snapshot.ForgetOptions{Reasons: reasons, Host: "desktop", Program: "shoebox 1.0", Now: h.now, Batch: h.batch()})
		return err
	})
}

// letGo does what `shoebox forget --last-copies` of every attic does.
func (h *real) letGo(ctx context.Context) error {
	return h.do(ctx, "let go", func(r *repo.Repo) error {
		listed, _, err := snapshot.List(ctx, r)
		if err != nil {
			return err
		}
		var names []string
		for _, s := range listed {
			if s.Attic {
				names = append(names, s.Name)
			}
		}
		_, err = snapshot.Forget(ctx, r, names, snapshot.ForgetOptions{LastCopies: true, Host: "desktop", Now: h.now, Batch: h.batch()})
		return err
	})
}

// prune does what `shoebox prune` does.
func (h *real) prune(ctx context.Context) error {
	return h.do(ctx, "prune", func(r *repo.Repo) error {
		_, err := snapshot.Prune(ctx, r, snapshot.PruneOptions{PruneOptions: repo.PruneOptions{Batch: h.batch(), RoundBytes: h.load.Round}})
		return err
	})
}

// restore does what `shoebox restore` does on a computer that has never seen the repository: the latest snapshot of a phone.
func (h *real) restore(ctx context.Context, cache, target string) error {
	h.cache = cache
	to, err := device.NewDir(target, device.DirOptions{})
	if err != nil {
		return err
	}
	defer to.Close()
	return h.do(ctx, "restore", func(r *repo.Repo) error {
		listed, _, err := snapshot.List(ctx, r)
		if err != nil {
			return err
		}
		for _, s := range slices.Backward(listed) {
			if !s.Attic && s.Device.Name == "phone 0" {
				_, err := snapshot.Restore(ctx, r, s, to, snapshot.RestoreOptions{})
				return err
			}
		}
		return fs.ErrNotExist
	})
}

// step plays one night.
func (h *real) step(ctx context.Context) error {
	for nr := range h.phones {
		if err := h.backup(ctx, nr); err != nil {
			return err
		}
	}
	var err error
	if h.load.Every > 0 && h.night%h.load.Every == h.load.Every-1 {
		if h.load.LetGo > 0 && h.night%h.load.LetGo == h.load.LetGo-1 {
			err = h.letGo(ctx)
		}
		if err == nil {
			err = h.forget(ctx)
		}
		if err == nil {
			err = h.prune(ctx)
		}
	}
	h.night++
	return err
}
