package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// phone measures the pull of small files from a simulated phone behind the real adb server against `adb pull -a`, without and
// with the round trip of a cable.
func (b *bench) phone() error {
	server, err := adbtest.StartServer(b.ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	for _, delay := range []time.Duration{0, 500 * time.Microsecond} {
		if err := b.phoneBehind(server, delay); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) phoneBehind(server *adbtest.Server, delay time.Duration) error {
	tree := adbtest.NewMemTree()
	for i := range b.options.phone {
		tree.AddSize(fmt.Sprintf("DCIM/Screenshots/Screenshot_%05d.png", i), 150_000+int64(i*37%100_000))
	}
	daemon := adbtest.New(adbtest.Config{Storage: tree, Delay: delay})
	defer daemon.Close()
	phone, err := adbtest.Listen(daemon, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer phone.Close()
	serial, err := server.Connect(b.ctx, phone)
	if err != nil {
		return err
	}
	defer func() { _ = server.Disconnect(context.WithoutCancel(b.ctx), serial) }()
	return b.pulls(server, serial, fmt.Sprintf("%d small files from the phone, round trip %v", b.options.phone, 2*delay))
}

// pulls measures three ways: read and checked only, as a backup reads; written to a folder, as adb does; and the whole backup,
// which cuts, hashes, seals and syncs.
func (b *bench) pulls(server *adbtest.Server, serial, what string) error {
	p := b.programs("phone", "phone:")
	p.shoeboxEnv = append(p.shoeboxEnv, append(server.Environ(), "HOME="+p.home)...)
	backup := p.backup("shoebox")
	backup.before = p.fresh("shoebox")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out := filepath.Join(b.work, "pulled")
	empty := func() error { return remake(out) }
	adbPull := command{program: "adb pull -a", args: []string{"adb", "-s", serial, "pull", "-a", "/sdcard/DCIM", out}, env: server.Environ(), before: empty}
	read := command{program: "shoebox", args: []string{self, "-pull", server.Addr(), "-work", ""}}
	written := command{program: "shoebox", args: []string{self, "-pull", server.Addr(), "-work", out}, before: empty}
	if err := b.compare("pull of "+what+", read and checked (adb writes them to a folder)", false, "3x adb pull", read, adbPull); err != nil {
		return err
	}
	if err := b.compare("pull of "+what+", written to a folder by both", false, "", written, adbPull); err != nil {
		return err
	}
	return b.compare("first backup of "+what, false, "", backup, adbPull)
}

// How shoebox reads a phone.
const ahead, readers = 32, 8

// stream is a file on its way.
type stream struct {
	device.File
	from io.ReadCloser
}

// pull is the other side of the comparison with `adb pull`: it writes every file of the phone to a folder, through the same
// calls as a backup.
func pull(ctx context.Context, addr, to string) error {
	phone, err := device.OpenPhone(ctx, &adb.Server{Addr: addr}, device.PhoneOptions{})
	if err != nil {
		return err
	}
	defer phone.Close()
	g, ctx := errgroup.WithContext(ctx)
	opened := make(chan stream, ahead)
	g.Go(func() error {
		defer close(opened)
		for f, err := range phone.Files(ctx) {
			if err != nil {
				return err
			}
			from, err := phone.Open(ctx, f)
			if err != nil {
				return err
			}
			opened <- stream{f, from}
		}
		return nil
	})
	for range readers {
		g.Go(func() error {
			for s := range opened {
				if err := s.write(to); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// write writes the file to a folder; without a folder it only reads it, as a backup does.
func (s stream) write(to string) error {
	defer s.from.Close()
	if to == "" {
		_, err := io.Copy(io.Discard, s.from)
		return err
	}
	path := filepath.Join(to, s.Path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, s.from); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Chtimes(path, s.ModTime, s.ModTime)
}
