//go:build unix

package proof_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"shoebox/bench/proof"
	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// street is several computers at work on one repository at once, each a process of its own that is stopped, goes on and is killed by lot.
type street struct {
	program, dir string
	end          context.Context
	world        *proof.World

	mu      sync.Mutex
	rng     *rand.Rand
	running map[int]*os.Process // by process id: those that may be stopped and killed
	newest  map[string][]string // snapshots of each phone that were reported and not given to forget, oldest first
	taken   map[string]bool     // bytes of every file whose backup was reported
	failed  []error

	commands, refused, stopped, killed, restored, revoked atomic.Int64
	backups, forgets, prunes                              atomic.Int64
}

func (s *street) repo() string { return filepath.Join(s.dir, "repo") }

// lot draws from 0 to n-1.
func (s *street) lot(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.IntN(n)
}

func (s *street) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, err)
}

// going tells whether there is time for one thing more.
func (s *street) going() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end.Err() == nil && len(s.failed) == 0
}

// run runs the program as one of the computers does. killed is true when the lot fell on it.
func (s *street) run(computer string, args ...string) (out string, killed bool, err error) {
	var said, complained bytes.Buffer
	c := exec.Command(s.program, append([]string{"--json"}, args...)...)
	c.Stdout, c.Stderr = &said, &complained
	c.Env = append(os.Environ(), "SHOEBOX_REPOSITORY="+s.repo(), "SHOEBOX_CACHE_DIR="+filepath.Join(s.dir, "cache-"+computer),
		"SHOEBOX_CONFIG=", "HOME="+s.dir, "XDG_CONFIG_HOME=", "GORACE=atexit_sleep_ms=0")
	s.commands.Add(1)
	if err := c.Start(); err != nil {
		return "", false, err
	}
	s.set(c.Process, true)
	// The process is taken off the list before it is waited for: a number that is free again may be another process.
	err = s.await(c)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() < 0 {
		return said.String(), true, nil
	}
	if err != nil {
		err = fmt.Errorf("shoebox %s: %w: %s", strings.Join(args, " "), err, complained.String())
	}
	return said.String(), false, err
}

// await waits for a process. Signals go through os.Process, which gives none to a process that was waited for.
func (s *street) await(c *exec.Cmd) error {
	err := c.Wait()
	s.set(c.Process, false)
	return err
}

func (s *street) set(p *os.Process, runs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if runs {
		s.running[p.Pid] = p
	} else {
		delete(s.running, p.Pid)
	}
}

// fate stops processes for a while and kills some, until the time is over; then all that stand go on.
func (s *street) fate() {
	var asleep sync.WaitGroup
	defer asleep.Wait()
	for s.going() {
		time.Sleep(time.Duration(20+s.lot(300)) * time.Millisecond)
		p := s.someone()
		if p == nil {
			continue
		}
		if s.lot(4) == 0 {
			if p.Kill() == nil {
				s.killed.Add(1)
			}
			continue
		}
		if p.Signal(syscall.SIGSTOP) != nil {
			continue
		}
		s.stopped.Add(1)
		nap := time.Duration(s.lot(400)) * time.Millisecond
		if s.lot(4) == 0 {
			nap = time.Duration(2000+s.lot(6000)) * time.Millisecond // longer than the patience of a prune
		}
		kill := s.lot(5) == 0
		asleep.Go(func() {
			time.Sleep(nap)
			if kill && p.Kill() == nil { // a laptop that was closed and never opened again
				s.killed.Add(1)
			}
			_ = p.Signal(syscall.SIGCONT) // it may have been killed meanwhile
		})
	}
}

func (s *street) someone() *os.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Sorted(maps.Keys(s.running))
	if len(all) == 0 {
		return nil
	}
	return s.running[all[s.rng.IntN(len(all))]]
}

// write is a computer with a folder of pictures that changes every night.
func (s *street) write(name string) {
	rng := rand.New(rand.NewPCG(uint64(s.lot(1<<30)), 17))
	noise := rand.NewChaCha8([32]byte{17, byte(s.lot(256)), name[len(name)-1]})
	folder, roll, laid := filepath.Join(s.dir, name), proof.Roll{"empty": nil}, proof.Roll{}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		s.fail(err)
		return
	}
	for n := 1; s.going(); n++ {
		roll = changed(roll, n, rng, noise)
		if err := roll.Lay(folder, laid); err != nil {
			s.fail(err)
			return
		}
		laid = roll
		out, killed, err := s.run(name, "backup", folder)
		if err != nil && !strings.Contains(err.Error(), repo.ErrPruned.Error()) {
			s.fail(err)
			return
		}
		if err != nil {
			s.refused.Add(1)
		}
		if said, ok := summaryOf(out); ok {
			s.learn(name, said.Snapshot, roll)
		}
		if !killed {
			time.Sleep(time.Duration(s.lot(1000)) * time.Millisecond)
		}
	}
}

// changed is a roll one night later: two pictures are new, one may be edited, moved or deleted.
func changed(roll proof.Roll, night int, rng *rand.Rand, noise *rand.ChaCha8) proof.Roll {
	next, paths := maps.Clone(roll), slices.Sorted(maps.Keys(roll))
	for i := range 2 {
		data := make([]byte, 1_000+rng.IntN(12_000))
		_, _ = noise.Read(data)
		next[fmt.Sprintf("DCIM/IMG_%05d_%d.jpg", night, i)] = data
	}
	path := paths[rng.IntN(len(paths))]
	switch rng.IntN(3) {
	case 0:
		next["Moved/"+strconv.Itoa(night)+".jpg"] = next[path]
		delete(next, path)
	case 1:
		next[path] = append(slices.Clone(next[path]), byte(night))
	}
	for len(next) > 24 {
		delete(next, paths[rng.IntN(len(paths))])
	}
	return next
}

func (s *street) learn(name, reported string, roll proof.Roll) {
	s.backups.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.Truth[reported] = roll
	s.newest[name] = append(s.newest[name], reported)
	for _, data := range roll {
		s.taken[string(data)] = true
	}
}

// forget lets go of all but the last few snapshots of a phone, by name, time and again.
func (s *street) forget() {
	for s.going() {
		time.Sleep(time.Duration(500+s.lot(1500)) * time.Millisecond)
		names := s.tooOld()
		if len(names) == 0 {
			continue
		}
		out, killed, err := s.run("forgetter", append([]string{"forget"}, names...)...)
		if err != nil && !killed && !strings.Contains(err.Error(), repo.ErrPruned.Error()) {
			s.fail(err)
			return
		}
		if _, ok := summaryOf(out); ok {
			s.forgets.Add(int64(len(names)))
		}
	}
}

// tooOld takes snapshots off the list, and notes that they may be gone from now on.
func (s *street) tooOld() (names []string) {
	const stay = 4
	s.mu.Lock()
	defer s.mu.Unlock()
	for phone, all := range s.newest {
		if n := len(all) - stay; n > 0 {
			names, s.newest[phone] = append(names, all[:n]...), all[n:]
		}
	}
	s.world.Forgets(names, false)
	return names
}

// prune prunes, time and again, and takes whoever shows no sign of life for two seconds for dead.
func (s *street) prune(name string) {
	for s.going() {
		time.Sleep(time.Duration(s.lot(1000)) * time.Millisecond)
		share := []string{"0.01", "0.25", "0.5"}[s.lot(3)]
		out, killed, err := s.run(name, "prune", "--patience", "2s", "--max-dead", share)
		if err != nil && !killed {
			s.fail(err)
			return
		}
		if _, ok := summaryOf(out); ok {
			s.prunes.Add(1)
		}
		if at := strings.Index(out, `"sessions_revoked":`); at >= 0 && out[at+len(`"sessions_revoked":`)] != '0' {
			s.revoked.Add(1)
		}
	}
}

// read gives the newest snapshot of some phone back, and looks at every byte.
func (s *street) read() {
	for n := 0; s.going(); n++ {
		time.Sleep(time.Duration(s.lot(500)) * time.Millisecond)
		name, roll := s.some()
		if name == "" {
			continue
		}
		to := filepath.Join(s.dir, "back")
		if err := os.RemoveAll(to); err != nil {
			s.fail(err)
			return
		}
		_, killed, err := s.run("reader", "restore", name, "--target", to)
		if killed {
			continue
		}
		if err == nil {
			err = holds(to, roll)
		}
		if err != nil && s.stands(name) {
			s.fail(fmt.Errorf("snapshot %s, restored: %w", name, err))
			return
		}
		if err == nil {
			s.restored.Add(1)
		}
	}
}

// some draws a snapshot that was reported and is not to be forgotten.
func (s *street) some() (name string, roll proof.Roll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	phones := slices.Sorted(maps.Keys(s.newest))
	if len(phones) == 0 {
		return "", nil
	}
	all := s.newest[phones[s.rng.IntN(len(phones))]]
	name = all[s.rng.IntN(len(all))]
	return name, s.world.Truth[name]
}

// stands tells whether nobody has begun to forget a snapshot.
func (s *street) stands(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, stands := s.world.Truth[name]
	return stands
}

// holds compares a folder with a roll.
func holds(dir string, roll proof.Roll) error {
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		below, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, known := roll[filepath.ToSlash(below)]
		if !known || !bytes.Equal(data, want) {
			return fmt.Errorf("%s is not as it was", below)
		}
		found++
		return nil
	})
	if err == nil && found != len(roll) {
		err = fmt.Errorf("%d of %d files", found, len(roll))
	}
	return err
}

// Four computers back up, two prune, one forgets and one restores, all at once on one folder; they are stopped and killed by lot, and
// prunes take the sleeping for dead. Nothing that was reported is lost.
func TestClass17_Beside(t *testing.T) {
	minutes, asked := proof.Pick(t, 0, 1, 30), os.Getenv("SHOEBOX_MINUTES")
	if asked != "" {
		var err error
		if minutes, err = strconv.Atoi(asked); err != nil {
			t.Fatalf("SHOEBOX_MINUTES: %v", err)
		}
	}
	last := time.Duration(minutes) * time.Minute
	if last == 0 {
		last = 10 * time.Second
	}
	s := &street{program: proof.Build(t), dir: quickDir(t), rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 17)),
		running: map[int]*os.Process{}, newest: map[string][]string{}, taken: map[string]bool{}}
	store, err := storage.CreateFolder(s.repo())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s.world = proof.Public(t, store, true)
	var cancel context.CancelFunc
	s.end, cancel = context.WithTimeout(t.Context(), last)
	defer cancel()
	began := time.Now()
	s.live()
	if lived := int(time.Since(began) / time.Minute); lived < minutes {
		minutes = lived // it ended early: somebody failed
	}
	t.Logf("%d commands: %d backups reported, %d refused after a prune took what they relied on; %d snapshots forgotten; %d prunes ended, %d of them revoked sessions; %d restores compared; %d stopped, %d killed",
		s.commands.Load(), s.backups.Load(), s.refused.Load(), s.forgets.Load(), s.prunes.Load(), s.revoked.Load(), s.restored.Load(), s.stopped.Load(), s.killed.Load())
	for _, err := range s.failed {
		t.Error(err)
	}
	if s.backups.Load() == 0 || s.prunes.Load() == 0 || s.restored.Load() == 0 {
		t.Error("somebody did nothing at all")
	}
	s.judge(t)
	proof.Count(t, 17, minutes)
}

// live lets everybody work until the time is over, and waits for all.
func (s *street) live() {
	var people, fate sync.WaitGroup
	for i := range 4 {
		people.Go(func() { s.write(fmt.Sprintf("phone%d", i)) })
	}
	for i := range 2 {
		people.Go(func() { s.prune(fmt.Sprintf("pruner%d", i)) })
	}
	people.Go(s.forget)
	people.Go(s.read)
	fate.Go(s.fate)
	fate.Wait()
	people.Wait()
}

// judge asks the oracle, before a last prune and after it.
func (s *street) judge(t *testing.T) {
	if err := s.adopt(); err != nil {
		t.Fatal(err)
	}
	if err := s.world.Prove(); err != nil {
		t.Fatalf("at the end: %v", err)
	}
	out, _, err := s.run("pruner0", "prune", "--patience", "1s", "--max-dead", "0.01")
	if err != nil {
		t.Fatalf("the last prune: %v", err)
	}
	t.Logf("the last prune: %s", out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:])
	if err := s.world.Prove(); err != nil {
		t.Fatalf("after the last prune: %v", err)
	}
	if err := s.keptAll(); err != nil {
		t.Fatal(err)
	}
	if out, _, err := s.run("reader", "check", "--read-data"); err != nil {
		t.Errorf("the program's own check: %v\n%s", err, out)
	}
}

// adopt takes snapshots that are there, though the backup was killed before it could say so, for what they are: nobody promised them. That
// they can be read whole is for the oracle.
func (s *street) adopt() error {
	r, err := s.world.Open(s.world.Store)
	if err != nil {
		return err
	}
	defer r.Close()
	listed, _, err := snapshot.List(context.Background(), r)
	if err != nil {
		return err
	}
	for _, one := range listed {
		if s.world.Truth[one.Name] != nil || s.world.Going[one.Name] != nil || one.Attic {
			continue
		}
		if s.world.LetGo[one.Name], err = proof.Read(r, one); err != nil {
			return err
		}
	}
	return nil
}

// keptAll looks for every content that was ever reported in what is listed.
func (s *street) keptAll() error {
	r, err := s.world.Open(s.world.Store)
	if err != nil {
		return err
	}
	defer r.Close()
	listed, _, err := snapshot.List(context.Background(), r)
	if err != nil {
		return err
	}
	missing := maps.Clone(s.taken)
	for _, one := range listed {
		roll, err := proof.Read(r, one)
		if err != nil {
			return err
		}
		for _, data := range roll {
			delete(missing, string(data))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d contents that were reported safe are nowhere", len(missing), len(s.taken))
	}
	return nil
}
