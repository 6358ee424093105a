package snapshot

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"

	"shoebox/repo"
	"shoebox/repo/wire"
)

// past is what earlier backups of the device left: what need not be read again.
type past struct {
	parent   Snapshot          // the latest complete snapshot of the device; zero when there is none
	known    map[string]*Entry // from newer partial snapshots and interrupted backups, by path; to be checked before use
	begun    map[string]*Entry // the same of large files that were cut off: the parts that had come
	finished []string          // the interrupted sessions they come from
	writer   Writer
}

// recall reads the records once for all of it.
func recall(ctx context.Context, r *repo.Repo, o BackupOptions) (p past, err error) {
	all, err := takeSurvey(ctx, r)
	if err != nil {
		return p, fmt.Errorf("read the snapshots: %w", err)
	}
	p.writer = all.nextWriter(writerID(r, o.Host))
	p.known, p.begun = make(map[string]*Entry), make(map[string]*Entry)
	mine := func(s Snapshot) bool {
		return !s.Attic && s.Device.ID == o.Device.ID && slices.Equal(s.Roots, o.Roots)
	}
	for _, s := range all.live {
		if s.Confirmed && !s.Partial && mine(s) {
			p.parent = s
		}
	}
	for _, s := range all.live {
		if s.Partial && mine(s) && s.Start.After(p.parent.Start) {
			if err := p.learnPartial(ctx, r, s); err != nil {
				return p, err
			}
		}
	}
	return p, p.learnNotes(ctx, r, o)
}

// learnPartial takes over the entries of a partial snapshot. A damaged page is no reason to fail: its files are read again.
func (p *past) learnPartial(ctx context.Context, r *repo.Repo, s Snapshot) error {
	for e, err := range Entries(ctx, r, s) {
		if err == nil {
			p.known[e.Path] = &e
		}
	}
	p.learnBegun(s.begun)
	return ctx.Err()
}

// note is what a checkpoint leaves: entries whose content is durable.
type note struct {
	Device  string       `cbor:"1,keyasint"`
	Roots   []wire.Bytes `cbor:"2,keyasint,omitempty"`
	Entries []entryForm  `cbor:"3,keyasint"`
	Begun   []entryForm  `cbor:"4,keyasint,omitempty"`
}

// learnNotes takes over what interrupted backups of the same device had made safe.
func (p *past) learnNotes(ctx context.Context, r *repo.Repo, o BackupOptions) error {
	sessions, err := r.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("look for interrupted backups: %w", err)
	}
	for _, s := range sessions {
		mine := false
		for _, data := range s.Notes {
			var n note
			if codec().Unmarshal(data, &n) != nil || n.Device != o.Device.ID {
				continue // of another device, or of no use
			}
			mine = true
			for _, f := range n.Entries {
				if e, err := f.entry(); err == nil {
					p.known[e.Path] = &e
				}
			}
			p.learnBegun(begunOf(n.Begun))
		}
		if mine {
			p.finished = append(p.finished, s.Session)
		}
	}
	return nil
}

// writerID hides the name of the computer behind a keyed hash.
func writerID(r *repo.Repo, host string) string {
	sum := blake3.Sum256([]byte(DeviceID(r, "writer\x00"+host)))
	return hex.EncodeToString(sum[:8])
}

// nextWriter counts on from the highest number, forgotten snapshots included.
func (v *survey) nextWriter(id string) Writer {
	w := Writer{ID: id, Seq: 1}
	for _, all := range [][]Snapshot{v.forgotten, v.live} {
		for _, s := range all {
			if s.Confirmed && s.Writer.ID == id && s.Writer.Seq >= w.Seq {
				w.Seq, w.Prev = s.Writer.Seq+1, s.Name
			}
		}
	}
	return w
}
