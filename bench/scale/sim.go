package main

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"shoebox/snapshot"
)

// owner is a phone, or the attic of one.
type owner struct {
	tree
	nr        int16
	folders   []int // entries below each folder
	taken     []snapshot.Snapshot
	kept      []int32 // numbers of the snapshots that are not forgotten
	forgotten []int32 // and of those that are and whose records stand
	next      int32   // number of the next snapshot
	before    []int32 // how many of kept have a lower number, and of forgotten
	behind    []int32
	lost      []life // versions of files that are in no later snapshot
	attic     *owner // of a phone
}

// life is the snapshots that hold a version of a file: from born to before died.
type life struct{ born, died int32 }

// sim is one household at work.
type sim struct {
	*store
	phones   []*owner
	owners   []*owner // phones and attics
	night    int
	looks    int // of prunes: each at its survey and in each round
	surveyed int // number of that of the last prune
	sum      map[string]*work
}

// work is what one kind of command cost.
type work struct {
	Runs        int64
	Total, Last Tally
	Rounds      int64 // of prunes
	Moved       int64 // bytes of live chunks that prunes copied
}

// shares are how the entries of a phone are spread over its folders, the last being one for what is moved.
var shares = []float64{0.50, 0.30, 0.15, 0.05}

var firstNight = time.Date(2026, 1, 1, 22, 0, 0, 0, time.UTC)

func newSim(l Load) *sim {
	s := &sim{store: newStore(l), sum: make(map[string]*work)}
	for range l.Phones {
		phone := s.newOwner()
		phone.attic = s.newOwner()
		s.phones = append(s.phones, phone)
	}
	return s
}

func (s *sim) newOwner() *owner {
	o := &owner{nr: int16(len(s.owners)), folders: make([]int, len(shares))}
	o.rng = rand.New(rand.NewPCG(s.load.Seed, 100+uint64(o.nr)))
	s.owners = append(s.owners, o)
	return o
}

// now is the time of this night.
func (s *sim) now() time.Time { return firstNight.AddDate(0, 0, s.night) }

// done adds a command to the sums.
func (s *sim) done(name string, t Tally) *work {
	w := s.sum[name]
	if w == nil {
		w = new(work)
		s.sum[name] = w
	}
	w.Runs++
	w.Total.add(t)
	w.Last = t
	return w
}

// step plays one night: every phone is backed up, and now and then the old is forgotten and pruned.
func (s *sim) step() {
	s.born = int32(s.night)
	for _, phone := range s.phones {
		s.backup(phone)
	}
	if s.load.Every == 0 || s.night%s.load.Every != s.load.Every-1 {
		s.night++
		return
	}
	if s.load.LetGo > 0 && s.night%s.load.LetGo == s.load.LetGo-1 {
		s.letGo()
	}
	s.forget()
	s.prune()
	s.night++
}

// open counts what opening the repository asks: hint, slots and configuration.
func (s *sim) open(t *Tally) {
	t.gets(int64(2+s.load.Slots), measured.Setup)
	t.List += 2
}

// survey counts what snapshot.takeSurvey asks: every tombstone and every record of a snapshot is read.
func (s *sim) survey(t *Tally) {
	t.list(s.sessions)
	t.list(s.tombstones)
	t.gets(int64(s.tombstones), int64(s.tombstones)*measured.Tombstone)
	t.list(s.sessions)
	t.list(s.snapshots)
	t.gets(int64(s.snapshots), int64(s.snapshots)*measured.Snapshot)
}

// fullSurvey is survey, with the releases before it.
func (s *sim) fullSurvey(t *Tally) {
	t.list(s.sessions)
	t.list(s.releases)
	t.gets(int64(s.releases), int64(s.releases)*measured.Tombstone)
	s.survey(t)
}

// refresh brings the computer's index up to date: repo/lookup.go.
func (s *sim) refresh(t *Tally) {
	t.list(len(s.standing))
	if s.vanished {
		s.wipe()
	}
	for _, id := range s.standing {
		if g := &s.segments[id]; !g.known {
			t.get(g.size)
			g.known = true
		}
	}
}

// begin is what Begin asks: steps W0 and W1.
func (s *sim) begin(t *Tally) {
	t.put(measured.Open)
	t.list(0)
	t.list(s.there)
	s.refresh(t)
}

// commit is what Commit asks: W3 to W6. notes is how many notes the session has left.
func (s *sim) commit(notes int, t *Tally) {
	t.list(0)
	t.list(s.there)
	s.putRecord(measured.Snapshot, t)
	t.list(0)
	s.putRecord(measured.Done, t)
	s.snapshots, s.sessions = s.snapshots+1, s.sessions+1
	t.list(s.sessions + 1 + notes)
	t.Delete += int64(1 + notes)
}

// backup is one backup of one phone, in a process of its own.
func (s *sim) backup(o *owner) {
	var t Tally
	s.open(&t)
	s.begin(&t)
	s.survey(&t)
	t.list(s.sessions + 1)
	for _, id := range o.pages() {
		s.readPage(id, &t)
	}
	b := &batch{store: s.store, tally: &t, known: true}
	s.live(o, b)
	s.write(o, b)
	s.commit(b.notes, &t)
	name := "backup"
	if o.next == 0 {
		name = "first backup"
	}
	s.took(o)
	s.done(name, t)
}

// live is what happened on a phone since the last backup; what is new is stored.
func (s *sim) live(o *owner, b *batch) {
	l := &s.load
	count := l.New
	if o.next == 0 {
		count = l.Photos
	}
	retagged, moved, gone := min(l.Retagged, o.entries/4), min(l.Moved, o.entries/4), min(l.Gone, o.entries/4)
	changes := s.change(o, retagged, moved+gone, moved)
	o.grow(count, moved, &changes)
	for range count {
		b.file(b.pick())
	}
	for range retagged {
		b.chunk(meta, l.Kinds[0].HeadBytes)
		b.noted++
	}
	slices.SortStableFunc(changes, func(x, y change) int { return x.at - y.at })
	o.apply(changes)
}

// change draws entries that change or go; those that were moved are content that is elsewhere.
func (s *sim) change(o *owner, changed, gone, moved int) (changes []change) {
	hit := make(map[int]bool)
	for i := range changed + gone {
		at := o.rng.IntN(o.entries)
		for hit[at] {
			at = o.rng.IntN(o.entries)
		}
		hit[at] = true
		changes = append(changes, change{at: at, gone: i >= changed})
		if i < changed+gone-moved {
			o.lost = append(o.lost, life{s.birth(o), o.next})
		}
	}
	for _, c := range changes {
		if c.gone {
			o.shrink(c.at)
		}
	}
	return changes
}

// birth draws the first snapshot that held a picture which goes now.
func (s *sim) birth(o *owner) int32 {
	if o.next < 2 || o.rng.IntN(o.entries) < s.load.Photos {
		return 0
	}
	return 1 + int32(o.rng.IntN(int(o.next)-1))
}

// shrink takes an entry out of its folder. Positions are those before the night, which is near enough.
func (o *owner) shrink(at int) {
	for i := range o.folders {
		if at < o.folders[i] || i == len(o.folders)-1 {
			o.folders[i] = max(0, o.folders[i]-1)
			return
		}
		at -= o.folders[i]
	}
}

// grow adds new files at the end of their folders, and moved ones at the end of the last.
func (o *owner) grow(count, moved int, changes *[]change) {
	end, left := 0, count
	for i, share := range shares {
		end = min(end+o.folders[i], o.entries)
		n := min(left, int(share*float64(count)+0.5))
		if i == len(shares)-1 {
			n, end = left, o.entries
		}
		left -= n
		if i == len(shares)-1 {
			n += moved
		}
		if n > 0 {
			*changes = append(*changes, change{at: end, add: n})
		}
		o.folders[i] += n
	}
}

// write stores the pages of a list that are new, and everything else that is on its way.
func (s *sim) write(o *owner, b *batch) {
	seen := len(s.pages)
	gone := o.settle(func(level, n int) int32 {
		id := int32(len(s.pages))
		stored := measured.LeafBase + measured.LeafEntry*float64(n)
		if level > 0 {
			stored = measured.UpperBase + measured.UpperChild*float64(n)
		}
		s.pages = append(s.pages, pageState{born: o.next, died: forever, stored: int32(stored), owner: o.nr, upper: level > 0})
		return id
	})
	for _, id := range gone {
		s.pages[id].died = o.next
	}
	for id := seen; id < len(s.pages); id++ {
		s.active = append(s.active, int32(id))
		b.page(int32(id))
	}
	b.flush()
}

// took notes a snapshot.
func (s *sim) took(o *owner) {
	name := strconv.Itoa(int(o.nr)) + "/" + strconv.Itoa(int(o.next))
	o.taken = append(o.taken, snapshot.Snapshot{Name: name, Confirmed: true, Device: snapshot.Device{ID: strconv.Itoa(int(o.nr))}, Start: s.now()})
	o.kept = append(o.kept, o.next)
	o.next++
}
