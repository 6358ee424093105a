package device_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb/adbtest"
)

// The rest of a file is the rest of its bytes, from any offset, whatever its name.
func TestOpenAt(t *testing.T) {
	for name, features := range map[string][]string{"B": adbtest.FeaturesB, "C": adbtest.FeaturesC, "D": adbtest.FeaturesD} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, adbtest.Config{Features: features})
			p := openPhone(t, h.server, device.PhoneOptions{})
			for i, path := range hardNames {
				size := int64(i*i) * 70_001
				f, _, at := h.put(t, path, size)
				want, err := os.ReadFile(at)
				if err != nil {
					t.Fatal(err)
				}
				for _, off := range []int64{0, size, size / 2, rand.Int64N(size + 1)} {
					r, err := p.OpenAt(t.Context(), f, off)
					if err != nil {
						t.Fatal(path, err)
					}
					got, err := io.ReadAll(r)
					if err != nil || string(got) != string(want[off:]) {
						t.Errorf("%q from %d of %d: %d bytes, %v", path, off, size, len(got), err)
					}
					if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Error("after the end:", n, err)
					}
					_ = r.Close()
				}
			}
		})
	}
}

// A phone that gives files only whole says so before the first byte.
func TestOpenAtNoResume(t *testing.T) {
	for name, c := range map[string]adbtest.Config{
		"A":           {Features: adbtest.FeaturesA, MaxData: 4096, Version1: true},
		"no tail":     {Without: []string{"tail"}},
		"another":     {Programs: map[string]string{"tail": "echo 'tail: bad +1' >&2; exit 1"}},
		"failing":     {Programs: map[string]string{"tail": "exit 2"}},
		"complaining": {Programs: map[string]string{"tail": "echo 'warning' >&2; exit 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, c)
			f, _, _ := h.put(t, "DCIM/it's.mp4", 300_000)
			if r, err := openPhone(t, h.server, device.PhoneOptions{}).OpenAt(t.Context(), f, 100_000); !errors.Is(err, device.ErrNoResume) {
				t.Error(r, err)
			}
		})
	}
}

// What is not the rest of the file, and all of it, never ends in io.EOF.
func TestOpenAtFails(t *testing.T) {
	const size, off = 3_000_000, 1_000_000
	toybox := "toybox=$(readlink \"${0%/*}/stat\"); "
	for name, c := range map[string]struct {
		phone  adbtest.Config
		fault  adbtest.Fault
		before func(at string) error
		midway func(h *homePhone, at string) error
		want   error
	}{
		"too little":     {phone: adbtest.Config{Programs: map[string]string{"tail": "echo short"}}, want: device.ErrShort},
		"too much":       {phone: adbtest.Config{Programs: map[string]string{"tail": "cat \"$3\""}}, want: device.ErrChanged},
		"nothing":        {phone: adbtest.Config{Programs: map[string]string{"tail": "exit 0"}}, want: device.ErrShort},
		"a late exit":    {phone: adbtest.Config{Programs: map[string]string{"tail": toybox + "$toybox tail \"$@\"; exit 1"}}, want: errSome},
		"a late warning": {phone: adbtest.Config{Programs: map[string]string{"tail": toybox + "$toybox tail \"$@\"; echo I/O error >&2"}}, want: errSome},
		"grown before":   {before: func(at string) error { return os.Truncate(at, size+1) }, want: device.ErrChanged},
		"touched before": {before: func(at string) error { return os.Chtimes(at, time.Time{}, time.Unix(5, 0)) }, want: device.ErrChanged},
		"gone before":    {before: os.Remove, want: device.ErrVanished},
		"a folder":       {before: func(at string) error { return errors.Join(os.Remove(at), os.Mkdir(at, 0o755)) }, want: device.ErrChanged},
		"a link":         {before: func(at string) error { return errors.Join(os.Rename(at, at+"x"), os.Symlink(at+"x", at)) }, want: device.ErrChanged},
		"touched midway": {midway: func(_ *homePhone, at string) error { return os.Chtimes(at, time.Time{}, time.Unix(5, 0)) }, want: device.ErrChanged},
		"gone midway":    {midway: func(_ *homePhone, at string) error { return os.Remove(at) }, want: device.ErrVanished},
		"shrunk midway":  {midway: func(_ *homePhone, at string) error { return os.Truncate(at, off+1000) }, want: device.ErrChanged},
		"unplugged":      {midway: func(h *homePhone, _ string) error { h.Unplug(); return nil }, want: device.ErrPhoneGone},
		"gone for good":  {midway: func(h *homePhone, _ string) error { return h.Vanish() }, want: device.ErrPhoneGone},
		"cut off":        {fault: adbtest.Fault{Kind: adbtest.Cut, At: 500_000}, want: device.ErrPhoneGone},
		"ended":          {fault: adbtest.Fault{Kind: adbtest.EndSession, At: 500_000}, want: device.ErrShort},
		"ended at once":  {fault: adbtest.Fault{Kind: adbtest.EndSession, At: 3}, want: device.ErrShort},
		"hanging":        {fault: adbtest.Fault{Kind: adbtest.Hang, At: 500_000}, want: device.ErrShort},
		"endless":        {fault: adbtest.Fault{Kind: adbtest.Endless, Text: "\x01\x00\x10\x00\x00" + strings.Repeat("x", 4096)}, want: device.ErrChanged},
		"empty packets":  {fault: adbtest.Fault{Kind: adbtest.Endless, Text: "\x01\x00\x00\x00\x00"}, want: errSome},
		"no such packet": {fault: adbtest.Fault{Kind: adbtest.RawClose, Text: "\x09\x00\x00\x00\x00"}, want: errSome},
		"a huge packet":  {fault: adbtest.Fault{Kind: adbtest.RawClose, Text: "\x01\xff\xff\xff\xffxxx"}, want: device.ErrShort},
		"huge complaint": {fault: adbtest.Fault{Kind: adbtest.RawClose, Text: "\x02\xff\xff\xff\xffxxx"}, want: device.ErrShort},
		"a long code":    {fault: adbtest.Fault{Kind: adbtest.RawClose, Text: "\x03\x02\x00\x00\x00\x00\x00"}, want: errSome},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, c.phone)
			h.server.Stall = 2 * time.Second
			f, _, at := h.put(t, "DCIM/it's.mp4", size)
			p := openPhone(t, h.server, device.PhoneOptions{})
			if c.fault.Kind != 0 {
				c.fault.Op, c.fault.Path = "SHELL", "s.mp4'"
				h.Break(c.fault)
			}
			if c.before != nil {
				if err := c.before(at); err != nil {
					t.Fatal(err)
				}
			}
			err := readFrom(t.Context(), p, f, off, func() error {
				if c.midway != nil {
					return c.midway(h, at)
				}
				return nil
			})
			if err == nil || errors.Is(err, io.EOF) || c.want != errSome && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

var errSome = errors.New("any error")

// readFrom reads a file from an offset, stopping once midway.
func readFrom(ctx context.Context, p *device.Phone, f device.File, off int64, midway func() error) error {
	r, err := p.OpenAt(ctx, f, off)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 10_000); err != nil && err != io.EOF {
		return err
	}
	if err := midway(); err != nil {
		return fmt.Errorf("midway: %w", err)
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// A stream that breaks at any byte, of the packets' heads too, is never taken for a whole one.
func TestOpenAtCutAnywhere(t *testing.T) {
	own := t.TempDir()
	x, s := directPhone(t, adbtest.Config{Storage: adbtest.DirTree(own)})
	f, _, _ := (&homePhone{own: own}).put(t, "DCIM/it's.mp4", 3000)
	p := openPhone(t, s, device.PhoneOptions{})
	for at := range int64(2000 + 5 + 6) { // one packet of bytes and one of an exit code
		x.Break(adbtest.Fault{Op: "SHELL", Path: "s.mp4'", Kind: adbtest.Cut, At: at})
		err := readFrom(t.Context(), p, f, 1000, func() error { return nil })
		x.Mend()
		if err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("cut at %d: %v", at, err)
		}
	}
	if err := readFrom(t.Context(), p, f, 1000, func() error { return nil }); err != nil {
		t.Error("whole:", err)
	}
}

func TestOpenAtRefuses(t *testing.T) {
	h := newHomePhone(t, adbtest.Config{})
	p := openPhone(t, h.server, device.PhoneOptions{})
	f, _, at := h.put(t, "DCIM/a.mp4", 1000)
	for _, off := range []int64{-1, 1001} {
		if _, err := p.OpenAt(t.Context(), f, off); !errors.Is(err, fs.ErrInvalid) {
			t.Error(off, err)
		}
	}
	f.Path = "DCIM/../DCIM/a.mp4"
	if _, err := p.OpenAt(t.Context(), f, 0); !errors.Is(err, device.ErrName) {
		t.Error(err)
	}
	f.Path = "DCIM/a.mp4"
	ctx, cancel := context.WithCancel(t.Context())
	r, err := p.OpenAt(ctx, f, 1)
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Error("after the end of the context:", err)
	}
	if err := os.Remove(filepath.Clean(at)); err != nil {
		t.Fatal(err)
	}
}
