package proof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"shoebox/bench/proof"
	"shoebox/repo"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
	"shoebox/snapshot"
)

// killJob is a command of the program that is killed.
type killJob struct {
	name   string
	parity bool
	begin  func(k *killing) error // leaves the repository as the command finds it
	args   func(k *killing) []string
	starts func(k *killing, w *proof.World)       // notes what may become of snapshots from now on
	again  func(k *killing, w *proof.World) error // what a person does after it was killed, before the oracle asks
}

func backupArgs(k *killing) []string { return []string{"backup", k.photos()} }

// killJobs are all that are killed.
func killJobs() []killJob {
	return []killJob{
		{name: "first backup", parity: true, args: backupArgs},
		{name: "first backup with notes", parity: true, args: func(k *killing) []string { return []string{"", k.repo(), k.photos()} }},
		{name: "a night", parity: true, begin: threeNights, args: backupArgs},
		{name: "prune that repacks", parity: true, begin: goneNights, args: func(*killing) []string { return []string{"prune", "--max-dead", "0.01"} }},
		{name: "forget into the attic", parity: true, begin: threeNights,
			args:   func(k *killing) []string { return append([]string{"forget"}, k.old...) },
			starts: func(k *killing, w *proof.World) { w.Forgets(k.old, false) }},
		{name: "heal", parity: true, begin: sickNights, args: func(*killing) []string { return []string{"heal"} }, again: healAgain},
		{name: "parity add", begin: threeNights, args: func(*killing) []string { return []string{"parity", "add"} }, again: addParityAgain},
	}
}

// killing is the place where one job is killed time and again: a repository, the folder that is backed up, and the cache of the program.
type killing struct {
	job     killJob
	program string
	dir     string
	rng     *rand.Rand
	base    *proof.World
	roll    proof.Roll    // what the folder holds
	old     []string      // snapshots to forget
	span    time.Duration // how long the job takes when nobody kills it, about
}

func (k *killing) repo() string     { return filepath.Join(k.dir, "repo") }
func (k *killing) photos() string   { return filepath.Join(k.dir, "photos") }
func (k *killing) cache() string    { return filepath.Join(k.dir, "cache") }
func (k *killing) template() string { return filepath.Join(k.dir, "template") }

// killRoll has 30 files of up to 200 kB.
func killRoll(rng *rand.Rand) proof.Roll {
	r, noise := proof.FirstRoll(), rand.NewChaCha8([32]byte{byte(rng.Uint32())})
	for i := range 24 {
		data := make([]byte, 20_000+rng.IntN(180_000)/(1+i%4))
		_, _ = noise.Read(data)
		r[fmt.Sprintf("DCIM/VID_%04d.mp4", i)] = data
	}
	return r
}

// newKilling prepares a job, and does it once to the end.
func newKilling(t *testing.T, job killJob, program string, seed uint64) *killing {
	t.Helper()
	k := &killing{job: job, program: program, dir: quickDir(t), rng: rand.New(rand.NewPCG(seed, 2))}
	for _, dir := range []string{k.template(), k.photos(), k.cache()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	store, err := storage.OpenFolder(k.template())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	k.base = proof.Public(t, store, job.parity)
	k.roll = killRoll(k.rng)
	if err := k.roll.Lay(k.photos(), nil); err != nil {
		t.Fatal(err)
	}
	if job.begin != nil {
		if err := job.begin(k); err != nil {
			t.Fatalf("%s: begin: %v", job.name, err)
		}
	}
	k.span = time.Minute
	if killed, err := k.once(time.Minute); killed || err != nil {
		t.Fatalf("%s, killed %v: %v", job.name, killed, err)
	}
	return k
}

// quickDir is a folder in memory where there is one: what a process wrote is not lost when it is killed, so disks add only time.
func quickDir(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "shoebox-proof-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// threeNights are backed up by the program in the template; the folder is one night on.
func threeNights(k *killing) error {
	for night := 1; night <= 3; night++ {
		s, err := k.base.Backup(k.base.Store, k.roll, nil)
		if err != nil {
			return err
		}
		k.old = append(k.old, s.Name)
		if err := k.nextNight(night); err != nil {
			return err
		}
	}
	out, _, err := k.run(k.template(), time.Minute, backupArgs(k)...)
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if err := k.learn(k.base, out); err != nil {
		return err
	}
	return k.nextNight(4)
}

func (k *killing) nextNight(night int) error {
	next := k.roll.Night(night)
	err := next.Lay(k.photos(), k.roll)
	k.roll = next
	return err
}

// goneNights leaves something to prune: most of it was forgotten for good.
func goneNights(k *killing) error {
	if err := threeNights(k); err != nil {
		return err
	}
	r, err := k.base.Open(k.base.Store)
	if err != nil {
		return err
	}
	defer r.Close()
	k.base.Forgets(k.old, true)
	_, err = snapshot.Forget(context.Background(), r, k.old, snapshot.ForgetOptions{LastCopies: true, Host: "here", Batch: k.base.Options(r).Batch})
	return err
}

// sickNights damages a stretch of every third pack, a segment, and loses sidecars of others, all within what heals.
func sickNights(k *killing) error {
	if err := threeNights(k); err != nil {
		return err
	}
	ctx, n := context.Background(), 0
	for o, err := range k.base.Store.List(ctx, "packs/") {
		if err != nil {
			return err
		}
		switch n++; n % 3 {
		case 0:
			err = spoil(k.base.Store, o.Name, int(o.Size)/3, 64)
		case 1:
			err = k.base.Store.Delete(ctx, strings.Replace(o.Name, "packs/", "parity/", 1))
		}
		if err != nil {
			return err
		}
	}
	for o, err := range k.base.Store.List(ctx, "segments/") {
		if err != nil {
			return err
		}
		return spoil(k.base.Store, o.Name, int(o.Size)/2, 1)
	}
	return errors.New("there is no segment")
}

// spoil overwrites n bytes of an object.
func spoil(store storage.Store, name string, at, n int) error {
	data, err := store.Get(context.Background(), name, 0, -1)
	if err != nil {
		return err
	}
	for i := range n {
		data[at+i] ^= 0x55
	}
	return store.Put(context.Background(), name, data)
}

func healAgain(_ *killing, w *proof.World) error {
	r, err := w.Open(w.Store)
	if err != nil {
		return err
	}
	defer r.Close()
	h, err := snapshot.Heal(context.Background(), r, snapshot.HealOptions{})
	if err != nil || len(h.Lost) > 0 {
		return fmt.Errorf("healed again: %v, %w", h, err)
	}
	return verified(r)
}

func addParityAgain(_ *killing, w *proof.World) error {
	r, err := w.Open(w.Store)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := r.AddParity(context.Background(), vault.Options{}); err != nil {
		return fmt.Errorf("parity added again: %w", err)
	}
	return verified(r)
}

// verified holds every object against its redundancy.
func verified(r *repo.Repo) error {
	report, err := r.Verify(context.Background(), vault.Options{})
	if err != nil || len(report.Damage) > 0 {
		return fmt.Errorf("verify: %v, %w", report, err)
	}
	return nil
}

// run runs the program on a repository and kills it after a while. It tells what was printed and whether it was killed before its end.
func (k *killing) run(repository string, after time.Duration, args ...string) (out string, killed bool, err error) {
	program, env := k.program, "SHOEBOX_REPOSITORY="+repository
	if args[0] == "" {
		self, err := os.Executable()
		if err != nil {
			return "", false, err
		}
		program, args, env = self, args[1:], roleVariable+"=backup"
	} else {
		args = append([]string{"--json"}, args...)
	}
	var said, complained bytes.Buffer
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = &said, &complained
	c.Env = append(os.Environ(), env, "SHOEBOX_CACHE_DIR="+k.cache(), "SHOEBOX_CONFIG=", "HOME="+k.dir, "XDG_CONFIG_HOME=", "GORACE=atexit_sleep_ms=0")
	if err := c.Start(); err != nil {
		return "", false, err
	}
	timer := time.AfterFunc(after, func() { _ = c.Process.Kill() }) // of a process that has ended: no error to tell of
	err = c.Wait()
	timer.Stop()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() < 0 {
		return said.String(), true, nil
	}
	if err != nil {
		err = fmt.Errorf("shoebox %s: %w: %s%s", strings.Join(args, " "), err, said.String(), complained.String())
	}
	return said.String(), false, err
}

// summary is the last line a command prints, as far as it is asked for here.
type summary struct {
	Type      string   `json:"message_type"`
	Snapshot  string   `json:"snapshot_id"`
	Forgotten []string `json:"forgotten"`
}

// summaryOf finds the line that reports success. A line cut off by the kill reports nothing.
func summaryOf(out string) (s summary, ok bool) {
	for line := range strings.Lines(out) {
		var one summary
		if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &one) == nil && one.Type == "summary" {
			return one, true
		}
	}
	return s, false
}

// learn takes what was reported for the truth.
func (k *killing) learn(w *proof.World, out string) error {
	s, ok := summaryOf(out)
	if ok && s.Snapshot != "" {
		w.Truth[s.Snapshot] = k.roll
	}
	if ok && len(s.Forgotten) > 0 && len(s.Forgotten) != len(k.old) {
		return fmt.Errorf("%d snapshots were to be forgotten, and %d were", len(k.old), len(s.Forgotten))
	}
	return nil
}

// once lets the job begin anew, kills it after a while, and asks the oracle.
func (k *killing) once(after time.Duration) (killed bool, err error) {
	if err := os.RemoveAll(k.repo()); err != nil {
		return false, err
	}
	if err := linkTree(k.template(), k.repo()); err != nil {
		return false, err
	}
	if k.rng.IntN(4) == 0 { // the program does not know the repository
		if err := os.RemoveAll(k.cache()); err != nil {
			return false, err
		}
	}
	store, err := storage.OpenFolder(k.repo())
	if err != nil {
		return false, err
	}
	defer store.Close()
	w := k.base.In(store)
	if k.job.starts != nil {
		k.job.starts(k, w)
	}
	began := time.Now()
	out, killed, err := k.run(k.repo(), after, k.job.args(k)...)
	if err != nil {
		return killed, err
	}
	if took := time.Since(began); !killed {
		k.span = (min(k.span, 3*took) + took) / 2
	}
	if err := k.learn(w, out); err != nil {
		return killed, err
	}
	return killed, k.judge(w)
}

func (k *killing) judge(w *proof.World) error {
	if k.job.again != nil {
		if err := k.job.again(k, w); err != nil {
			return err
		}
	}
	if err := w.Prove(k.roll); err != nil {
		return err
	}
	next := backupArgs(k)
	if args := k.job.args(k); args[0] == "" {
		next = args
	}
	out, _, err := k.run(k.repo(), time.Minute, next...) // it goes on with what is left, the program's cache too
	if err != nil {
		return fmt.Errorf("the next backup: %w", err)
	}
	s, ok := summaryOf(out)
	if !ok {
		return fmt.Errorf("the next backup reported nothing: %s", out)
	}
	w.Truth[s.Snapshot] = k.roll
	return w.ProveOne(s.Snapshot)
}

// linkTree makes a copy of a repository: files in it are never changed in place.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, below), 0o700)
		}
		return os.Link(path, filepath.Join(to, below))
	})
}

// The program, killed with -9 at a random time, has lost nothing it reported and has left nothing that is in the way of the next one.
func TestClass02_Kill(t *testing.T) {
	kills := proof.Pick(t, 7, 70, 2_002)
	program, jobs := proof.Build(t), killJobs()
	tried, perJob := 0, kills/len(jobs)
	var mu sync.Mutex
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	t.Run("jobs", func(t *testing.T) {
		for i, job := range jobs {
			t.Run(strings.ReplaceAll(job.name, " ", "-"), func(t *testing.T) {
				t.Parallel()
				places <- struct{}{}
				defer func() { <-places }()
				k := newKilling(t, job, program, uint64(i))
				done, runs := 0, 0
				for ; done < perJob && runs < 4*perJob+20; runs++ {
					after := time.Duration(k.rng.Int64N(int64(k.span)))
					killed, err := k.once(after)
					if err != nil {
						t.Fatalf("run %d, killed after %v (%v): %v", runs, after, killed, err)
					}
					if killed {
						done++
					}
				}
				if done < perJob {
					t.Errorf("only %d of %d runs could be killed", done, runs)
				}
				t.Logf("%d of %d runs were killed; left alone it takes %v", done, runs, k.span)
				mu.Lock()
				tried += done
				mu.Unlock()
			})
		}
	})
	proof.Count(t, 2, tried)
}
