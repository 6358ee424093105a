package repo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/zeebo/blake3"

	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
)

// Healed says what a healing did, and what it could not.
type Healed struct {
	Corrected   []vault.Correction // objects put right, or redundancy made anew
	Quarantined []string           // packs and segments beyond healing, moved out of the way
	Rehomed     int64              // chunks saved out of those packs
	Adopted     int                // packs that no segment told of
	Left        []Damage           // objects that stay damaged
}

// Heal puts right what the store itself suffices for: packs from parity, small objects from their copies, redundancy from what is whole.
// Of packs that stay damaged it copies every chunk that opens into new packs, and moves the rest to quarantine/, where nothing is lost and
// nobody stumbles over it. Every correction is read back. What is then still missing, a check names.
func (r *Repo) Heal(ctx context.Context, o vault.Options) (*Healed, error) {
	if err := r.config.errReadOnly(); err != nil {
		return nil, err
	}
	rep, err := r.vault.Heal(ctx, o)
	if err != nil {
		return nil, err
	}
	h := &Healed{Corrected: rep.Corrected}
	var segments []string
	for _, d := range rep.Damage {
		switch {
		case strings.HasPrefix(d.Name, packsDir) && !errors.Is(d.Err, fs.ErrNotExist):
			err = r.salvage(ctx, d, h)
		case strings.HasPrefix(d.Name, segmentsDir) && !errors.Is(d.Err, fs.ErrNotExist):
			segments = append(segments, d.Name)
		default:
			h.Left = append(h.Left, Damage{d.Name, d.Err})
		}
		if err != nil {
			return h, err
		}
	}
	h.Adopted, err = r.RepairIndex(ctx)
	if err != nil {
		return h, err
	}
	return h, r.retireSegments(ctx, segments, h)
}

// salvage copies what opens out of a damaged pack and moves the pack to quarantine.
func (r *Repo) salvage(ctx context.Context, d vault.Damage, h *Healed) error {
	name, err := parseHash(d.Name)
	if err != nil {
		h.Left = append(h.Left, Damage{d.Name, d.Err})
		return nil
	}
	entries, err := r.entriesOf(ctx, name)
	if err != nil {
		return err
	}
	b := r.carrier(ctx, BatchOptions{})
	defer b.packer.stop()
	for _, e := range entries {
		part := Part{Kind: e.Kind, ID: e.ID, Size: e.Plain}
		data, err := r.chunkAt(ctx, part, index.Place{Pack: name, Offset: e.Offset, Stored: e.Stored, Plain: e.Plain, Kind: e.Kind, Encoding: uint8(e.Encoding)})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			continue // lost with its pack
		}
		if err := b.packer.add(ctx, part, data); err != nil {
			return err
		}
		h.Rehomed++
	}
	if err := b.Flush(ctx); err != nil {
		return fmt.Errorf("save what is left of %s: %w", d.Name, err)
	}
	if err := r.vault.Quarantine(ctx, d.Name); err != nil {
		h.Left = append(h.Left, Damage{d.Name, err})
		return nil
	}
	h.Quarantined = append(h.Quarantined, d.Name)
	return nil
}

// entriesOf tells what a pack holds: as its own directory says, or else a segment. Nothing, when nobody knows.
func (r *Repo) entriesOf(ctx context.Context, name pack.Name) (entries []pack.Entry, err error) {
	listed, err := r.listPacks(ctx)
	if err != nil {
		return nil, err
	}
	size := listed[name]
	if e, err := r.readDirectory(ctx, name, size); err == nil {
		return pack.ParseEntries(e.Lines, size)
	}
	err = r.eachTold(ctx, name, func(told []pack.Entry) { entries = told })
	return entries, err
}

// eachTold visits what each segment says that a pack holds. One whose lines are wrong says nothing: check names it.
func (r *Repo) eachTold(ctx context.Context, name pack.Name, visit func([]pack.Entry)) error {
	return r.eachSegment(ctx, func(_ string, s segment) error {
		for _, e := range s.Packs {
			if e.Name != name {
				continue
			}
			if told, err := pack.ParseEntries(e.Lines, e.Size); err == nil {
				visit(told)
			}
		}
		return nil
	})
}

// RepairIndex reads the directory of every pack, writes segments for those that no segment tells of, or tells wrongly, and tells how many
// there were. It needs nothing but the packs. The local index is emptied.
func (r *Repo) RepairIndex(ctx context.Context) (adopted int, err error) {
	if err := r.config.errReadOnly(); err != nil {
		return 0, err
	}
	listed, err := r.listPacks(ctx)
	if err != nil {
		return 0, err
	}
	told := make(map[pack.Name][32]byte) // a hash of the lines
	if err := r.eachSegment(ctx, func(_ string, s segment) error {
		for _, e := range s.Packs {
			told[e.Name] = blake3.Sum256(e.Lines)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	var wrong []packEntry
	for name, size := range listed {
		e, err := r.readDirectory(ctx, name, size)
		if errors.Is(err, crypt.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			continue // check names it
		}
		if err != nil {
			return 0, err
		}
		if lines, ok := told[name]; !ok || lines != blake3.Sum256(e.Lines) {
			wrong = append(wrong, e)
		}
	}
	if err := storage.Settle(ctx, r.store, packsDir); err != nil {
		return 0, err
	}
	for some := range segmentsOf(wrong) {
		if _, err := r.putSegment(ctx, segment{Packs: some}); err != nil {
			return 0, err
		}
	}
	x, err := r.openIndex(ctx)
	if err != nil {
		return 0, err
	}
	return len(wrong), r.restart(ctx, x)
}

// retireSegments moves damaged segments to quarantine, now that every pack is told of by a whole one.
func (r *Repo) retireSegments(ctx context.Context, paths []string, h *Healed) error {
	slices.Sort(paths)
	for _, path := range paths {
		name, err := parseHash(path)
		if err != nil {
			return err
		}
		data, err := r.store.Get(ctx, path, 0, -1)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = r.store.Put(ctx, vault.QuarantineDir+hex.EncodeToString(name[:]), data)
		}
		if err == nil {
			err = r.store.Delete(ctx, path)
		}
		if err != nil {
			return fmt.Errorf("move %s to quarantine: %w", path, err)
		}
		h.Quarantined = append(h.Quarantined, path)
	}
	return nil
}
