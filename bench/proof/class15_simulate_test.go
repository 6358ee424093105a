package proof_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// computer is the store as one computer sees it.
type computer struct {
	*storage.Memory
	actor string
	*director
	after bool // when its power is cut, the call it is in takes effect
}

func (c *computer) step(what, name string) error {
	if !c.wait(c.actor, what+" "+short(name)) {
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

// all the streams there are: backups share them by chance.
func universe() (streams [][]byte) {
	rng := rand.NewChaCha8([32]byte{7})
	for range 6 {
		b := make([]byte, 3000)
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
	t     testing.TB
	under *storage.Memory
	dir   *director
	truth *truth
	seed  uint64
}

func secret(t testing.TB) []crypt.Secret {
	s, err := crypt.PassphraseSecret("p")
	if err != nil {
		t.Fatal(err)
	}
	return []crypt.Secret{s}
}

func opened(t testing.TB, s storage.Store) (*repo.Repo, error) {
	return repo.Open(context.Background(), s, secret(t), repo.Options{})
}

var smallPacks = repo.BatchOptions{DataPack: 8 << 10, MetaPack: 8 << 10, Uploads: 1}

// write is a computer that backs up a few times, and sometimes forgets what it backed up.
func (s *simulation) write(actor string, rng *rand.Rand) {
	store := &computer{Memory: s.under, actor: actor, director: s.dir}
	r, err := opened(s.t, store)
	if err != nil {
		return
	}
	defer r.Close()
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
func (s *simulation) prune(actor string, rng *rand.Rand) {
	store := &computer{Memory: s.under, actor: actor, director: s.dir}
	r, err := opened(s.t, store)
	if err != nil {
		return
	}
	defer r.Close()
	for range 1 + rng.IntN(2) {
		o := repo.PruneOptions{Batch: smallPacks, MaxDead: 0.2, RoundBytes: 4 << 10, Poll: time.Hour,
			Presume: func(string) bool { return rng.IntN(3) == 0 }}
		if _, err := r.Prune(context.Background(), &roots{r, map[string]bool{}}, o); err != nil && s.dir.dead[actor] {
			return
		}
	}
}

// TestClass15_Simulation runs the real code of writers and pruners on one store, call by call in an order drawn by lot.
func TestClass15_Simulation(t *testing.T) {
	runs := 300
	if os.Getenv("SHOEBOX_PROOF") != "" {
		runs = 20_000
	}
	base := new(storage.Memory)
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 1 << 10, Max: 4 << 10, Bits: 9}, PageBits: 1}
	r, err := repo.Create(t.Context(), base, setup, repo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	steps := 0
	for seed := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) { steps += simulate(t, base, seed) })
		if t.Failed() {
			return
		}
	}
	t.Logf("%d schedules, %d calls", runs, steps)
}

func simulate(t *testing.T, base *storage.Memory, seed uint64) int {
	rng := rand.New(rand.NewPCG(seed, 15))
	s := &simulation{t: t, under: copyMemory(t, base), seed: seed,
		dir: &director{rng: rand.New(rand.NewPCG(seed, 1)), dead: map[string]bool{}}, truth: &truth{confirmed: map[string][][]byte{}, contents: map[string][]repo.Content{}}}
	// What was there before: two backups, of which one is forgotten.
	first, err := opened(t, s.under)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if name := s.backup(first, rng, universe()); name != "" && i < 2 {
			s.truth.forget(name)
			if err := first.DeleteRecord(t.Context(), "snapshots", name); err != nil {
				t.Fatal(err)
			}
		}
	}
	first.Close()
	var actors []string
	var group sync.WaitGroup
	for i := range 1 + rng.IntN(2) {
		actor, own := fmt.Sprintf("writer%d", i), rand.New(rand.NewPCG(seed, uint64(100+i)))
		actors = append(actors, actor)
		group.Go(func() { s.write(actor, own) })
	}
	for i := range 1 + rng.IntN(2) {
		actor, own := fmt.Sprintf("pruner%d", i), rand.New(rand.NewPCG(seed, uint64(200+i)))
		actors = append(actors, actor)
		group.Go(func() { s.prune(actor, own) })
	}
	finished := make(chan struct{})
	go func() { group.Wait(); close(finished) }()
	for over := false; !over; {
		s.dir.direct(actors)
		select {
		case <-finished:
			over = true
		case <-time.After(time.Minute): // somebody sleeps: a pruner that waits for a session
		}
	}
	s.prove("after the run")
	last, err := opened(t, s.under)
	if err != nil {
		t.Fatal(err)
	}
	defer last.Close()
	if _, err := last.Prune(t.Context(), &roots{last, map[string]bool{}}, repo.PruneOptions{Batch: smallPacks, Presume: func(string) bool { return true }}); err != nil {
		t.Errorf("seed %d: the last prune: %v", seed, err)
	}
	s.prove("after the last prune")
	return s.dir.steps
}

// prove reads everything that was reported, in a process that knows nothing, and asks the audit.
func (s *simulation) prove(when string) {
	ctx := context.Background()
	r, err := opened(s.t, s.under)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
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
			for _, p := range c {
				if err := a.Holds(ctx, p); err != nil {
					s.fail(when, err)
					return
				}
			}
			got, err := io.ReadAll(r.NewReader(ctx, c))
			if err != nil || !bytes.Equal(got, data[i]) {
				s.fail(when, fmt.Errorf("%d of %d bytes came back: %w", len(got), len(data[i]), err))
				return
			}
		}
	}
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
