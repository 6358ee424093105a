package repo

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
)

// kept are roots that say what they are told, all of it at the first call.
type kept struct {
	contents []Content
	later    []Content // found at the second call
	dropped  bool
	calls    int
}

func (k *kept) Parts(context.Context, func(chunk.ID) bool) iter.Seq2[Part, error] {
	k.calls++
	now := k.contents
	if k.calls > 1 {
		now = k.later
	}
	return func(yield func(Part, error) bool) {
		for _, part := range slices.Concat(now...) {
			if !yield(part, nil) {
				return
			}
		}
	}
}

func (k *kept) Drop(context.Context) error { k.dropped = true; return nil }

func (p *play) prune(roots Roots, o PruneOptions) *PruneReport {
	p.t.Helper()
	o.Batch = BatchOptions{DataPack: 128 << 10, MetaPack: 64 << 10}
	report, err := p.again().Prune(p.t.Context(), roots, o)
	if err != nil {
		p.t.Fatal(err)
	}
	return report
}

func (p *play) bytes() (n int64) {
	p.t.Helper()
	for o, err := range p.stage.List(p.t.Context(), packsDir) {
		if err != nil {
			p.t.Fatal(err)
		}
		n += o.Size
	}
	return n
}

func TestPruneDeletesWhatNobodyNeeds(t *testing.T) {
	p := newPlay(t)
	dead, alive := p.stored(noise(1, 60_000)), p.stored(noise(2, 60_000))
	before := p.bytes()
	dry := p.prune(&kept{contents: []Content{alive}}, PruneOptions{DryRun: true})
	if p.bytes() != before || dry.DeadPacks == 0 || dry.Freed == 0 {
		t.Fatalf("a dry run: %+v", dry)
	}
	roots := &kept{contents: []Content{alive}}
	report := p.prune(roots, PruneOptions{})
	if got := before - p.bytes(); got != report.Freed || got != dry.Freed || !roots.dropped {
		t.Errorf("%d bytes came back, told were %d, foretold %d; dropped %v", got, report.Freed, dry.Freed, roots.dropped)
	}
	p.wantBack(alive, noise(2, 60_000))
	if _, err := io.ReadAll(p.again().NewReader(t.Context(), dead)); !errors.Is(err, ErrMissing) {
		t.Errorf("reading what was pruned: %v", err)
	}
	if names := p.names(marksDir); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
	if again := p.prune(&kept{contents: []Content{alive}}, PruneOptions{}); again.Freed != 0 || again.Deleted != 0 {
		t.Errorf("there was more to do: %+v", again)
	}
}

// A mostly dead pack is written anew with what is needed of it.
func TestPruneMovesWhatIsLeft(t *testing.T) {
	p := newPlay(t)
	b := p.begin(p.repo)
	data := noise(3, 12_000)
	alive, _ := p.put(b, data)
	all := alive
	for i := range uint64(12) {
		c, _ := p.put(b, noise(10+i, 12_000))
		all = slices.Concat(all, c)
	}
	if err := p.commit(b, all); err != nil {
		t.Fatal(err)
	}
	before := p.bytes()
	report := p.prune(&kept{contents: []Content{alive}}, PruneOptions{})
	if got := before - p.bytes(); got != report.Freed || report.MovedPacks == 0 || report.Copied < 12_000 || p.bytes() > 40_000 {
		t.Errorf("%d bytes came back, %d are left: %+v", got, p.bytes(), report)
	}
	p.wantBack(alive, data)
}

// The dead share is counted on chunks, not on files: a small pack that is wholly alive is left alone, however much padding it has.
func TestPruneLeavesSmallPacksAlone(t *testing.T) {
	p := newPlay(t)
	alive := p.stored([]byte("a few bytes in a pack of 4 KiB"))
	report := p.prune(&kept{contents: []Content{alive}}, PruneOptions{})
	if report.Deleted != 0 || report.Copied != 0 {
		t.Errorf("%+v", report)
	}
}

func TestPruneMergesManySmallPacksOnce(t *testing.T) {
	p := newPlay(t)
	var contents []Content
	for i := range uint64(2 * manySmall) {
		contents = append(contents, p.stored(noise(i, 2_000)))
	}
	if report := p.prune(&kept{contents: contents}, PruneOptions{}); report.MovedPacks < manySmall || len(p.names(packsDir)) > 4 {
		t.Errorf("%d packs are left: %+v", len(p.names(packsDir)), report)
	}
	if n := len(p.names(segmentsDir)); n > 2 {
		t.Errorf("%d segments are left", n)
	}
	for i, c := range contents {
		if i%16 == 0 {
			p.wantBack(c, noise(uint64(i), 2_000))
		}
	}
	if report := p.prune(&kept{contents: contents}, PruneOptions{}); report.Copied != 0 {
		t.Errorf("they were moved again: %+v", report)
	}
}

// A chunk that lies in several packs is kept once.
func TestPruneKeepsOneOfSeveralHomes(t *testing.T) {
	p := newPlay(t)
	data := noise(4, 50_000)
	one, two := p.begin(p.repo), p.begin(p.again())
	c, _ := p.put(one, data)
	_, _ = p.put(two, data)
	if err := errors.Join(p.commit(one, c), p.commit(two, c)); err != nil {
		t.Fatal(err)
	}
	report := p.prune(&kept{contents: []Content{c}}, PruneOptions{})
	if report.Deleted == 0 || p.bytes() > 70_000 {
		t.Errorf("%d bytes are left: %+v", p.bytes(), report)
	}
	p.wantBack(c, data)
}

// What a backup at work has put is left alone, and waited for.
func TestPruneWaitsForASession(t *testing.T) {
	p := newPlay(t)
	dead := p.stored(noise(5, 30_000))
	b := p.begin(p.again())
	c, _ := p.put(b, noise(5, 30_000)) // relies on what is about to go
	fresh, _ := p.put(b, noise(6, 30_000))
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	waits := 0
	o := PruneOptions{Presume: func(string) bool { return false }, Sleep: func(context.Context, time.Duration) error {
		if waits++; waits == 3 {
			return p.commit(b, slices.Concat(c, fresh))
		}
		return nil
	}}
	report := p.prune(&kept{}, o)
	if waits != 3 || report.Busy == 0 {
		t.Errorf("waited %d times: %+v", waits, report)
	}
	p.wantBack(dead, noise(5, 30_000)) // re-homed by the writer
	p.wantBack(fresh, noise(6, 30_000))
}

// A writer presumed dead that lives after all loses nothing.
func TestPruneRevokesALivingSession(t *testing.T) {
	p := newPlay(t)
	p.stored(noise(7, 30_000))
	b := p.begin(p.again())
	c, _ := p.put(b, noise(7, 30_000))
	report := p.prune(&kept{}, PruneOptions{Presume: func(string) bool { return true }})
	if len(report.Revoked) != 1 || report.Deleted == 0 {
		t.Errorf("%+v", report)
	}
	if err := p.commit(b, c); !errors.Is(err, ErrPruned) {
		t.Errorf("committed without its chunks: %v", err)
	}
}

// A prune that is told to stop while it waits leaves no mark; then nobody need avoid the packs.
func TestPruneTakesItsMarkBack(t *testing.T) {
	p := newPlay(t)
	c := p.stored(noise(8, 30_000))
	p.begin(p.again())
	stop := errors.New("enough")
	o := PruneOptions{Presume: func(string) bool { return false }, Sleep: func(context.Context, time.Duration) error { return stop }}
	if _, err := p.repo.Prune(t.Context(), &kept{}, o); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if names := p.names(marksDir); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
	p.wantBack(c, noise(8, 30_000))
}

// On a store whose listings lag, a prune waits twice the lag between each word it puts for others and its next look.
func TestPruneWaitsForALaggingStore(t *testing.T) {
	p := newPlay(t)
	p.stored(noise(17, 30_000))
	p.begin(p.again()) // to be revoked
	var waited []time.Duration
	words := 0
	p.stage.after("marks", func() { words++ })
	o := PruneOptions{Delay: time.Minute, Presume: func(string) bool { return true }, Sleep: func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		if words == 0 {
			t.Error("it waited before it had put anything")
		}
		return nil
	}}
	report := p.prune(&kept{}, o)
	if len(report.Revoked) != 1 || len(waited) != 2 || waited[0] != 2*time.Minute || waited[1] != 2*time.Minute {
		t.Errorf("%d sessions revoked, waited %v; once for the mark and once for the revoke is wanted", len(report.Revoked), waited)
	}
}

// A pack that became live after the first look is spared.
func TestPruneSparesWhatBecameLive(t *testing.T) {
	p := newPlay(t)
	c := p.stored(noise(9, 30_000))
	if report := p.prune(&kept{later: []Content{c}}, PruneOptions{}); report.Spared == 0 || report.Deleted != 0 {
		t.Errorf("%+v", report)
	}
	p.wantBack(c, noise(9, 30_000))
}

// The mark of a pruner that died stays until somebody has emptied its packs.
func TestPruneFinishesWhatAnotherBegan(t *testing.T) {
	p := newPlay(t)
	alive := p.stored(noise(11, 30_000))
	p.stored(noise(12, 30_000))
	p.condemn(p.names(packsDir)...)
	report := p.prune(&kept{contents: []Content{alive}}, PruneOptions{})
	if report.Copied < 30_000 || len(p.names(marksDir)) > 0 {
		t.Errorf("marks %v: %+v", p.names(marksDir), report)
	}
	p.wantBack(alive, noise(11, 30_000))
	b := p.begin(p.again())
	if !b.Quiet() {
		t.Error("not quiet after the prune")
	}
}

// A chunk that cannot be read stays where it is.
func TestPruneLeavesDamagedPacks(t *testing.T) {
	p, alive, place := besideDead(t)
	path := packPath(pack.Name(place.Pack))
	data, err := p.stage.Get(t.Context(), path, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	data[place.Offset+40] ^= 1
	if err := p.stage.Put(t.Context(), path, data); err != nil {
		t.Fatal(err)
	}
	report := p.prune(&kept{contents: []Content{alive}}, PruneOptions{})
	if report.Spared != 1 || !slices.Contains(p.names(packsDir), path) {
		t.Errorf("%+v", report)
	}
}

// besideDead is a repository with a content that lies in one pack with garbage. A batch fills several packs side by side, so they rarely lie apart.
func besideDead(t *testing.T) (*play, Content, index.Place) {
	t.Helper()
	for {
		p := newPlay(t)
		b := p.begin(p.repo)
		alive, _ := p.put(b, noise(13, 4_000))
		dead, _ := p.put(b, noise(14, 60_000))
		if err := p.commit(b, slices.Concat(alive, dead)); err != nil {
			t.Fatal(err)
		}
		var places []index.Place
		for _, part := range slices.Concat(alive, dead) {
			place, err := p.repo.find(t.Context(), part.ID)
			if err != nil {
				t.Fatal(err)
			}
			places = append(places, place)
		}
		if !slices.ContainsFunc(places, func(x index.Place) bool { return x.Pack != places[0].Pack }) {
			return p, alive, places[0]
		}
	}
}

// fullStore has no room left for new objects until something was deleted.
type fullStore struct {
	storage.Store
	mu   sync.Mutex
	room int
}

func (f *fullStore) Put(ctx context.Context, name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room -= len(data); f.room < 0 {
		return storage.ErrFull
	}
	return f.Store.Put(ctx, name, data)
}

func (f *fullStore) Delete(ctx context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := f.Store.Get(ctx, name, 0, -1)
	if err == nil {
		f.room = max(f.room, 0) + len(data)
	}
	return f.Store.Delete(ctx, name)
}

func TestPruneOnAFullStore(t *testing.T) {
	p := newPlay(t)
	alive := p.stored(noise(15, 30_000))
	p.stored(noise(16, 90_000))
	for _, path := range p.names(packsDir) { // as the vault would
		if err := p.stage.Put(t.Context(), strings.Replace(path, packsDir, vault.ParityDir, 1), make([]byte, 2_000)); err != nil {
			t.Fatal(err)
		}
	}
	secret, err := crypt.PassphraseSecret("p")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), &fullStore{Store: p.stage}, []crypt.Secret{secret}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := r.Prune(t.Context(), &kept{contents: []Content{alive}}, PruneOptions{})
	if err != nil || report.Freed < 80_000 {
		t.Fatalf("%+v, %v", report, err)
	}
	p.wantBack(alive, noise(15, 30_000))
}

func TestPresumeDeadByItsProcess(t *testing.T) {
	p := newPlay(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	gone := 1 << 22 // above the greatest process number
	for sid, w := range map[string]writer{
		strings.Repeat("a", 32): {Host: host, Process: gone},
		strings.Repeat("b", 32): {Host: host, Process: os.Getpid()},
		strings.Repeat("c", 32): {Host: "elsewhere", Process: gone},
	} {
		if err := p.repo.putSealed(t.Context(), sessionKind, sid+openSuffix, w); err != nil {
			t.Fatal(err)
		}
		pr := &pruner{repo: p.repo, options: PruneOptions{}.filled()}
		dead, err := pr.presumeDead(t.Context(), sid, nil)
		if err != nil || dead != (sid[0] == 'a') {
			t.Errorf("session %.1s of %+v: presumed dead: %v, %v", sid, w, dead, err)
		}
	}
	old := map[string]lastSign{strings.Repeat("c", 32): {1, time.Now().Add(-25 * time.Hour)}}
	pr := &pruner{repo: p.repo, options: PruneOptions{}.filled()}
	if dead, err := pr.presumeDead(t.Context(), strings.Repeat("c", 32), old); err != nil || !dead {
		t.Errorf("after a day without a sign: %v, %v", dead, err)
	}
}

// The live set costs eight bytes a chunk, and answers rightly.
func TestLiveSet(t *testing.T) {
	var s liveSet
	for i := range 100_000 {
		id := chunk.ID{byte(i), byte(i >> 8), byte(i >> 16), 1, 0, 0, byte(i * 31)}
		if s.has(id) {
			t.Fatal("there before it was added", i)
		}
		s.add(id)
		s.add(id)
		if !s.has(id) || s.home(id) || !s.home(id) {
			t.Fatal("not there, or homes wrong", i)
		}
	}
	slots := 0
	for _, one := range s.tables {
		slots += len(one.slots)
	}
	if s.count != 100_000 || slots > 1<<18 {
		t.Errorf("%d in %d slots", s.count, slots)
	}
}
