package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"shoebox/device"
	"shoebox/device/adb"
)

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
