package proof_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"shoebox/bench/proof"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot"
)

// calendar is a clock that is moved by hand, and goes on a second each time it is looked at.
type calendar struct {
	mu sync.Mutex
	at time.Time
}

func (c *calendar) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Second)
	return c.at
}

func (c *calendar) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// yearPacks are as small as packs can be and not count as small to a prune, which would write them anew each week.
var yearPacks = repo.BatchOptions{DataPack: 5 << 20, MetaPack: 2 << 20}

// phone is one of three, with what is on it tonight.
type phone struct {
	snapshot.Device
	roll   proof.Roll
	number int // of the last picture
}

// years is one household over some time: its phones, and the repository.
type years struct {
	w       *proof.World
	rng     *rand.Rand
	noise   *rand.ChaCha8
	clock   *calendar
	phones  []*phone
	taken   map[string]bool // bytes of each file of each snapshot whose success was reported
	bytes   int64           // of those
	backups int
	partial int
	kills   int
	forgets int
	prunes  int
	freed   int64
}

func newYears(t testing.TB, seed uint64) *years {
	y := &years{w: proof.New(t, new(storage.Memory)), rng: rand.New(rand.NewPCG(seed, 22)), noise: rand.NewChaCha8([32]byte{22, byte(seed)}),
		clock: &calendar{at: time.Date(2024, 1, 1, 22, 0, 0, 0, time.UTC)}, taken: map[string]bool{}}
	y.w.Now = y.clock.Now
	for i, name := range []string{"anna", "bernd", "clara"} {
		id := strings.Repeat(fmt.Sprint(i+1), 32)
		p := &phone{Device: snapshot.Device{Kind: "phone", Name: name, ID: id}, roll: proof.Roll{"empty": nil}}
		for range 40 {
			y.shoot(p)
		}
		y.phones = append(y.phones, p)
	}
	return y
}

// shoot takes a picture. Some are sent to another phone too.
func (y *years) shoot(p *phone) {
	data := make([]byte, 500+y.rng.IntN(9_000))
	_, _ = y.noise.Read(data)
	p.number++
	p.roll[fmt.Sprintf("DCIM/%d/IMG_%05d.jpg", p.number/100, p.number)] = data
	if len(y.phones) > 1 && y.rng.IntN(10) == 0 {
		to := y.phones[y.rng.IntN(len(y.phones))]
		to.number++
		to.roll = maps.Clone(to.roll) // a snapshot may have been taken of it as it was
		to.roll[fmt.Sprintf("Pictures/Received/%05d.jpg", to.number)] = data
	}
}

// day is what a person does to a phone: takes pictures, edits, deletes and moves some; and now and then makes room by deleting most.
func (y *years) day(p *phone) {
	p.roll = maps.Clone(p.roll)
	for range y.rng.IntN(5) {
		y.shoot(p)
	}
	paths := slices.Sorted(maps.Keys(p.roll))
	any := func() string { return paths[y.rng.IntN(len(paths))] }
	switch y.rng.IntN(8) {
	case 0:
		edited := slices.Clone(p.roll[any()])
		if len(edited) > 0 {
			edited[y.rng.IntN(len(edited))] ^= 1
			p.roll[any()] = edited
		}
	case 1, 2:
		for range 1 + y.rng.IntN(4) {
			delete(p.roll, any())
		}
	case 3:
		if from := any(); p.roll[from] != nil {
			p.roll["Albums/"+from[strings.LastIndexByte(from, '/')+1:]] = p.roll[from]
			delete(p.roll, from)
		}
	}
	if len(p.roll) > 300 || y.rng.IntN(300) == 0 {
		for _, path := range paths[:len(paths)*2/3] {
			delete(p.roll, path)
		}
	}
}

// cable is a phone whose cable is pulled after some files were listed.
type cable struct {
	proof.Roll
	after int
}

var errCable = errors.New("the cable was pulled")

func (c cable) Files(ctx context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		n := 0
		for f, err := range c.Roll.Files(ctx) {
			if n++; n > c.after {
				yield(device.File{}, errCable)
				return
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// perhapsCut is the store, or one whose process is killed at some call.
func (y *years) perhapsCut(oneIn, calls int) storage.Store {
	if y.rng.IntN(oneIn) > 0 {
		return y.w.Store
	}
	return &storagetest.CutOff{Store: y.w.Store, At: 1 + y.rng.IntN(calls), After: y.rng.IntN(2) == 0}
}

// struck tells whether an error is that of a killed process, and counts it.
func (y *years) struck(store storage.Store, err error) bool {
	cut, ok := store.(*storagetest.CutOff)
	if err == nil || !ok || !cut.Struck() {
		return false
	}
	y.kills++
	return true
}

// in opens the repository as a new process would.
func (y *years) in(store storage.Store, do func(r *repo.Repo) error) error {
	r, err := y.w.Open(store)
	if err != nil {
		return err
	}
	defer r.Close()
	return do(r)
}

func (y *years) backup(p *phone) error {
	store := y.perhapsCut(15, 12)
	err := y.in(store, func(r *repo.Repo) error {
		o := y.w.Options(r)
		o.Device, o.Batch, o.CheckpointBytes = p.Device, yearPacks, 20_000
		var source snapshot.Source = p.roll
		if y.rng.IntN(25) == 0 {
			source = cable{p.roll, y.rng.IntN(len(p.roll))}
		}
		s, err := snapshot.Backup(context.Background(), r, source, o)
		if errors.Is(err, snapshot.ErrNothing) || errors.Is(err, snapshot.ErrLost) && s.Name == "" {
			return nil // the cable was pulled before there was anything
		}
		if errors.Is(err, snapshot.ErrLost) && s.Name != "" {
			y.partial++
			return y.learnPart(r, s, p)
		}
		if err == nil {
			y.learn(s, p.roll)
		}
		return err
	})
	if y.struck(store, err) {
		return y.adopt(p.roll)
	}
	return err
}

func (y *years) learn(s snapshot.Snapshot, roll proof.Roll) {
	y.backups++
	y.w.Truth[s.Name] = roll
	for _, data := range roll {
		if !y.taken[string(data)] {
			y.taken[string(data)] = true
			y.bytes += int64(len(data))
		}
	}
}

// learnPart notes what a partial snapshot holds: nothing but what is on the phone.
func (y *years) learnPart(r *repo.Repo, s snapshot.Snapshot, p *phone) error {
	got, err := proof.Read(r, s)
	if err != nil {
		return err
	}
	for path, data := range got {
		if string(p.roll[path]) != string(data) {
			return fmt.Errorf("partial snapshot %s: %q is not as on the phone", s.Name, path)
		}
	}
	y.learn(s, got)
	return nil
}

// adopt looks whether a backup that was killed is there all the same: then it is whole.
func (y *years) adopt(roll proof.Roll) error {
	return y.in(y.w.Store, func(r *repo.Repo) error {
		listed, damaged, err := snapshot.List(context.Background(), r)
		if err != nil || len(damaged) > 0 {
			return fmt.Errorf("list: %v, %w", damaged, err)
		}
		for _, s := range listed {
			if s.Attic || y.w.Truth[s.Name] != nil || y.w.Going[s.Name] != nil {
				continue
			}
			got, err := proof.Read(r, s)
			if err != nil {
				return err
			}
			if len(got) != len(roll) && !s.Partial {
				return fmt.Errorf("snapshot %s has %d files, and the phone %d", s.Name, len(got), len(roll))
			}
			y.learn(s, got)
		}
		return nil
	})
}

// forget thins the snapshots of all phones out.
func (y *years) forget() error {
	store := y.perhapsCut(8, 20)
	err := y.in(store, func(r *repo.Repo) error {
		ctx := context.Background()
		braked, err := snapshot.Braked(ctx, r)
		if err != nil {
			return err
		}
		for _, s := range braked {
			if err := snapshot.ReleaseBrake(ctx, r, s); err != nil {
				return err
			}
		}
		listed, _, err := snapshot.List(ctx, r)
		if err != nil {
			return err
		}
		var names []string
		for _, g := range (snapshot.GroupBy{Device: true}).Group(listed) {
			for i, reason := range (snapshot.Policy{Daily: 7, Weekly: 5, Monthly: 12}).Keep(g.Snapshots, y.clock.Now()) {
				if !reason.Keep {
					names = append(names, g.Snapshots[i].Name)
				}
			}
		}
		y.w.Forgets(names, false)
		y.forgets += len(names)
		_, err = snapshot.Forget(ctx, r, names, snapshot.ForgetOptions{Host: "here", Now: y.clock.Now, Batch: yearPacks})
		return err
	})
	if y.struck(store, err) {
		return nil
	}
	return err
}

func (y *years) prune(store storage.Store) error {
	err := y.in(store, func(r *repo.Repo) error {
		o := snapshot.PruneOptions{PruneOptions: repo.PruneOptions{Presume: func(string) bool { return true }, Batch: yearPacks}}
		report, err := snapshot.Prune(context.Background(), r, o)
		if err == nil {
			y.prunes++
			y.freed += report.Freed
		}
		return err
	})
	if y.struck(store, err) {
		return nil
	}
	return err
}

// night lets a day pass, and then the program does its work.
func (y *years) night(n int) error {
	y.clock.set(time.Date(2024, 1, 1+n, 22, 0, 0, 0, time.UTC))
	for _, p := range y.phones {
		y.day(p)
		if y.rng.IntN(6) == 0 { // the phone is elsewhere
			continue
		}
		if err := y.backup(p); err != nil {
			return fmt.Errorf("backup of %s: %w", p.Name, err)
		}
	}
	if n%7 != 6 {
		return nil
	}
	if err := y.forget(); err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	if err := y.prune(y.perhapsCut(6, 30)); err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	return nil
}

// size counts objects and bytes below a prefix.
func (y *years) size(t testing.TB, prefix string) (objects int, bytes int64) {
	for o, err := range y.w.Store.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		objects++
		bytes += o.Size
	}
	return objects, bytes
}

// verify looks for every picture that was ever taken in what is listed now.
func (y *years) verify() error {
	return y.in(y.w.Store, func(r *repo.Repo) error {
		listed, _, err := snapshot.List(context.Background(), r)
		if err != nil {
			return err
		}
		missing := maps.Clone(y.taken)
		for _, s := range listed {
			roll, err := proof.Read(r, s)
			if err != nil {
				return err
			}
			for _, data := range roll {
				delete(missing, string(data))
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%d of %d pictures that were ever saved are nowhere", len(missing), len(y.taken))
		}
		return nil
	})
}

// Two years of three phones under a policy, with everything that happens to them: every picture that was ever saved is still
// there, and the repository has grown by little more.
func TestClass22_Years(t *testing.T) {
	seeds, nights := proof.Pick(t, 1, 1, 2), proof.Pick(t, 40, 200, 730)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 30)) // thousands of batches in one process leave much behind
	for seed := range seeds {
		if err := live(t, seed, nights); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	if nights >= 730 {
		proof.Count(t, 22, seeds)
	}
}

func live(t testing.TB, seed, nights int) error {
	y := newYears(t, uint64(seed))
	for n := range nights {
		if err := y.night(n); err != nil {
			return fmt.Errorf("night %d: %w", n, err)
		}
		if n%180 != 179 {
			continue
		}
		if err := y.verify(); err != nil {
			return fmt.Errorf("after %d nights: %w", n, err)
		}
	}
	return y.end(t, seed)
}

func (y *years) end(t testing.TB, seed int) error {
	if err := y.forget(); err != nil {
		return err
	}
	if err := y.prune(y.w.Store); err != nil {
		return err
	}
	if err := y.verify(); err != nil {
		return err
	}
	objects, size := y.size(t, "")
	packs, packed := y.size(t, "packs/")
	segments, _ := y.size(t, "segments/")
	snapshots, _ := y.size(t, "snapshots/")
	t.Logf("seed %d: %d backups, %d of them partial, %d kills, %d forgotten, %d prunes that freed %d bytes; %d files of %d bytes ever taken",
		seed, y.backups, y.partial, y.kills, y.forgets, y.prunes, y.freed, len(y.taken), y.bytes)
	t.Logf("seed %d: %d bytes in %d objects: %d packs of %d bytes, %d segments, %d snapshots", seed, size, objects, packs, packed, segments, snapshots)
	if err := y.bounded(size, packs, segments); err != nil {
		return err
	}
	return y.w.Prove()
}

// bounded says what has grown too large: of bytes, what was taken and half of it; of packs and segments, what a prune does not merge yet.
func (y *years) bounded(size int64, packs, segments int) error {
	if most := y.bytes*3/2 + 4<<20; size > most {
		return fmt.Errorf("the repository takes %d bytes, and %d would be much", size, most)
	}
	if packs > 100 || segments > 60 {
		return fmt.Errorf("%d packs and %d segments for %d bytes", packs, segments, size)
	}
	return nil
}
