package repo

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"

	"github.com/zeebo/blake3"

	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
)

// packEntry is one pack as a segment tells of it.
type packEntry struct {
	Name  pack.Name  `cbor:"1,keyasint"`
	Size  int64      `cbor:"2,keyasint"` // of the whole pack, in bytes
	Class pack.Class `cbor:"3,keyasint"`
	Lines []byte     `cbor:"4,keyasint"` // the directory's entries, as in the pack
}

// segment is a sealed copy of the directories of some packs. The union of all segments is the index.
type segment struct {
	Packs      []packEntry `cbor:"1,keyasint"`
	Supersedes [][32]byte  `cbor:"2,keyasint,omitempty"` // segments whose packs stand here too, as far as they are still there
	Session    string      `cbor:"3,keyasint,omitempty"` // that wrote it; so a pruner knows whose packs are still to be needed
}

const segmentKind = "segments"

// fullSegment is how many bytes of directories one segment takes, about: far below what a record may hold.
const fullSegment = 8 << 20

// segmentsOf deals packs out to segments.
func segmentsOf(packs []packEntry) iter.Seq[[]packEntry] {
	return func(yield func([]packEntry) bool) {
		from, bytes := 0, 0
		for i, p := range packs {
			bytes += len(p.Lines)
			if bytes >= fullSegment || i == len(packs)-1 {
				if !yield(packs[from : i+1]) {
					return
				}
				from, bytes = i+1, 0
			}
		}
	}
}

// putSegment stores directories durably and gives the segment's name: the BLAKE3 of the whole object.
func (r *Repo) putSegment(ctx context.Context, s segment) (name index.Name, err error) {
	plain, err := r.codec.Marshal(s)
	if err != nil {
		return name, fmt.Errorf("write a segment: %w", err)
	}
	sealed, err := r.keys.SealRecord(segmentKind, "", plain)
	if err != nil {
		return name, err
	}
	name = blake3.Sum256(sealed)
	if err := r.store.Put(ctx, segmentsDir+hex.EncodeToString(name[:]), sealed); err != nil {
		return name, fmt.Errorf("write a segment: %w", err)
	}
	return name, nil
}

// readSegment reads the segment stored under path.
func (r *Repo) readSegment(ctx context.Context, path string) (s segment, err error) {
	want, err := parseHash(path)
	if err != nil {
		return s, err
	}
	sealed, err := r.store.Get(ctx, path, 0, -1)
	if err != nil {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	if blake3.Sum256(sealed) != want {
		return s, fmt.Errorf("%s is %w: its bytes are not those it is named by", path, crypt.ErrDamaged)
	}
	plain, err := r.keys.OpenRecord(segmentKind, "", sealed)
	if err != nil {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	if err := r.codec.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("read %s: %w: %v", path, crypt.ErrDamaged, err)
	}
	return s, nil
}

// indexEntries turns the lines of directories into entries of the index. It stops at the first pack whose
// lines are not in order, and leaves the reason in *failed.
func indexEntries(packs []packEntry, failed *error) iter.Seq[index.Entry] {
	return func(yield func(index.Entry) bool) {
		for _, p := range packs {
			entries, err := pack.ParseEntries(p.Lines, p.Size)
			if err != nil {
				*failed = fmt.Errorf("the directory of %s: %w", packPath(p.Name), err)
				return
			}
			for _, e := range entries {
				place := index.Place{Pack: index.Name(p.Name), Offset: e.Offset, Stored: e.Stored, Plain: e.Plain, Kind: e.Kind, Encoding: uint8(e.Encoding)}
				if !yield(index.Entry{ID: e.ID, Place: place}) {
					return
				}
			}
		}
	}
}
