package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
)

// Damage is one object of the repository that is not as it should be.
type Damage struct {
	Name string
	Err  error
}

// Audit looks at a repository without believing the local index: it reads every segment anew, holds it against the listing
// of packs, and can read the packs themselves.
type Audit struct {
	Packs, Segments int // seen
	PackBytes       int64
	Damage          []Damage

	repo   *Repo
	index  *index.Index
	listed map[pack.Name]int64
	others map[chunk.ID]index.Place // of chunks in packs that are gone: where they lie too; the zero place for nowhere

	badMu    sync.Mutex
	bad      map[chunk.ID]error       // chunks that did not open
	settled  map[chunk.ID]index.Place // of those, what comes back from elsewhere or heals
	vanished bool                     // a pack was listed and then not there
}

// Audit reads all segments and lists all packs.
func (r *Repo) Audit(ctx context.Context) (*Audit, error) {
	a := &Audit{repo: r, bad: make(map[chunk.ID]error), settled: make(map[chunk.ID]index.Place)}
	return a, a.look(ctx)
}

// look takes a view of the packs and of all that is told of them.
func (a *Audit) look(ctx context.Context) (err error) {
	a.others = make(map[chunk.ID]index.Place)
	if a.listed, err = a.repo.listPacks(ctx); err != nil {
		return err
	}
	a.Packs, a.PackBytes, a.Segments = len(a.listed), 0, 0
	for _, size := range a.listed {
		a.PackBytes += size
	}
	if a.index, err = a.repo.openIndex(ctx); err != nil {
		return err
	}
	if err := a.repo.relearn(ctx, a.index); err != nil {
		return err
	}
	if err := a.readSegments(ctx); err != nil {
		return err
	}
	a.Damage = onceEach(a.Damage) // the second look finds what the first found
	return a.findOthers(ctx)
}

func onceEach(all []Damage) (some []Damage) {
	seen := make(map[string]bool)
	for _, d := range all {
		if key := d.Name + "\x00" + d.Err.Error(); !seen[key] {
			seen[key], some = true, append(some, d)
		}
	}
	return some
}

// readSegments holds every segment against the packs there are. A pack that a segment tells of and that is gone is no damage
// by itself, as prune deletes packs: what needs it says so.
func (a *Audit) readSegments(ctx context.Context) error {
	paths, err := listNames(ctx, a.repo.store, segmentsDir)
	if err != nil {
		return fmt.Errorf("list the segments: %w", err)
	}
	told := make(map[pack.Name]bool)
	for _, path := range paths {
		a.Segments++
		s, err := a.repo.readSegment(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // compacted meanwhile
		}
		if err := a.note(path, err); err != nil {
			return err
		}
		var damaged error
		for range indexEntries(s.Packs, &damaged) { // stops where a line is wrong
		}
		if damaged != nil {
			a.Damage = append(a.Damage, Damage{path, damaged})
		}
		for _, p := range s.Packs {
			told[p.Name] = true
			size, ok := a.listed[p.Name]
			if !ok {
				a.miss(p)
			} else if size != p.Size {
				a.Damage = append(a.Damage, Damage{packPath(p.Name), fmt.Errorf("%w: it has %d bytes and was written with %d", crypt.ErrDamaged, size, p.Size)})
			}
		}
	}
	for name, size := range a.listed {
		if !told[name] {
			_, err := a.repo.readDirectory(ctx, name, size)
			if err := a.note(packPath(name), err); err != nil {
				return err
			}
		}
	}
	return nil
}

// miss notes the chunks of a pack that is gone.
func (a *Audit) miss(p packEntry) {
	var damaged error // readers of this pack will say so
	for e := range indexEntries([]packEntry{p}, &damaged) {
		a.others[e.ID] = index.Place{}
	}
}

// findOthers looks for other homes of the chunks in packs that are gone: a prune, or a writer beside one, may have moved them.
func (a *Audit) findOthers(ctx context.Context) error {
	if len(a.others) == 0 {
		return nil
	}
	return a.repo.eachPlace(ctx, func(e index.Entry) {
		_, there := a.listed[pack.Name(e.Place.Pack)]
		if _, asked := a.others[e.ID]; asked && there {
			a.others[e.ID] = e.Place
		}
	})
}

// note keeps damage and lets other errors through.
func (a *Audit) note(name string, err error) error {
	if err == nil || !errors.Is(err, crypt.ErrDamaged) {
		return err
	}
	a.Damage = append(a.Damage, Damage{name, err})
	return nil
}

// Holds tells why a part could not be read back, as far as is known without reading it but for what Scrub read; nil when nothing speaks against it.
func (a *Audit) Holds(ctx context.Context, p Part) error {
	if place, ok := a.settled[p.ID]; ok && place.Kind == p.Kind && place.Plain == p.Size {
		return nil
	}
	if err := a.bad[p.ID]; err != nil {
		return err
	}
	place, ok, err := a.repo.ask(ctx, a.index, p.ID)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("chunk %v %w", p.ID, ErrMissing)
	}
	path := packPath(pack.Name(place.Pack))
	size, there := a.listed[pack.Name(place.Pack)]
	if other := a.others[p.ID]; !there && other != (index.Place{}) {
		place = other
		size, there = a.listed[pack.Name(place.Pack)]
	}
	switch {
	case !there:
		return fmt.Errorf("%s is missing: %w", path, ErrMissing)
	case int64(place.Offset)+int64(place.Stored) > size:
		return fmt.Errorf("%s is cut off: %w", path, crypt.ErrDamaged)
	case place.Kind != p.Kind || place.Plain != p.Size:
		return fmt.Errorf("chunk %v in %s is not as long as it should be: %w", p.ID, path, crypt.ErrDamaged)
	}
	return nil
}

// Chunk reads a chunk from the store itself, not from what this computer keeps of it.
func (a *Audit) Chunk(ctx context.Context, p Part) ([]byte, error) {
	place, err := a.repo.find(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	return a.repo.storedChunk(ctx, p, place)
}
