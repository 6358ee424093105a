package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// startled is a terminal that lets somebody else work at the first word it is told.
type startled struct {
	said      bytes.Buffer
	mu        sync.Mutex
	once      sync.Once
	meanwhile func()
}

func (s *startled) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.once.Do(s.meanwhile)
	return s.said.Write(p)
}

// A person who looks at a snapshot that another computer forgets and prunes meanwhile is told that, and not of damage.
func TestForgottenWhileRead(t *testing.T) {
	for _, c := range []struct {
		what string
		args []string
	}{
		{"dump", []string{"dump", "latest:00.jpg"}},
		{"restore", []string{"restore", "latest", "-v", "--target"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)
			store, photos := filepath.Join(t.TempDir(), "repo"), t.TempDir()
			run := func(terminal io.Writer, want int, args ...string) {
				p := &program{in: strings.NewReader(""), out: terminal, err: terminal, now: func() time.Time { return now }, zone: time.UTC}
				if code := p.run(t.Context(), append([]string{"-r", store}, args...)); code != want {
					t.Errorf("shoebox %s: exit code %d", strings.Join(args, " "), code)
				}
			}
			newHome(t)
			run(io.Discard, exitDone, "init", "--no-password")
			for i := range 20 { // the first has several chunks, which are read one after the other
				size := 30_000
				if i == 0 {
					size = 40 << 20
				}
				if err := (picture{seed: uint64(i), size: size}).write(filepath.Join(photos, fmt.Sprintf("%02d.jpg", i)), now); err != nil {
					t.Fatal(err)
				}
			}
			run(io.Discard, exitDone, "backup", photos)
			out := &startled{meanwhile: func() {
				newHome(t) // another computer
				run(io.Discard, exitDone, "forget", "latest", "--last-copies", "--yes")
				run(io.Discard, exitDone, "prune")
			}}
			if c.what == "restore" {
				c.args = append(c.args, t.TempDir())
			}
			run(out, exitFailed, c.args...)
			said := out.said.String()
			if !strings.Contains(said, "forgotten and pruned while it was being read") || strings.Contains(said, "the repository is damaged") {
				t.Errorf("%.2000q", said[max(0, len(said)-2000):])
			}
		})
	}
}
