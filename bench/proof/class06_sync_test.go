package proof_test

import (
	"sync/atomic"
	"testing"

	"shoebox/bench/proof"
	"shoebox/repo/storage/storagetest"
)

// Each sync, of a file or a directory, fails once, and what it was to write is dropped for good, as Linux does. The job fails, or
// lost nothing; done again, it has lost nothing whatever the power does.
func TestClass06_EachSyncFailsOnce(t *testing.T) {
	all, seeds := points(t, isSync), proof.Pick(t, 1, 1, 20)
	var tried atomic.Int64
	proof.Spread(t, len(all), func(i int) error {
		p := all[i]
		s := p.Play(&storagetest.CrashPoints{At: p.at, After: p.after, Fault: storagetest.IOError, Only: isSync})
		if s.Points.Struck() == "" {
			return s.Err
		}
		tried.Add(1)
		for _, step := range []string{"a sync failed", "a sync failed, done again"} {
			if err := p.say(s, step, s.Killed()); err != nil {
				return err
			}
			for seed := range seeds {
				if err := p.say(s, step+", power cut", s.PowerCut(uint64(seed))); err != nil {
					return err
				}
			}
			if err := p.say(s, step, s.GoneOn()); err != nil {
				return err
			}
		}
		return nil
	})
	proof.Count(t, 6, int(tried.Load()))
}
