package gallery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"shoebox/repo"
)

// MetricsFunc writes what is known of the backups in the text format of Prometheus.
type MetricsFunc func(ctx context.Context, r *repo.Repo, w io.Writer) error

const (
	metricsPath = "/metrics"
	metricsStep = time.Minute // from one making of them to the next, whoever asks and however often
)

// metrics are as they were made last, or why they could not be.
type metrics struct {
	mu   sync.Mutex
	kept *making
}

// making is metrics that are made, or were. What it says may be read when done is closed.
type making struct {
	begun time.Time
	done  chan struct{}
	text  []byte
	err   error
}

// programs are the paths that a program may read that keeps no cookie.
func (s *Server) programs() []string {
	if s.o.Metrics == nil {
		return nil
	}
	return []string{metricsPath}
}

// serveMetrics answers a program that asks again and again, with words where there is nothing to tell.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	gone := adviceOn(errGone)
	if _, _, trouble := s.shown(); trouble != nil {
		http.Error(w, gone.Text+" "+gone.Next, gone.Status)
		return
	}
	m := s.made()
	select {
	case <-m.done:
	case <-r.Context().Done(): // they are made all the same, for the next to ask
		return
	}
	if m.err != nil { // with no more words: they may name folders, and who asks may be anybody on this machine
		http.Error(w, "The metrics could not be made: shoebox serve said why, and tries again in a minute.", gone.Status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(m.text) // who went away needs no answer
}

// made gives the metrics of the last minute, which may still be in the making.
func (s *Server) made() *making {
	s.metrics.mu.Lock()
	defer s.metrics.mu.Unlock()
	m, now := s.metrics.kept, s.o.Now()
	if m != nil {
		if age := now.Sub(m.begun); !m.over() || age >= 0 && age < metricsStep {
			return m
		}
	}
	m = &making{begun: now, done: make(chan struct{})}
	s.metrics.kept = m
	s.running.Go(func() { s.makeMetrics(m) })
	return m
}

func (m *making) over() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

func (s *Server) makeMetrics(m *making) {
	defer close(m.done)
	r, giveBack := s.borrow()
	defer giveBack()
	var text bytes.Buffer
	if m.err = s.o.Metrics(s.ctx, r, &text); m.err != nil {
		s.o.Log(fmt.Sprintf("the metrics could not be made: %v", m.err))
		return
	}
	m.text = text.Bytes()
}
