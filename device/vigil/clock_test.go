package vigil_test

import (
	"context"
	"sync"
	"testing"
	"time"
)

// clock stands still until it is moved.
type clock struct {
	mu      sync.Mutex
	moved   *sync.Cond
	now     time.Time
	sleeper map[*time.Time]bool // until when each sleeps
}

func newClock() *clock {
	c := &clock{now: time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC), sleeper: make(map[*time.Time]bool)}
	c.moved = sync.NewCond(&c.mu)
	return c
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	defer context.AfterFunc(ctx, c.moved.Broadcast)()
	c.mu.Lock()
	defer c.mu.Unlock()
	until := c.now.Add(d)
	c.sleeper[&until] = true
	c.moved.Broadcast()
	for c.now.Before(until) && ctx.Err() == nil {
		c.moved.Wait()
	}
	delete(c.sleeper, &until)
	c.moved.Broadcast()
	return ctx.Err()
}

// step waits until somebody sleeps who is not to wake yet, and moves to where the first of them wakes, at most by most.
func (c *clock) step(t *testing.T, most time.Duration) time.Duration {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	defer time.AfterFunc(20*time.Second, c.moved.Broadcast).Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		next := c.now.Add(most)
		asleep := len(c.sleeper) > 0
		for until := range c.sleeper {
			asleep = asleep && until.After(c.now)
			if until.Before(next) {
				next = *until
			}
		}
		if asleep {
			passed := next.Sub(c.now)
			c.now = next
			c.moved.Broadcast()
			return passed
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody sleeps")
		}
		c.moved.Wait()
	}
}

// run moves by d, step by step.
func (c *clock) run(t *testing.T, d time.Duration) {
	t.Helper()
	for d > 0 {
		d -= c.step(t, d)
	}
}

// leap is what a computer's sleep, or somebody who sets the clock, does: those who sleep notice nothing.
func (c *clock) leap(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for until := range c.sleeper {
		*until = until.Add(d)
	}
}
