package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// phone measures the pull of small files from a simulated phone behind the real adb server against `adb pull -a` of the same
// files, both writing them to a folder; and then the whole backup, which cuts, hashes, seals and syncs them too.
func (b *bench) phone() error {
	server, err := adbtest.StartServer(b.ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	return b.phoneBehind(server)
}

func (b *bench) phoneBehind(server *adbtest.Server) error {
	tree := adbtest.NewMemTree()
	for i := range b.options.phone {
		tree.AddSize(fmt.Sprintf("DCIM/Screenshots/Screenshot_%05d.png", i), 150_000+int64(i*37%100_000))
	}
	daemon := adbtest.New(adbtest.Config{Storage: tree})
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
	p := b.programs("phone", "phone:")
	p.shoeboxEnv = append(p.shoeboxEnv, append(server.Environ(), "HOME="+p.home)...)
	backup := p.backup("shoebox")
	backup.before = p.fresh("shoebox")
	out := filepath.Join(b.work, "pulled")
	pull := command{program: "adb pull -a", args: []string{"adb", "-s", serial, "pull", "-a", "/sdcard/DCIM", out}, env: server.Environ(), before: func() error { return remake(out) }}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ours := command{program: "shoebox", args: []string{self, "-pull", server.Addr(), "-work", out}, before: func() error { return remake(out) }}
	if err := b.compare(fmt.Sprintf("pull of %d small files from the phone", b.options.phone), false, "3x adb pull", ours, pull); err != nil {
		return err
	}
	return b.compare(fmt.Sprintf("first backup of %d small files from the phone", b.options.phone), false, "", backup, pull)
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

func (s stream) write(to string) error {
	defer s.from.Close()
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
