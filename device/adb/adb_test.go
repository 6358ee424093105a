package adb_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

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

// only opens the one phone there is.
func only(t *testing.T, s *adb.Server) *adb.Device {
	t.Helper()
	infos, err := s.Devices(t.Context())
	if err != nil || len(infos) != 1 {
		t.Fatal(infos, err)
	}
	d, err := s.Open(t.Context(), infos[0])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func generations() map[string]adbtest.Config {
	return map[string]adbtest.Config{
		"A": {Features: adbtest.FeaturesA, MaxData: 4096, Version1: true},
		"B": {Features: adbtest.FeaturesB},
		"C": {Features: adbtest.FeaturesC},
		"D": {Features: adbtest.FeaturesD},
	}
}

func TestRealServer(t *testing.T) {
	for name, c := range generations() {
		t.Run(name, func(t *testing.T) {
			tree := adbtest.NewMemTree()
			for i := range 60 {
				tree.AddSize(fmt.Sprintf("DCIM/%03d.jpg", i), int64(i*4000))
			}
			c.Storage = tree
			_, s, _ := realPhone(t, c)
			v, err := s.Version(t.Context())
			if v != 41 || err != nil {
				t.Fatal(v, err)
			}
			d := only(t, s)
			if got, err := d.Property(t.Context(), "ro.serialno"); got != "SIM0001" || err != nil {
				t.Fatal(got, err)
			}
			n := 0
			err = d.Walk(t.Context(), []string{"/sdcard"}, func(dir string, entries []adb.Entry, err error) []string {
				if err != nil {
					t.Fatal(dir, err)
				}
				n += len(entries)
				if dir == "/sdcard" {
					return []string{"/sdcard/DCIM"}
				}
				return nil
			})
			if err != nil || n != 61 {
				t.Fatal(n, err)
			}
			pullAll(t, d, 60)
		})
	}
}

func pullAll(t *testing.T, d *adb.Device, n int) {
	t.Helper()
	p := d.Puller(4)
	defer p.Close()
	var pulls []*adb.Pull
	for i := range n {
		pull, err := p.Open(t.Context(), fmt.Sprintf("/sdcard/DCIM/%03d.jpg", i), int64(i*4000))
		if err != nil {
			t.Fatal(err)
		}
		pulls = append(pulls, pull)
	}
	for i, pull := range pulls {
		got, err := io.ReadAll(pull)
		want, _ := io.ReadAll(adbtest.Content(fmt.Sprintf("DCIM/%03d.jpg", i), int64(i*4000)))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatal(i, len(got), len(want), err)
		}
		if st := pull.After(); st.Size != int64(i*4000) {
			t.Fatal(st)
		}
	}
}

func TestShell(t *testing.T) {
	for name, c := range generations() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.Storage = adbtest.DirTree(dir)
			_, s, _ := realPhone(t, c)
			d := only(t, s)
			out, err := d.Output(t.Context(), "echo "+adb.Quote("it's\n$HOME")+"; ls /sdcard")
			if string(out) != "it's\n$HOME\n" || err != nil {
				t.Fatalf("%q %v", out, err)
			}
			if name == "A" {
				return
			}
			var stdout, stderr bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			exit, err := d.Run(ctx, adb.Command{Line: "cat; echo no >&2; exit 3", Stdin: bytes.NewReader(bytes.Repeat([]byte("x"), 1<<20)), Stdout: &stdout, Stderr: &stderr})
			if exit != 3 || err != nil || stdout.Len() != 1<<20 || stderr.String() != "no\n" {
				t.Fatal(exit, err, stdout.Len(), stderr.String())
			}
		})
	}
}
