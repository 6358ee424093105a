package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"shoebox/gallery/gallerytest"
)

var noon = time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC)

// shows waits until the gallery's timeline is these pictures.
func (s *served) shows(v *gallerytest.Visitor, want ...string) {
	s.Helper()
	var got string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var names []string
		items, err := v.Items(s.Context(), 0, 100)
		for _, i := range items {
			names = append(names, i.Name)
		}
		if got = strings.Join(names, " "); err == nil && got == strings.Join(want, " ") {
			return
		}
	}
	s.Fatalf("the gallery shows %q, want %q", got, want)
}

func (s *served) enter(address string) *gallerytest.Visitor {
	s.Helper()
	v, err := gallerytest.Enter(s.Context(), address)
	if err != nil {
		s.Fatal(err)
	}
	return v
}

// TestServeWatch plugs in a phone while the gallery is open: it is backed up by itself, and its pictures appear.
func TestServeWatch(t *testing.T) {
	s := newServed(t)
	s.run("init")
	s.run("devices", "name", s.one.serial, "anna")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.phones.server.Disconnect(ctx, s.one.serial); err != nil {
		t.Fatal(err)
	}
	s.put("DCIM/Camera/one.jpg", 1, noon)
	s.put("DCIM/Camera/two.jpg", 2, noon.Add(time.Hour))
	address, stop := s.serve("--watch", "--settle", "300ms")
	v := s.enter(address)
	s.shows(v)
	if err := s.phones.reconnect("anna"); err != nil {
		t.Fatal(err)
	}
	s.shows(v, "two.jpg", "one.jpg")
	stop()
	if listed := s.run("snapshots"); strings.Count(listed, " anna ") != 1 {
		t.Errorf("the snapshots are %s", listed)
	}
}

// TestServeBesideABackup has another process take a snapshot while the gallery is looked at: it is not held up, and its pictures appear.
func TestServeBesideABackup(t *testing.T) {
	s := newServed(t)
	s.put("DCIM/Camera/one.jpg", 1, noon)
	s.run("backup")
	address, stop := s.serve()
	v := s.enter(address)
	s.shows(v, "one.jpg")
	looking, enough := context.WithCancel(t.Context())
	looked := make(chan int)
	go func() { // somebody who reads all the time
		n := 0
		for ; looking.Err() == nil; n++ {
			items, err := v.Items(looking, 0, 100)
			for _, i := range items {
				_, err = v.Get(looking, "/original/"+i.ID)
			}
			if err != nil && looking.Err() == nil {
				t.Error(err)
			}
		}
		looked <- n
	}()
	s.put("DCIM/Camera/two.jpg", 2, noon.Add(time.Hour))
	began := time.Now()
	s.run("backup")
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the backup took %v", took)
	}
	s.shows(v, "two.jpg", "one.jpg")
	enough()
	if n := <-looked; n < 2 {
		t.Errorf("the gallery was read %d times in all that time", n)
	}
	stop()
	s.run("check", "--read-data")
}

// sample is a line of the text format of Prometheus.
var sample = regexp.MustCompile(`^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?\d+$`)

// TestServeMetrics reads /metrics as Prometheus would, which keeps no cookie.
func TestServeMetrics(t *testing.T) {
	s := newServed(t)
	s.put("DCIM/Camera/secretname.jpg", 1, noon)
	s.run("backup")
	address, stop := s.serve("--metrics")
	base, _, _ := strings.Cut(address, "/#")
	status, text := s.scrape(base, "")
	if status != http.StatusOK || strings.Contains(text, "secretname") {
		t.Fatalf("%d %s", status, text)
	}
	for _, want := range []string{"shoebox_repository_snapshots 1\n", "shoebox_repository_pictures 1\n", "shoebox_report_level 0\n", "shoebox_device_pictures{device=\"Pixel 8\"", "# TYPE shoebox_devices gauge\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "# ") && !sample.MatchString(line) {
			t.Errorf("this is no sample: %s", line)
		}
	}
	stop()

	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("of the gallery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address, _ = s.serve("--metrics", "--gallery-password-file", password)
	base, _, _ = strings.Cut(address, "/#")
	for given, want := range map[string]int{"": 401, "wrong": 401, "of the gallery": 200} {
		if status, text := s.scrape(base, given); status != want || strings.Contains(text, "shoebox_devices 1") != (want == 200) {
			t.Errorf("password %q: %d %s", given, status, text)
		}
	}
}

func (s *served) scrape(base, password string) (status int, text string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "GET", base+"/metrics", nil)
	if err != nil {
		s.Fatal(err)
	}
	if password != "" {
		r.SetBasicAuth("prometheus", password)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	if err != nil {
		s.Fatal(err)
	}
	return got.StatusCode, string(data)
}
