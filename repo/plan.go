package repo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
)

// survey learns of every pack how much of it is needed. It reads all directories, twice where chunks have several homes, a segment at a time, so that its
// memory is that of the live set and a few words for each pack.
func (p *pruner) survey(ctx context.Context) error {
	condemned, err := p.repo.condemned(ctx)
	if err != nil {
		return err
	}
	working, err := p.repo.working(ctx)
	if err != nil {
		return err
	}
	listed, err := p.repo.listPacks(ctx)
	if err != nil {
		return err
	}
	p.packs, p.heard = make(map[pack.Name]*packState, len(listed)), make(map[string]*heard)
	p.shared = make(map[chunk.ID][]home)
	for name, size := range listed {
		_, going := condemned[index.Name(name)]
		p.packs[name] = &packState{name: name, size: size, condemned: going}
		p.report.Packs++
		p.report.PackBytes += size
	}
	if err := p.census(ctx, p.countHome); err != nil {
		return err
	}
	for _, s := range p.packs {
		// A pack that no segment tells of may be one a session at work has just put.
		s.busy = working[s.session] || s.told == 0 && len(working) > 0
	}
	if len(p.shared) > 0 {
		if err := p.census(ctx, p.noteHomes); err != nil {
			return err
		}
	}
	p.settleShared()
	return nil
}

// census visits the directory of every pack that is listed, once.
func (p *pruner) census(ctx context.Context, visit func(*packState, []pack.Entry)) error {
	return p.visitAll(ctx, p.packs, everySegment, visit)
}

// lookAgain visits the directories of some packs, once each.
func (p *pruner) lookAgain(ctx context.Context, packs []*packState, visit func(*packState, []pack.Entry)) error {
	asked := make(map[pack.Name]*packState, len(packs))
	for _, s := range packs {
		asked[s.name] = s
	}
	return p.visitAll(ctx, asked, p.telling(slices.Values(packs)), visit)
}

func (p *pruner) visitAll(ctx context.Context, asked map[pack.Name]*packState, want func(storage.Object) bool, visit func(*packState, []pack.Entry)) error {
	p.pass++
	seen := int64(0)
	look := func(e packEntry) {
		s := asked[e.Name]
		if s == nil || s.pass == p.pass {
			return
		}
		entries, err := pack.ParseEntries(e.Lines, e.Size)
		if err != nil || e.Size != s.size {
			return // check names it; what is not understood is not touched
		}
		s.pass, s.class = p.pass, e.Class
		visit(s, entries)
		seen++
		p.options.Watch(StageSurvey, seen, int64(len(asked)))
	}
	err := p.eachSegment(ctx, want, func(path string, seg segment) error {
		for _, e := range seg.Packs {
			if s := p.packs[e.Name]; s != nil {
				s.told, s.session = p.heard[path].number, cmp.Or(seg.Session, s.session)
			}
			look(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.orphans(ctx, asked, look)
}

// orphans visits packs that no segment tells of, or none any more: another pruner may be about to delete them. Those whose directory
// does not open are not visited.
func (p *pruner) orphans(ctx context.Context, asked map[pack.Name]*packState, look func(packEntry)) error {
	for name, s := range asked {
		if s.pass == p.pass {
			continue
		}
		if s.orphan == nil {
			e, err := p.repo.readDirectory(ctx, name, s.size)
			if errors.Is(err, crypt.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			s.orphan = &e
		}
		look(*s.orphan)
	}
	return nil
}

// eachSegment reads the segments one after the other; damaged ones are passed over, as check names them.
func (r *Repo) eachSegment(ctx context.Context, visit func(path string, s segment) error) error {
	return r.someSegments(ctx, everySegment, visit)
}

// someSegments is eachSegment for those that want names.
func (r *Repo) someSegments(ctx context.Context, want func(storage.Object) bool, visit func(path string, s segment) error) error {
	var paths []string
	for o, err := range r.store.List(ctx, segmentsDir) {
		if err != nil {
			return fmt.Errorf("list the segments: %w", err)
		}
		if want(o) {
			paths = append(paths, o.Name)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		s, err := r.readSegment(ctx, path)
		if errors.Is(err, crypt.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(path, s); err != nil {
			return err
		}
	}
	return nil
}

// eachPlace visits every place of a chunk that a segment tells of. Lines that are not in order are passed over, as check names them.
func (r *Repo) eachPlace(ctx context.Context, visit func(index.Entry)) error {
	return r.eachSegment(ctx, func(_ string, s segment) error {
		var damaged error
		for e := range indexEntries(s.Packs, &damaged) {
			visit(e)
		}
		return nil
	})
}

func (p *pruner) countHome(s *packState, entries []pack.Entry) {
	for _, e := range entries {
		s.total += int64(e.Stored)
		if !p.live.has(e.ID) {
			continue
		}
		s.used += int64(e.Stored)
		s.chunks++
		if p.live.home(e.ID) {
			p.shared[e.ID] = nil
		}
	}
}

// home is a pack that holds a live chunk which others hold too.
type home struct {
	*packState
	stored uint32 // bytes of the sealed chunk in that pack
}

// noteHomes takes back what was counted of chunks that have several homes, and notes the homes.
func (p *pruner) noteHomes(s *packState, entries []pack.Entry) {
	for _, e := range entries {
		if homes, ok := p.shared[e.ID]; ok {
			p.shared[e.ID] = append(homes, home{s, e.Stored})
			s.used -= int64(e.Stored)
		}
	}
}

// settleShared counts each chunk that has several homes for one of them: the one that is least likely to go. All pruners
// would choose the same.
func (p *pruner) settleShared() {
	better := func(a, b home) int {
		return cmp.Or(cmp.Compare(b2i(a.condemned), b2i(b.condemned)), cmp.Compare(b.lonely, a.lonely), bytes.Compare(a.name[:], b.name[:]))
	}
	for _, s := range p.packs {
		s.lonely = s.used
	}
	for id, homes := range p.shared {
		if len(homes) > 0 {
			chosen := slices.MinFunc(homes, better)
			chosen.used += int64(chosen.stored)
		}
		if len(homes) < 2 {
			delete(p.shared, id) // another chunk shares its bits in the live set
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Packs below a quarter of their target are small; so many of a class are written as one.
const (
	smallData, smallMeta = 4 << 20, 1 << 20
	manySmall            = 32
)

// plan deals out the packs that go to rounds: first those that need no copying.
func (p *pruner) plan() (rounds [][]*packState) {
	var dead, move []*packState
	small := make(map[pack.Class][]*packState)
	for _, s := range p.packs {
		switch {
		case s.pass == 0: // its directory is not known
		case s.busy:
			p.report.Busy++
		case s.used == 0:
			dead = append(dead, s)
		case s.condemned || float64(s.total-s.used) > p.options.MaxDead*float64(s.total):
			move = append(move, s)
		case s.class == pack.Data && s.size < smallData, s.class == pack.Meta && s.size < smallMeta:
			small[s.class] = append(small[s.class], s)
		default:
			p.report.StaysDead += s.total - s.used
		}
	}
	for _, packs := range small {
		if len(packs) >= manySmall {
			move = append(move, packs...)
			continue
		}
		for _, s := range packs {
			p.report.StaysDead += s.total - s.used
		}
	}
	p.report.DeadPacks, p.report.DeadBytes = tell(dead)
	p.report.MovedPacks, p.report.MovedBytes = tell(move)
	p.report.Freed = p.report.DeadBytes + p.report.MovedBytes // once done it says what really came back
	for _, s := range move {
		p.report.Freed -= s.used
	}
	rounds = slices.Collect(slices.Chunk(dead, mostMarked))
	p.dead = len(rounds)
	return append(rounds, p.deal(move)...)
}

// mostMoved bounds the chunks copied in one round: each takes about a hundred bytes of memory until its segment is written.
const mostMoved = 1 << 18

// aboutAsMuch is a quarter of a pack, in bytes.
const aboutAsMuch = 4 << 20

// mostMarked bounds the packs of one mark.
const mostMarked = 1 << 16

func tell(packs []*packState) (n, size int64) {
	for _, s := range packs {
		n, size = n+1, size+s.size
	}
	return n, size
}

// deal makes rounds of a bounded number of live bytes and chunks, so that little room is needed and a prune that is stopped has done something. Packs
// of which little is needed come first; among those of which about as much is, neighbours in a segment stay together, as a round reads its
// segments.
func (p *pruner) deal(packs []*packState) (rounds [][]*packState) {
	slices.SortFunc(packs, func(a, b *packState) int {
		return cmp.Or(cmp.Compare(a.used/aboutAsMuch, b.used/aboutAsMuch), cmp.Compare(a.class, b.class), cmp.Compare(a.told, b.told), bytes.Compare(a.name[:], b.name[:]))
	})
	var round []*packState
	var live int64
	chunks := 0
	for _, s := range packs {
		if len(round) > 0 && (live+s.used > p.options.RoundBytes || chunks+s.chunks > mostMoved || len(round) == mostMarked) {
			rounds, round, live, chunks = append(rounds, round), nil, 0, 0
		}
		round, live, chunks = append(round, s), live+s.used, chunks+s.chunks
	}
	if len(round) > 0 {
		rounds = append(rounds, round)
	}
	return rounds
}
