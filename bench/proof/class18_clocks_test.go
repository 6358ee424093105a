package proof_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"shoebox/bench/proof"
	"shoebox/repo/storage"
)

// madClock is wrong by years, and another time each time it is looked at. It stays within what a snapshot can say: the years 1 to 9999.
type madClock struct {
	mu  sync.Mutex
	rng *rand.Rand
	at  time.Time
}

func (c *madClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.rng.IntN(6) {
	case 0:
		c.at = time.Unix(0, 0)
	case 1:
		c.at = time.Date(1+c.rng.IntN(9998), 2, 29, 0, 0, 0, 0, time.UTC)
	case 2:
		c.at = c.at.AddDate(-c.rng.IntN(3), 0, 0)
	case 3:
		c.at = c.at.AddDate(c.rng.IntN(3), 0, 0)
	case 4: // it stands still
	default:
		c.at = c.at.Add(time.Duration(c.rng.Int64N(int64(time.Hour))))
	}
	if year := c.at.Year(); year < 2 || year > 9998 {
		c.at = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	}
	return c.at
}

// Nights under a clock that is wrong by years and jumps midway lose nothing: safety never depends on a clock.
func TestClass18_WrongClocks(t *testing.T) {
	const nights = 5
	worlds := proof.Pick(t, 4, 200, 2_000)
	base := proof.New(t, new(storage.Memory))
	proof.Spread(t, worlds, func(i int) error {
		clock := &madClock{rng: rand.New(rand.NewPCG(uint64(i), 18)), at: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
		store, err := proof.Copy(base.Store)
		if err != nil {
			return err
		}
		w := base.In(store)
		w.Now = clock.Now
		roll := proof.FirstRoll()
		for night := 1; night <= nights; night++ {
			if _, err := w.Backup(w.Store, roll, proof.Often); err != nil {
				return fmt.Errorf("world %d, night %d: %w", i, night, err)
			}
			roll = roll.Night(night)
		}
		if err := w.Prove(); err != nil {
			return fmt.Errorf("world %d: %w", i, err)
		}
		return nil
	})
	proof.Count(t, 18, worlds*nights)
}
