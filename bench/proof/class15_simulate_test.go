package proof_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoebox/bench/proof"
	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// errPower is what a computer without power gets from its store.
var errPower = errors.New("the power is cut")

// director lets the store calls of several computers happen one at a time, in an order drawn by lot. It waits until every
// computer waits for it, so that the same seed gives the same order.
type director struct {
	rng    *rand.Rand
	mu     sync.Mutex
	queue  []*call
	dead   map[string]bool
	steps  int
	script []string // what happened, for the report of a failure
}

type call struct {
	actor, what string
	go_         chan bool // false: the power is cut
}

// wait asks for the next call of an actor.
func (d *director) wait(actor, what string) bool {
	c := &call{actor, what, make(chan bool)}
	d.mu.Lock()
	if d.dead[actor] {
		d.mu.Unlock()
		return false
	}
	d.queue = append(d.queue, c)
	d.mu.Unlock()
	return <-c.go_
}

func (d *director) isDead(actor string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead[actor]
}

// computer is the store as one computer sees it. Without a director it is the store as it is.
type computer struct {
	*storage.Memory
	actor string
	*director
	repo *repo.Repo // opened once: what its index knows of earlier schedules is as wrong as an index can be
}

func (c *computer) step(what, name string) error {
	if c.director != nil && !c.wait(c.actor, what+" "+short(name)) {
		return errPower
	}
	return nil
}

func short(name string) string {
	if len(name) > 24 {
		return name[:24]
	}
	return name
}

func (c *computer) Put(ctx context.Context, name string, data []byte) error {
	if err := c.step("put", name); err != nil {
		return err
	}
	return c.Memory.Put(ctx, name, data)
}

func (c *computer) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if err := c.step("get", name); err != nil {
		return nil, err
	}
	return c.Memory.Get(ctx, name, off, n)
}

func (c *computer) Delete(ctx context.Context, name string) error {
	if err := c.step("delete", name); err != nil {
		return err
	}
	return c.Memory.Delete(ctx, name)
}

func (c *computer) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	if err := c.step("list", prefix); err != nil {
		return func(yield func(storage.Object, error) bool) { yield(storage.Object{}, err) }
	}
	return c.Memory.List(ctx, prefix)
}

// direct lets calls happen until nobody asks any more. Sometimes it cuts the power of one computer for good, and sometimes it lets
// one wait until all others are done, however long that takes.
func (d *director) direct(actors []string) {
	cutAt, late := map[string]int{}, ""
	for _, a := range actors {
		if d.rng.IntN(4) == 0 {
			cutAt[a] = d.rng.IntN(120)
		}
	}
	lateFrom := d.rng.IntN(150)
	if d.rng.IntN(2) == 0 {
		late = actors[d.rng.IntN(len(actors))]
	}
	for {
		synctest.Wait()
		d.mu.Lock()
		if len(d.queue) == 0 {
			d.mu.Unlock()
			return
		}
		may := slices.Clone(d.queue)
		if d.steps >= lateFrom {
			may = slices.DeleteFunc(may, func(c *call) bool { return c.actor == late })
		}
		if len(may) == 0 { // all others are done: now it goes on
			late = ""
			d.mu.Unlock()
			continue
		}
		slices.SortStableFunc(may, func(a, b *call) int { return strings.Compare(a.actor+a.what, b.actor+b.what) })
		c := may[d.rng.IntN(len(may))]
		d.queue = slices.DeleteFunc(d.queue, func(x *call) bool { return x == c })
		d.steps++
		ok := true
		if at, cut := cutAt[c.actor]; cut && d.steps >= at {
			d.dead[c.actor], ok = true, false
		}
		d.script = append(d.script, fmt.Sprintf("%s %s %v", c.actor, c.what, ok))
		var rest []*call
		if !ok { // whatever else it had asked for fails too
			rest = slices.Clone(d.queue)
			d.queue = slices.DeleteFunc(d.queue, func(x *call) bool { return x.actor == c.actor })
		}
		d.mu.Unlock()
		c.go_ <- ok
		for _, x := range rest {
			if x.actor == c.actor {
				x.go_ <- false
			}
		}
	}
}

// truth is what was reported, and not forgotten since.
type truth struct {
	mu        sync.Mutex
	confirmed map[string][][]byte
	contents  map[string][]repo.Content
}

func (t *truth) tell(name string, data [][]byte, c []repo.Content) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmed[name], t.contents[name] = data, c
}

func (t *truth) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.confirmed, name)
}

// universe is all the streams there are: backups share them by chance. Each is one chunk, too noisy for the compressor to be asked: what that
// pools would wander from one schedule's bubble to the next.
func universe() (streams [][]byte) {
	rng := rand.NewChaCha8([32]byte{7})
	for range 6 {
		b := make([]byte, 5000)
		_, _ = rng.Read(b)
		streams = append(streams, b)
	}
	return streams
}

// roots takes the records as they are for snapshots: each body lists the parts it needs, 37 bytes each.
type roots struct {
	r    *repo.Repo
	seen map[string]bool
}

func bodyOf(contents []repo.Content) (body []byte) {
	for _, c := range contents {
		for _, p := range c {
			body = append(body, byte(p.Kind), byte(p.Size), byte(p.Size>>8))
			body = append(body, p.ID[:]...)
		}
	}
	return body
}

func partsOf(body []byte) (parts []repo.Part) {
	for ; len(body) >= 35; body = body[35:] {
		parts = append(parts, repo.Part{Kind: chunk.Kind(body[0]), Size: uint32(body[1]) | uint32(body[2])<<8, ID: chunk.ID(body[3:35])})
	}
	return parts
}

func (r *roots) Parts(ctx context.Context, _ func(chunk.ID) bool) iter.Seq2[repo.Part, error] {
	return func(yield func(repo.Part, error) bool) {
		for rec, err := range r.r.Records(ctx, "snapshots") {
			if err != nil {
				yield(repo.Part{}, err)
				return
			}
			if r.seen[rec.Name] {
				continue
			}
			r.seen[rec.Name] = true
			for _, p := range partsOf(rec.Body) {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

func (r *roots) Drop(context.Context) error { return nil }

// simulation is one run.
type simulation struct {
	*cast
	t     testing.TB
	under *storage.Memory
	dir   *director
	truth *truth
	seed  uint64
}

// cast are the computers that take part. Opening a repository costs more than a whole schedule, so they are used again.
type cast struct {
	writers, pruners []*computer
	observer         *computer
}

func newCast(t testing.TB, base *storage.Memory) *cast {
	join := func(name string) *computer {
		c := &computer{Memory: copyMemory(t, base), actor: name}
		s, err := crypt.PassphraseSecret("p")
		if err != nil {
			t.Fatal(err)
		}
		if c.repo, err = repo.Open(context.Background(), c, []crypt.Secret{s}, repo.Options{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.repo.Close() })
		return c
	}
	return &cast{[]*computer{join("writer0"), join("writer1")}, []*computer{join("pruner0"), join("pruner1")}, join("observer")}
}

// enter puts a computer before the store of this schedule.
func (s *simulation) enter(c *computer, dir *director) *repo.Repo {
	c.Memory, c.director = s.under, dir
	return c.repo
}

var smallPacks = repo.BatchOptions{DataPack: 20 << 10, MetaPack: 8 << 10, Uploads: 1}

// write is a computer that backs up a few times, and sometimes forgets what it backed up.
func (s *simulation) write(r *repo.Repo, rng *rand.Rand) {
	streams := universe()
	for range 1 + rng.IntN(2) {
		name := s.backup(r, rng, streams)
		if name != "" && rng.IntN(2) == 0 {
			s.truth.forget(name)
			_ = r.DeleteRecord(context.Background(), "snapshots", name)
		}
	}
}

func (s *simulation) backup(r *repo.Repo, rng *rand.Rand, streams [][]byte) (name string) {
	ctx := context.Background()
	b, err := r.Begin(ctx, smallPacks)
	if err != nil {
		return ""
	}
	defer b.Abort()
	var data [][]byte
	var contents []repo.Content
	for range 1 + rng.IntN(3) {
		one := streams[rng.IntN(len(streams))]
		c, _, err := b.Put(ctx, bytes.NewReader(one))
		if err != nil {
			return ""
		}
		data, contents = append(data, one), append(contents, c)
		if rng.IntN(4) == 0 && b.Flush(ctx) != nil {
			return ""
		}
	}
	needs := func(context.Context) iter.Seq2[repo.Part, error] {
		return func(yield func(repo.Part, error) bool) {
			for _, p := range slices.Concat(contents...) {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
	if name, err = b.Commit(ctx, "snapshots", bodyOf(contents), needs); err != nil {
		return ""
	}
	s.truth.tell(name, data, contents)
	return name
}

// prune is a computer that prunes, and guesses wildly which sessions are dead.
func (s *simulation) prune(r *repo.Repo, actor string, rng *rand.Rand) {
	for range 1 + rng.IntN(2) {
		o := repo.PruneOptions{Batch: smallPacks, MaxDead: 0.2, RoundBytes: 6 << 10, Poll: time.Hour,
			Presume: func(string) bool { return rng.IntN(3) == 0 }}
		if _, err := r.Prune(context.Background(), &roots{r, map[string]bool{}}, o); err != nil && s.dir.isDead(actor) {
			return
		}
	}
}

// TestClass15_Simulation runs the real code of writers and pruners on one store, call by call in an order drawn by lot.
func TestClass15_Simulation(t *testing.T) {
	runs := uint64(proof.Pick(t, 400, 20_000, 1_000_000))
	base := new(storage.Memory)
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 4 << 10, Max: 8 << 10, Bits: 12}, PageBits: 1}
	r, err := repo.Create(t.Context(), base, setup, repo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cores := uint64(runtime.GOMAXPROCS(0))
	for part := range cores {
		t.Run(fmt.Sprint("part", part), func(t *testing.T) {
			t.Parallel()
			c, steps, done := newCast(t, base), 0, 0
			for seed := part; seed < runs && !t.Failed(); seed += cores {
				synctest.Test(t, func(t *testing.T) { steps += simulate(t, c, base, seed) })
				if done++; done%10_000 == 0 {
					proof.Count(t, 15, done) // a long run that is stopped has counted all the same
				}
			}
			t.Logf("%d calls", steps)
			proof.Count(t, 15, done)
		})
	}
}

func newTruth() *truth {
	return &truth{confirmed: map[string][][]byte{}, contents: map[string][]repo.Content{}}
}

func simulate(t *testing.T, c *cast, base *storage.Memory, seed uint64) int {
	rng := rand.New(rand.NewPCG(seed, 15))
	s := &simulation{cast: c, t: t, under: copyMemory(t, base), seed: seed, truth: newTruth(),
		dir: &director{rng: rand.New(rand.NewPCG(seed, 1)), dead: map[string]bool{}}}
	// What was there before: backups, of which some are forgotten.
	first := s.enter(c.observer, nil)
	for i := range 3 {
		if name := s.backup(first, rng, universe()); name != "" && i < 2 {
			s.truth.forget(name)
			if err := first.DeleteRecord(t.Context(), "snapshots", name); err != nil {
				t.Fatal(err)
			}
		}
	}
	var actors []string
	var group sync.WaitGroup
	for i, w := range c.writers[:1+rng.IntN(2)] {
		r, own := s.enter(w, s.dir), rand.New(rand.NewPCG(seed, uint64(100+i)))
		actors = append(actors, w.actor)
		group.Go(func() { s.write(r, own) })
	}
	for i, p := range c.pruners[:1+rng.IntN(2)] {
		r, own := s.enter(p, s.dir), rand.New(rand.NewPCG(seed, uint64(200+i)))
		actors = append(actors, p.actor)
		group.Go(func() { s.prune(r, p.actor, own) })
	}
	s.run(&group, actors)
	s.prove("after the run")
	last := s.enter(c.pruners[0], nil)
	if _, err := last.Prune(t.Context(), &roots{last, map[string]bool{}}, repo.PruneOptions{Batch: smallPacks, Presume: func(string) bool { return true }}); err != nil {
		s.fail("the last prune", err)
	}
	s.prove("after the last prune")
	return s.dir.steps
}

// run directs until every actor has ended.
func (s *simulation) run(group *sync.WaitGroup, actors []string) {
	finished := make(chan struct{})
	go func() { group.Wait(); close(finished) }()
	for {
		s.dir.direct(actors)
		select {
		case <-finished:
			return
		case <-time.After(time.Minute): // somebody sleeps: a pruner that waits for a session
		}
	}
}

// prove reads everything that was reported, and asks the audit.
func (s *simulation) prove(when string) {
	ctx := context.Background()
	r := s.enter(s.observer, nil)
	a, err := r.Audit(ctx)
	if err != nil || len(a.Damage) > 0 {
		s.fail(when, fmt.Errorf("audit: %v, %v", a.Damage, err))
		return
	}
	there := map[string]bool{}
	for rec, err := range r.Records(ctx, "snapshots") {
		if err != nil {
			s.fail(when, err)
			return
		}
		there[rec.Name] = rec.Confirmed
	}
	for name, data := range s.truth.confirmed {
		if !there[name] {
			s.fail(when, fmt.Errorf("snapshot %s was reported and is not confirmed", name))
			return
		}
		for i, c := range s.truth.contents[name] {
			if err := s.gives(ctx, r, a, c, data[i]); err != nil {
				s.fail(when, err)
				return
			}
		}
	}
}

func (s *simulation) gives(ctx context.Context, r *repo.Repo, a *repo.Audit, c repo.Content, want []byte) error {
	for _, p := range c {
		if err := a.Holds(ctx, p); err != nil {
			return err
		}
	}
	got, err := io.ReadAll(r.NewReader(ctx, c))
	if err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("%d of %d bytes came back: %w", len(got), len(want), err)
	}
	return nil
}

func (s *simulation) fail(when string, err error) {
	s.t.Errorf("seed %d, %s: %v\n%s", s.seed, when, err, strings.Join(s.dir.script, "\n"))
}

func copyMemory(t testing.TB, from *storage.Memory) *storage.Memory {
	to := new(storage.Memory)
	for o, err := range from.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := from.Get(context.Background(), o.Name, 0, -1)
		if err == nil {
			err = to.Put(context.Background(), o.Name, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}
