package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/guard"
	"shoebox/repo/pack"
)

// Chunk reads one chunk, opened, expanded and hashed: what comes back is what was stored. The error names the pack, and
// wraps crypt.ErrDamaged, ErrMissing or fs.ErrNotExist when the chunk is not to be had.
func (r *Repo) Chunk(ctx context.Context, p Part) ([]byte, error) {
	place, err := r.find(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	if data, ok := r.kept(p, place); ok {
		return data, nil
	}
	return r.storedChunk(ctx, p, place)
}

// kept gives a page that the local cache keeps, sealed as it is stored: so a repository far away is browsed at local speed.
func (r *Repo) kept(p Part, place index.Place) ([]byte, bool) {
	if p.Kind != chunk.Page || place.Kind != p.Kind || place.Plain != p.Size {
		return nil, false
	}
	r.mu.Lock()
	x := r.index
	r.mu.Unlock()
	if x == nil {
		return nil, false
	}
	sealed, ok := x.Cached(p.ID)
	if !ok {
		return nil, false
	}
	data, err := r.openChunk(entryOf(p.ID, place), sealed)
	return data, err == nil
}

// keep lets the local cache keep a page.
func (r *Repo) keep(p Part, sealed []byte) {
	if p.Kind != chunk.Page {
		return
	}
	r.mu.Lock()
	x := r.index
	r.mu.Unlock()
	if x != nil {
		x.Cache(p.ID, sealed)
	}
}

// storedChunk reads a chunk from the store, whatever is kept locally.
func (r *Repo) storedChunk(ctx context.Context, p Part, place index.Place) ([]byte, error) {
	data, err := r.chunkAt(ctx, p, place)
	if errors.Is(err, fs.ErrNotExist) {
		if now, known := r.placeNow(ctx, p.ID); known && now != place {
			place = now
			data, err = r.chunkAt(ctx, p, place)
		}
	}
	if !errors.Is(err, crypt.ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	data, other := r.elsewhere(ctx, p, place)
	if data != nil {
		return data, nil
	}
	if data, failed := r.mendedChunk(ctx, p, place); failed == nil {
		return data, nil
	}
	return nil, errors.Join(err, other)
}

// placeNow tells where a chunk lies after a prune moved it, as the index does once it knows the segments there are now.
func (r *Repo) placeNow(ctx context.Context, id chunk.ID) (place index.Place, known bool) {
	x, err := r.freshIndex(ctx)
	if err == nil {
		place, known, err = r.ask(ctx, x, id)
	}
	return place, known && err == nil
}

func (r *Repo) chunkAt(ctx context.Context, p Part, place index.Place) ([]byte, error) {
	path := packPath(pack.Name(place.Pack))
	sealed, err := r.store.Get(ctx, path, int64(place.Offset), int64(place.Stored))
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: cut off", crypt.ErrDamaged)
		}
		return nil, fmt.Errorf("read a chunk from %s: %w", path, err)
	}
	whole := sealed
	if p.Kind == chunk.Page {
		whole = bytes.Clone(sealed) // to be kept: opening uses up its bytes
	}
	data, err := r.openChunk(entryOf(p.ID, place), sealed)
	if err == nil && (p.Size != place.Plain || p.Kind != place.Kind) {
		err = fmt.Errorf("%w: it holds %d bytes of kind %d and %d of kind %d are wanted", crypt.ErrDamaged, place.Plain, place.Kind, p.Size, p.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("chunk %v in %s is %w", p.ID, path, err)
	}
	r.keep(p, whole)
	return data, nil
}

func entryOf(id chunk.ID, place index.Place) pack.Entry {
	return pack.Entry{Kind: place.Kind, Encoding: pack.Encoding(place.Encoding), ID: id, Stored: place.Stored, Plain: place.Plain}
}

// openChunk opens in place: sealed is used up.
func (r *Repo) openChunk(e pack.Entry, sealed []byte) ([]byte, error) {
	data, err := r.unseal(e, sealed)
	if err != nil {
		return nil, err
	}
	return r.expand(e, data)
}

// unseal opens in place, and leaves compressed what was.
func (r *Repo) unseal(e pack.Entry, sealed []byte) ([]byte, error) {
	at := crypt.Overhead - crypt.Tag
	if len(sealed) < crypt.Overhead {
		return nil, crypt.ErrDamaged
	}
	return r.keys.OpenChunk(sealed[at:at], e.Place(), sealed)
}

// expand gives the chunk itself, hashed.
func (r *Repo) expand(e pack.Entry, data []byte) ([]byte, error) {
	data, err := r.compress.Expand(data, e.Encoding.Compression(), int(e.Plain))
	if err != nil {
		return nil, err
	}
	if guard.On(guard.CheckID) && r.keys.ChunkID(e.Kind, data) != e.ID {
		return nil, fmt.Errorf("%w: its bytes are not those it is named by", crypt.ErrDamaged)
	}
	return data, nil
}

// mostLooks is how often a chunk is looked for while prunes move it away again: each has to write a pack and two segments for that.
const mostLooks = 20

// elsewhere tries every place of a chunk but one that did not give it: a prune may have moved it, or it lies in another pack too. It looks
// again as long as segments come and go, since what they tell may be gone by the time it is tried. It is slow, and asked only in trouble. nil and
// no error: there is no other.
func (r *Repo) elsewhere(ctx context.Context, p Part, not index.Place) (data []byte, failed error) {
	tried, told := map[index.Place]bool{not: true}, []string(nil)
	for range mostLooks {
		paths, err := listNames(ctx, r.store, segmentsDir)
		if err != nil {
			return nil, fmt.Errorf("list the segments: %w", err)
		}
		if slices.Sort(paths); told != nil && slices.Equal(paths, told) {
			break
		}
		told = append([]string{}, paths...)
		for _, home := range r.homes(ctx, p, paths) {
			if tried[home] {
				continue
			}
			tried[home] = true
			if data, failed = r.chunkAt(ctx, p, home); failed == nil {
				return data, nil
			}
		}
	}
	return nil, failed
}

// homes reads segments for every place of a chunk.
func (r *Repo) homes(ctx context.Context, p Part, segments []string) (places []index.Place) {
	for _, path := range segments {
		s, err := r.readSegment(ctx, path)
		if err != nil {
			continue // check names it, or it is gone
		}
		var damaged error
		for e := range indexEntries(s.Packs, &damaged) {
			if e.ID == p.ID {
				places = append(places, e.Place)
			}
		}
	}
	return places
}
