package proof_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"shoebox/bench/proof"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// stage is a job with the points at which it can be stopped.
type stage struct {
	*proof.Stage
	calls int
}

func stages(t *testing.T, only func(call string) bool) (all []stage) {
	t.Helper()
	for _, j := range proof.Jobs() {
		s := proof.Prepare(t, j)
		all = append(all, stage{s, s.Calls(t, only)})
	}
	return all
}

// point is one place at which a job goes wrong.
type point struct {
	stage
	at    int
	after bool
}

func (p point) String() string {
	return fmt.Sprintf("%s, call %d, after %v", p.Job.Name, p.at, p.after)
}

// more is how many calls one run of a job may make beyond another: packs fill as chance deals chunks out to them.
const more = 6

// points are all of them, or every few in a sample. The last few of a job may strike nothing.
func points(t *testing.T, only func(call string) bool) (all []point) {
	t.Helper()
	step := proof.Pick(t, 113, 1, 1)
	n := 0
	for _, s := range stages(t, only) {
		for at := 1; at <= s.calls+more; at++ {
			for _, after := range []bool{false, true} {
				if n++; n%step == 0 {
					all = append(all, point{s, at, after})
				}
			}
		}
	}
	return all
}

func (p point) stop() *proof.Scene {
	return p.Play(&storagetest.CrashPoints{At: p.at, After: p.after})
}

// say puts the place into an error.
func (p point) say(s *proof.Scene, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%v (%s), %s; the job said %v: %w", p, s.Points.Struck(), what, s.Err, err)
}

// Stopped at any call that changes the disk, before or after it took effect, nothing that was reported is lost and nothing is
// claimed that is not there; and the job can be done again.
func TestClass01_StopAtEveryDiskCall(t *testing.T) {
	all := points(t, nil)
	var tried atomic.Int64
	proof.Spread(t, len(all), func(i int) error {
		p := all[i]
		s := p.stop()
		if s.Points.Struck() == "" {
			return s.Err
		}
		tried.Add(1)
		if err := p.say(s, "killed", s.Killed()); err != nil {
			return err
		}
		if err := p.say(s, "killed", s.GoneOn()); err != nil {
			return err
		}
		return p.say(s, "killed and done again", s.Killed())
	})
	proof.Count(t, 1, int(tried.Load()))
}

// The same at every call of the store: a bucket has no calls below these.
func TestClass01_StopAtEveryStoreCall(t *testing.T) {
	tried := 0
	for _, j := range proof.Jobs() {
		s := proof.Prepare(t, j)
		count := new(storagetest.CutOff)
		if scene := s.PlayOver(func(store storage.Store) storage.Store { count.Store = store; return count }); scene.Err != nil {
			t.Fatal(j.Name, scene.Err)
		}
		step := proof.Pick(t, 19, 1, 1)
		proof.Spread(t, 2*count.Calls()/step, func(i int) error {
			at, after := 1+i*step/2, i%2 == 1
			scene := s.PlayOver(func(store storage.Store) storage.Store {
				return &storagetest.CutOff{Store: store, At: at, After: after}
			})
			if err := scene.Killed(); err != nil {
				return fmt.Errorf("%s, call %d, after %v; the job said %v: %w", j.Name, at, after, scene.Err, err)
			}
			return nil
		})
		tried += 2 * count.Calls() / step
	}
	proof.Count(t, 1, tried)
}

func isSync(call string) bool { return strings.HasPrefix(call, "sync") }
