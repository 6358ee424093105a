package device_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// realPhone is a simulated phone behind Debian's real adb server.
func realPhone(t *testing.T, c adbtest.Config) (*adbtest.Phone, *adb.Server, *adbtest.Server) {
	t.Helper()
	d := adbtest.New(c)
	p, err := adbtest.Listen(d, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := adbtest.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		_ = p.Close()
		_ = d.Close()
	})
	if _, err := s.Connect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p, &adb.Server{Addr: s.Addr()}, s
}

func openPhone(t *testing.T, s *adb.Server, o device.PhoneOptions) *device.Phone {
	t.Helper()
	p, err := device.OpenPhone(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// source is what snapshot will ask for.
type source interface {
	Files(ctx context.Context) iter.Seq2[device.File, error]
	Open(ctx context.Context, f device.File) (io.ReadCloser, error)
}

// list collects a listing: the files, the problems by path, and what ended it.
func list(ctx context.Context, s source) (files []device.File, problems map[string]error, end error) {
	problems = make(map[string]error)
	for f, err := range s.Files(ctx) {
		p := (*device.Problem)(nil)
		switch {
		case err == nil:
			files = append(files, f)
		case errors.As(err, &p):
			problems[p.Path] = err
		default:
			end = err
		}
	}
	return files, problems, end
}

func paths(files []device.File) []string {
	var ps []string
	for _, f := range files {
		ps = append(ps, f.Path)
	}
	return ps
}

// readAll reads files as a backup does: opened ahead, read by several at once.
func readAll(ctx context.Context, s source, files []device.File, take func(device.File, []byte, error)) {
	type opened struct {
		f   device.File
		r   io.ReadCloser
		err error
	}
	ahead := make(chan opened, 32)
	go func() {
		defer close(ahead)
		for _, f := range files {
			r, err := s.Open(ctx, f)
			ahead <- opened{f, r, err}
		}
	}()
	var work sync.WaitGroup
	var mu sync.Mutex
	for range 6 {
		work.Go(func() {
			for o := range ahead {
				var data []byte
				if o.err == nil {
					data, o.err = io.ReadAll(o.r)
					_ = o.r.Close()
				}
				mu.Lock()
				take(o.f, data, o.err)
				mu.Unlock()
			}
		})
	}
	work.Wait()
}

func TestPhoneGenerations(t *testing.T) {
	generations := map[string]adbtest.Config{
		"A": {Features: adbtest.FeaturesA, MaxData: 4096, Version1: true},
		"B": {Features: adbtest.FeaturesB},
		"C": {Features: adbtest.FeaturesC},
		"D": {Features: adbtest.FeaturesD},
	}
	for name, c := range generations {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var want []string
			for i := range 50 {
				path := fmt.Sprintf("DCIM/Camera/IMG %d'\n.jpg", i)
				write(t, filepath.Join(dir, path), path+string(make([]byte, i*3000)))
				want = append(want, path)
			}
			slices.Sort(want)
			c.Storage = adbtest.DirTree(dir)
			_, s, _ := realPhone(t, c)
			p := openPhone(t, s, device.PhoneOptions{})
			files, problems, err := list(t.Context(), p)
			if err != nil || len(problems) > 0 || !slices.Equal(paths(files), want) {
				t.Fatal(len(files), problems, err)
			}
			n := 0
			readAll(t.Context(), p, files, func(f device.File, data []byte, err error) {
				local, _ := os.ReadFile(filepath.Join(dir, f.Path))
				if err != nil || string(local) != string(data) {
					t.Error(f.Path, err, len(data), len(local))
				}
				n++
			})
			if n != 50 {
				t.Fatal(n)
			}
		})
	}
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// streamOf is a file being read.
type streamOf struct {
	f device.File
	r io.ReadCloser
}

func checkContent(t *testing.T, o streamOf) {
	t.Helper()
	got, err := io.ReadAll(o.r)
	want, _ := io.ReadAll(adbtest.Content(o.f.Path, o.f.Size))
	if err != nil || string(got) != string(want) {
		t.Errorf("%s: %d of %d bytes, %v", o.f.Path, len(got), o.f.Size, err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}
