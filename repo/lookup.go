package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
)

// openIndex opens the local index when it is first needed and makes it tell what the store's segments tell.
func (r *Repo) openIndex(ctx context.Context) (*index.Index, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.index != nil {
		return r.index, nil
	}
	dir := ""
	if r.options.CacheDir != "" {
		dir = filepath.Join(r.options.CacheDir, r.keys.Repository.String(), "index")
	}
	x, err := index.Open(dir, index.Options{Repository: r.keys.Repository, Key: r.keys.Derive(crypt.Cache), MemoryOnly: dir == ""})
	if err != nil {
		return nil, fmt.Errorf("open the local index: %w", err)
	}
	if err := r.refresh(ctx, x); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	r.index = x
	return x, nil
}

// freshIndex is the index with all segments there are now.
func (r *Repo) freshIndex(ctx context.Context) (*index.Index, error) {
	r.mu.Lock()
	opened := r.index
	r.mu.Unlock()
	if opened == nil {
		return r.openIndex(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return opened, r.refresh(ctx, opened)
}

// refresh loads the segments the index does not know yet. When one it knows has vanished from the
// store, what it told may be wrong: everything is forgotten and loaded again.
func (r *Repo) refresh(ctx context.Context, x *index.Index) error {
	paths, err := listNames(ctx, r.store, segmentsDir)
	if err != nil {
		return fmt.Errorf("list the segments: %w", err)
	}
	listed := make(map[index.Name]string, len(paths))
	for _, path := range paths {
		name, err := parseHash(path)
		if err != nil {
			continue // not ours; check names it
		}
		listed[name] = path
	}
	for name := range x.Segments() {
		if _, ok := listed[name]; !ok {
			if err := x.Reset(); err != nil {
				return fmt.Errorf("empty the local index: %w", err)
			}
			break
		}
	}
	return r.loadSegments(ctx, x, listed)
}

// loadSegments loads what is missing. A damaged segment is passed over: the packs it told of are found again by
// their own directories (see adopt), and check names it.
func (r *Repo) loadSegments(ctx context.Context, x *index.Index, listed map[index.Name]string) error {
	loaded := x.Segments()
	for name, path := range listed {
		if _, ok := loaded[name]; ok {
			continue
		}
		s, err := r.readSegment(ctx, path)
		if errors.Is(err, crypt.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := load(x, name, s.Packs); err != nil && !errors.Is(err, crypt.ErrDamaged) {
			return err
		}
	}
	return nil
}

func load(x *index.Index, name index.Name, packs []packEntry) error {
	var damaged error
	if err := x.Load(name, indexEntries(packs, &damaged)); err != nil {
		return fmt.Errorf("load a segment into the local index: %w", err)
	}
	return damaged
}

// listPacks lists the packs in the store with their sizes.
func (r *Repo) listPacks(ctx context.Context) (map[pack.Name]int64, error) {
	packs := make(map[pack.Name]int64)
	for o, err := range r.store.List(ctx, packsDir) {
		if err != nil {
			return nil, fmt.Errorf("list the packs: %w", err)
		}
		if name, err := parseHash(o.Name); err == nil {
			packs[name] = o.Size
		}
	}
	return packs, nil
}

// adopt reads the directories of packs that no segment tells of: a writer died between pack and segment, or the
// segments were lost. Packs whose directory does not open are passed over; check names them.
func (r *Repo) adopt(ctx context.Context, listed map[pack.Name]int64, known map[index.Name]struct{}) ([]packEntry, error) {
	var orphans []packEntry
	for name, size := range listed {
		if _, ok := known[index.Name(name)]; ok {
			continue
		}
		entry, err := r.readDirectory(ctx, name, size)
		if errors.Is(err, crypt.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		orphans = append(orphans, entry)
	}
	return orphans, nil
}

func (r *Repo) readDirectory(ctx context.Context, name pack.Name, size int64) (packEntry, error) {
	get := func(off, n int64) ([]byte, error) { return r.store.Get(ctx, packPath(name), off, n) }
	d, err := pack.ReadDirectory(r.keys, size, get)
	if err != nil {
		return packEntry{}, fmt.Errorf("read %s: %w", packPath(name), err)
	}
	return packEntry{Name: name, Size: size, Class: d.Class, Lines: pack.AppendEntries(nil, d.Entries)}, nil
}

// ErrMissing is wrapped when a chunk is in no pack: the repository is damaged.
var ErrMissing = errors.New("is in no pack")

// find tells where a chunk lies. When the index does not know, the segments are read again, and then the packs that no
// segment tells of.
func (r *Repo) find(ctx context.Context, id chunk.ID) (index.Place, error) {
	x, err := r.openIndex(ctx)
	if err != nil {
		return index.Place{}, err
	}
	if place, ok, err := r.ask(ctx, x, id); err != nil || ok {
		return place, err
	}
	if err := r.relearn(ctx, x); err != nil {
		return index.Place{}, err
	}
	place, ok, err := r.ask(ctx, x, id)
	if err == nil && !ok {
		err = fmt.Errorf("chunk %v %w", id, ErrMissing)
	}
	return place, err
}

// ask asks the index. One that finds itself damaged is emptied and filled again: it is only a copy.
func (r *Repo) ask(ctx context.Context, x *index.Index, id chunk.ID) (index.Place, bool, error) {
	place, ok, err := x.Find(id)
	if !errors.Is(err, index.ErrDamaged) {
		return place, ok, err
	}
	if err := r.restart(ctx, x); err != nil {
		return place, false, err
	}
	return x.Find(id)
}

func (r *Repo) restart(ctx context.Context, x *index.Index) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := x.Reset(); err != nil {
		return fmt.Errorf("empty the local index: %w", err)
	}
	return r.refresh(ctx, x)
}

// relearn brings the index up to date with the store, packs without a segment included.
func (r *Repo) relearn(ctx context.Context, x *index.Index) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refresh(ctx, x); err != nil {
		return err
	}
	listed, err := r.listPacks(ctx)
	if err != nil {
		return err
	}
	known, err := x.Packs()
	if err != nil {
		return fmt.Errorf("ask the local index for its packs: %w", err)
	}
	orphans, err := r.adopt(ctx, listed, known)
	if err != nil || len(orphans) == 0 {
		return err
	}
	// Loaded under no segment of the store: the next refresh forgets it, which is right, as by then a
	// segment may tell of these packs.
	return load(x, index.Name(orphans[0].Name), orphans)
}
