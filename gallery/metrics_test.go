package gallery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shoebox/repo"
	"shoebox/snapshot/photo/phototest"
)

// scrape asks as a program does that keeps no cookie.
func (w *world) scrape(method string, header ...string) (status int, kind, text string) {
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.base+"/metrics", nil)
	if err != nil {
		w.t.Error(err)
		return
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	if err != nil {
		w.t.Error(err)
	}
	return got.StatusCode, got.Header.Get("Content-Type"), string(data)
}

// There are no metrics unless they are asked for.
func TestNoMetrics(t *testing.T) {
	w := newWorld(t)
	w.photo("a.jpg", 1, w.now, phototest.Tags{})
	w.backup()
	w.serve()
	if status, _, _ := w.scrape("GET"); status != http.StatusUnauthorized {
		t.Errorf("without the cookie: %d", status)
	}
	if r := w.get("/metrics"); r.status != http.StatusNotFound {
		t.Errorf("with it: %d", r.status)
	}
}

// However many ask, metrics are made once a minute. They are read without the cookie, by no page of another site, and nothing else is done there.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.photo("a.jpg", 1, w.now, phototest.Tags{})
	w.backup()
	var made atomic.Int64
	w.metrics = func(ctx context.Context, r *repo.Repo, to io.Writer) error {
		time.Sleep(50 * time.Millisecond) // so that the others come while they are made
		all, err := r.Used(ctx)
		fmt.Fprintf(to, "made %d\nused %d\n", made.Add(1), all)
		return err
	}
	w.serve()
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			if status, kind, text := w.scrape("GET"); status != 200 || kind != "text/plain; version=0.0.4; charset=utf-8" || !strings.HasPrefix(text, "made 1\nused ") {
				t.Errorf("%d, %s: %s", status, kind, text)
			}
		})
	}
	asking.Wait()
	if status, _, text := w.scrape("HEAD"); status != 200 || text != "" {
		t.Errorf("HEAD: %d %s", status, text)
	}
	w.now = w.now.Add(59 * time.Second)
	w.scrape("GET")
	w.now = w.now.Add(time.Second)
	if _, _, text := w.scrape("GET"); !strings.HasPrefix(text, "made 2\n") || made.Load() != 2 {
		t.Errorf("a minute later they were made %d times: %s", made.Load(), text)
	}
	for header, want := range map[string]int{"Origin http://evil.example": 403, "Sec-Fetch-Site cross-site": 403, "Sec-Fetch-Site same-site": 403, "Sec-Fetch-Site none": 200} {
		name, value, _ := strings.Cut(header, " ")
		if status, _, text := w.scrape("GET", name, value); status != want || want != 200 && strings.Contains(text, "made") {
			t.Errorf("%s: %d %s", header, status, text)
		}
	}
	if status, _, _ := w.scrape("POST"); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
}

// A repository that is gone, and metrics that cannot be made, are told in words; nothing of what was made before is passed off as being of now.
func TestMetricsInTrouble(t *testing.T) {
	w := newWorld(t)
	w.photo("a.jpg", 1, w.now, phototest.Tags{})
	w.backup()
	var broken atomic.Bool
	w.metrics = func(_ context.Context, _ *repo.Repo, to io.Writer) error {
		if broken.Load() {
			return errors.New("the folder /home/anna/secret is not there")
		}
		_, err := io.WriteString(to, "fine 1\n")
		return err
	}
	w.serve()
	if status, _, text := w.scrape("GET"); status != 200 || text != "fine 1\n" {
		t.Fatalf("%d %s", status, text)
	}
	w.gone.Store(true)
	w.until(func() bool { status, _, _ := w.scrape("GET"); return status == 503 })
	if _, _, text := w.scrape("GET"); !strings.HasPrefix(text, "The repository cannot be reached. Is its disk or NAS connected?") {
		t.Errorf("gone: %s", text)
	}
	w.gone.Store(false)
	w.until(func() bool { status, _, _ := w.scrape("GET"); return status == 200 })
	broken.Store(true)
	w.now = w.now.Add(2 * time.Minute)
	if status, _, text := w.scrape("GET"); status != 503 || !strings.Contains(text, "could not be made") || strings.Contains(text, "anna") {
		t.Errorf("broken: %d %s", status, text)
	}
	broken.Store(false)
	w.now = w.now.Add(2 * time.Minute)
	if status, _, _ := w.scrape("GET"); status != 200 {
		t.Errorf("mended: %d", status)
	}
}
