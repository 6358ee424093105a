package proof_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"shoebox/bench/proof"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// storeCalls counts the calls that a job makes to a store.
func storeCalls(t *testing.T, s *proof.Stage) int {
	t.Helper()
	count := new(storagetest.Faulty)
	if scene := s.PlayOver(func(store storage.Store) storage.Store { count.Store = store; return count }); scene.Err != nil {
		t.Fatal(s.Job.Name, scene.Err)
	}
	return count.Calls()
}

// Each call to the store fails once, in each way that it can (in the long run; else in a third of them, taken in turns). The job fails cleanly or leaves no trace, and can be done again.
func TestClass05_EachStoreCallFailsOnce(t *testing.T) {
	type single struct {
		*proof.Stage
		at    int
		fault storagetest.Fault
	}
	var all []single
	for _, j := range proof.Jobs() {
		s := proof.Prepare(t, j)
		for at := 1; at <= storeCalls(t, s)+more; at++ {
			for fault := range storagetest.Faults {
				if some := proof.Pick(t, 3, 3, 1); (at+int(fault))%some == 0 {
					all = append(all, single{s, at, fault})
				}
			}
		}
	}
	var tried, failed atomic.Int64
	step := proof.Pick(t, 61, 1, 1)
	proof.Spread(t, len(all)/step, func(i int) error {
		c := all[i*step]
		faulty := &storagetest.Faulty{At: c.at, Fault: c.fault}
		scene := c.PlayOver(func(store storage.Store) storage.Store { faulty.Store = store; return faulty })
		if !faulty.Struck() {
			return scene.Err // a call of another kind
		}
		tried.Add(1)
		if scene.Err != nil {
			failed.Add(1)
		}
		said := scene.Err
		err := scene.Killed()
		if err == nil {
			err = scene.GoneOn()
		}
		if err == nil {
			err = scene.Killed()
		}
		if err != nil {
			return fmt.Errorf("%s, call %d, %v; the job said %v: %w", c.Job.Name, c.at, c.fault, said, err)
		}
		return nil
	})
	t.Logf("%d of them failed the job", failed.Load())
	proof.Count(t, 5, int(tried.Load()))
}

// Each call to the disk fails once, before or after it took effect, in each way (in the long run; else in one of them); then the power fails
// or not.
func TestClass05_EachDiskCallFailsOnce(t *testing.T) {
	all, kinds := points(t, nil), int(storagetest.DiskFaults)-1
	each := proof.Pick(t, 1, 1, kinds) // of the kinds of fault
	var tried atomic.Int64
	proof.Spread(t, len(all)*each, func(i int) error {
		p, fault := all[i/each], storagetest.DiskFault(1+(i/each+i%each)%kinds)
		s := p.Play(&storagetest.CrashPoints{At: p.at, Fault: fault, After: p.after})
		if s.Points.Struck() == "" {
			return s.Err
		}
		tried.Add(1)
		if err := p.say(s, fault.String(), s.Killed()); err != nil {
			return err
		}
		return p.say(s, fault.String()+", power cut", s.PowerCut(uint64(i)))
	})
	proof.Count(t, 5, int(tried.Load()))
}

// Two calls of a job fail, each in some way.
func TestClass05_PairsOfFaults(t *testing.T) {
	var stages []*proof.Stage
	var calls []int
	for _, j := range proof.Jobs() {
		s := proof.Prepare(t, j)
		stages, calls = append(stages, s), append(calls, storeCalls(t, s))
	}
	var both atomic.Int64
	pairs := proof.Pick(t, 5, 500, 20_000)
	proof.Spread(t, pairs, func(i int) error {
		rng := rand.New(rand.NewPCG(uint64(i), 5))
		n := i % len(stages)
		one := &storagetest.Faulty{At: 1 + rng.IntN(calls[n]), Fault: storagetest.Fault(rng.IntN(int(storagetest.Faults)))}
		two := &storagetest.Faulty{At: 1 + rng.IntN(calls[n]), Fault: storagetest.Fault(rng.IntN(int(storagetest.Faults)))}
		scene := stages[n].PlayOver(func(store storage.Store) storage.Store {
			one.Store, two.Store = store, one
			return two
		})
		if one.Struck() && two.Struck() {
			both.Add(1)
		}
		if err := scene.Killed(); err != nil {
			return fmt.Errorf("%s, %v at call %d and %v at call %d; the job said %v: %w", stages[n].Job.Name, one.Fault, one.At, two.Fault, two.At, scene.Err, err)
		}
		return nil
	})
	t.Logf("in %d of them both struck", both.Load())
	proof.Count(t, 5, pairs)
}
