package snapshot_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/snapshot"
)

// crowd is a roll whose files, when they are read, wait until so many are read at once; and a little longer, for more to come.
type crowd struct {
	roll
	expected int

	mu        sync.Mutex
	now, most int
	full      chan struct{}
	filled    sync.Once
}

func (c *crowd) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	from, err := c.roll.Open(ctx, f)
	return &oneOf{ReadCloser: from, crowd: c}, err
}

func (c *crowd) join() {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	if c.now == c.expected {
		c.filled.Do(func() { close(c.full) })
	}
	c.mu.Unlock()
	select {
	case <-c.full:
		time.Sleep(20 * time.Millisecond)
	case <-time.After(10 * time.Second):
	}
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
}

type oneOf struct {
	io.ReadCloser
	crowd *crowd
	here  sync.Once
}

func (o *oneOf) Read(p []byte) (int, error) {
	o.here.Do(o.crowd.join)
	return o.ReadCloser.Read(p)
}

// Six files are read at once, and three of a source whose bytes are dear.
func TestHowManyAreReadAtOnce(t *testing.T) {
	for dear, expected := range map[bool]int{false: 6, true: 3} {
		c := &crowd{roll: roll{}, expected: expected, full: make(chan struct{})}
		for i := range 40 {
			c.roll[fmt.Sprintf("%02d", i)] = []byte{byte(i)}
		}
		l := newLab(t)
		o := labOptions(l.repo)
		o.Workers, o.Ahead, o.Dear = 0, 0, dear
		if _, err := snapshot.Backup(t.Context(), l.repo, c, o); err != nil {
			t.Fatal(err)
		}
		if c.most != expected {
			t.Errorf("dear %v: %d are read at once, not %d", dear, c.most, expected)
		}
	}
}

// askedFor is a roll that notes how much of a stream is asked for at once. Its streams say their length, or do not.
type askedFor struct {
	roll
	says bool

	mu   sync.Mutex
	most int
}

func (a *askedFor) Open(ctx context.Context, f device.File) (io.ReadCloser, error) {
	from, err := a.roll.Open(ctx, f)
	quiet := &overheard{from, a}
	if a.says {
		return saying{quiet, f.Size}, err
	}
	return quiet, err
}

type overheard struct {
	io.ReadCloser
	to *askedFor
}

func (n *overheard) Read(p []byte) (int, error) {
	n.to.mu.Lock()
	n.to.most = max(n.to.most, len(p))
	n.to.mu.Unlock()
	return n.ReadCloser.Read(p)
}

type saying struct {
	*overheard
	size int64
}

func (s saying) Len() int64 { return s.size }

// A stream that says its length is asked for all of it at once. Of one that does not, as of a phone's, the length in the listing is not said for it: it
// comes after others that were opened before, and would wait for memory that those behind it hold.
func TestLengthThatAStreamSays(t *testing.T) {
	for _, says := range []bool{true, false} {
		l := newLab(t)
		src := &askedFor{roll: roll{"a": bytes.Repeat([]byte("photo"), 60_000)}, says: says}
		s, err := snapshot.Backup(t.Context(), l.repo, src, labOptions(l.repo))
		if err != nil || s.Count.Files != 1 {
			t.Fatal(s.Count, err)
		}
		if (src.most >= 300_000) != says {
			t.Errorf("says %v: %d bytes were asked for at once", says, src.most)
		}
	}
}
