package proof_test

import (
	"sync/atomic"
	"testing"

	"shoebox/bench/proof"
)

// The power fails at any call that changes the disk. Names and bytes that were not synced are lost, or not, in every mix.
func TestClass03_PowerCutAtEveryDiskCall(t *testing.T) {
	all, seeds := points(t, nil), proof.Pick(t, 1, 2, 20)
	var tried atomic.Int64
	proof.Spread(t, len(all), func(i int) error {
		p := all[i]
		s := p.stop()
		if s.Points.Struck() == "" {
			return s.Err
		}
		tried.Add(int64(seeds))
		for seed := range seeds {
			if err := p.say(s, "power cut", s.PowerCut(uint64(seed))); err != nil {
				return err
			}
		}
		return nil
	})
	proof.Count(t, 3, int(tried.Load()))
}

// A process is killed at any call. The next one goes on with what it sees, which may not be durable, and reports success. Then the
// power fails.
func TestClass03_PowerCutAfterGoingOn(t *testing.T) {
	all, seeds := points(t, nil), proof.Pick(t, 1, 2, 20)
	var tried atomic.Int64
	proof.Spread(t, len(all), func(i int) error {
		p := all[i]
		s := p.stop()
		if s.Points.Struck() == "" {
			return s.Err
		}
		tried.Add(int64(seeds))
		if err := p.say(s, "killed", s.GoneOn()); err != nil {
			return err
		}
		for seed := range seeds {
			if err := p.say(s, "killed, done again, then a power cut", s.PowerCut(uint64(seed))); err != nil {
				return err
			}
		}
		return nil
	})
	proof.Count(t, 3, int(tried.Load()))
}
