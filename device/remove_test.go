package device_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// hardNames are names that a shell or MediaStore could take for something else.
var hardNames = []string{
	"DCIM/Camera/IMG_1.jpg", "DCIM/; rm -rf .jpg", "DCIM/it's.jpg", "DCIM/new\nline.jpg", "DCIM/ends\n", "DCIM/-rf", "DCIM/*", "DCIM/$(rm -rf .)", "DCIM/`x`\".jpg", "DCIM/\\n.jpg",
	"DCIM/\xff\xfe.jpg", "DCIM/folder\n/a.jpg", "DCIM/it's a folder; echo removed/a.jpg", "storage/1234-ABCD/DCIM/c.jpg",
}

// put makes a file of the simulated phone and returns it as it is listed.
func (h *homePhone) put(t *testing.T, path string, n int64) (f device.File, sum [32]byte, at string) {
	t.Helper()
	f, data := picture(path, n)
	f.ModTime = f.ModTime.Truncate(time.Second)
	at = filepath.Join(h.own, filepath.FromSlash(path))
	if rest, ok := strings.CutPrefix(path, "storage/1234-ABCD/"); ok {
		at = filepath.Join(h.card, filepath.FromSlash(rest))
	}
	write(t, at, string(data))
	if err := os.Chtimes(at, time.Time{}, f.ModTime.Add(123456789)); err != nil {
		t.Fatal(err)
	}
	return f, sha256.Sum256(data), at
}

func isThere(t *testing.T, at string) bool {
	t.Helper()
	_, err := os.Lstat(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// What is proven is removed, whatever its name and the phone's age, and nothing beside it.
func TestRemove(t *testing.T) {
	for name, c := range map[string]adbtest.Config{
		"A": {Features: adbtest.FeaturesA, MaxData: 4096, Version1: true}, "B": {Features: adbtest.FeaturesB}, "C": {}, "D": {Features: adbtest.FeaturesD},
		"no hash": {Without: []string{"sha256sum"}}, "A, no hash": {Features: adbtest.FeaturesA, Without: []string{"sha256sum"}},
		"a hash of nonsense":       {Programs: map[string]string{"sha256sum": "echo removed; exit 0"}},
		"a hash with an exit code": {Programs: map[string]string{"sha256sum": "toybox=$(readlink \"${0%/*}/stat\"); $toybox sha256sum; exit 3"}},
		"rm with an exit code":     {Programs: map[string]string{"rm": "toybox=$(readlink \"${0%/*}/stat\"); $toybox rm \"$@\"; exit 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, c)
			p := openPhone(t, h.server, device.PhoneOptions{Sleep: noSleep})
			_, _, beside := h.put(t, "DCIM/beside.jpg", 100)
			for i, path := range hardNames {
				f, sum, at := h.put(t, path, int64(i*5000))
				if err := p.Remove(t.Context(), f, sum); err != nil || isThere(t, at) {
					t.Errorf("%q: %v", path, err)
				}
				if err := p.Remove(t.Context(), f, sum); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%q, again: %v", path, err)
				}
			}
			if !isThere(t, beside) || !isThere(t, filepath.Join(h.own, "DCIM/folder\n")) {
				t.Error("something else was removed")
			}
		})
	}
}

// What is not the file that was meant stays where it is, and so does what a phone cannot prove or remove.
func TestRemoveRefuses(t *testing.T) {
	type change func(f *device.File, sum *[32]byte, at string) error
	touch := func(d time.Duration) change {
		return func(f *device.File, _ *[32]byte, at string) error {
			return os.Chtimes(at, time.Time{}, f.ModTime.Add(d))
		}
	}
	for name, c := range map[string]struct {
		phone adbtest.Config
		make  change
		want  error
	}{
		"another hash":       {make: func(_ *device.File, sum *[32]byte, _ string) error { sum[31] ^= 1; return nil }, want: device.ErrChanged},
		"no hash of it":      {phone: adbtest.Config{Without: []string{"sha256sum"}}, make: func(_ *device.File, sum *[32]byte, _ string) error { sum[0]++; return nil }, want: device.ErrChanged},
		"another size":       {make: func(f *device.File, _ *[32]byte, _ string) error { f.Size++; return nil }, want: device.ErrChanged},
		"a later time":       {make: touch(time.Second), want: device.ErrChanged},
		"a time of 1969":     {make: touch(-1_700_000_000 * time.Second), want: device.ErrChanged},
		"a lying hash":       {phone: adbtest.Config{Programs: map[string]string{"sha256sum": "echo " + strings.Repeat("0", 64)}}, want: device.ErrChanged},
		"no stat":            {phone: adbtest.Config{Without: []string{"stat"}}, want: device.ErrNotRemoved},
		"stat of nonsense":   {phone: adbtest.Config{Programs: map[string]string{"stat": "echo removed"}}, want: device.ErrNotRemoved},
		"no rm":              {phone: adbtest.Config{Without: []string{"rm"}}, want: device.ErrNotRemoved},
		"an rm that lies":    {phone: adbtest.Config{Programs: map[string]string{"rm": "echo removed; exit 0"}}, want: device.ErrNotRemoved},
		"neither hash, stat": {phone: adbtest.Config{Without: []string{"stat", "sha256sum"}}, want: device.ErrNotRemoved},
		"a link": {want: device.ErrChanged, make: func(_ *device.File, _ *[32]byte, at string) error {
			return errors.Join(os.Rename(at, at+".real"), os.Symlink(at+".real", at))
		}},
		"a folder": {want: device.ErrChanged, make: func(_ *device.File, _ *[32]byte, at string) error {
			return errors.Join(os.Remove(at), os.Mkdir(at, 0o755))
		}},
		"through a link": {want: device.ErrChanged, make: func(_ *device.File, _ *[32]byte, at string) error {
			dir := filepath.Dir(at)
			return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		}},
		"changed while it is hashed": {want: device.ErrChanged, phone: adbtest.Config{Programs: map[string]string{
			"sha256sum": "toybox=$(readlink \"${0%/*}/stat\"); $toybox sha256sum; echo more >> ./IMG.jpg"}}},
		"a path upwards":  {make: func(f *device.File, _ *[32]byte, _ string) error { f.Path = "DCIM/../DCIM/IMG.jpg"; return nil }, want: device.ErrName},
		"a link, as such": {make: func(f *device.File, _ *[32]byte, _ string) error { f.Type = device.Symlink; return nil }, want: fs.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, c.phone)
			p := openPhone(t, h.server, device.PhoneOptions{Sleep: noSleep})
			f, sum, at := h.put(t, "DCIM/IMG.jpg", 100_000)
			if c.make != nil {
				if err := c.make(&f, &sum, at); err != nil {
					t.Fatal(err)
				}
			}
			err := p.Remove(t.Context(), f, sum)
			if !errors.Is(err, c.want) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "IMG.jpg") {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if !isThere(t, at) {
				t.Error("it is gone")
			}
		})
	}
}

// A name too long for one command line stays, and says so.
func TestRemoveTooLong(t *testing.T) {
	h := newHomePhone(t, adbtest.Config{})
	dir := strings.Repeat("'", 240)
	f, sum, at := h.put(t, "DCIM/"+dir+"/"+dir+"/"+dir+"/a.jpg", 100)
	err := openPhone(t, h.server, device.PhoneOptions{}).Remove(t.Context(), f, sum)
	if !errors.Is(err, device.ErrNotRemoved) || !strings.Contains(err.Error(), "too long") || !isThere(t, at) {
		t.Error(err)
	}
}

// A card that cannot be written keeps its files, and says why.
func TestRemoveFromReadOnlyCard(t *testing.T) {
	h := newHomePhone(t, adbtest.Config{ReadOnly: []string{"1234-ABCD"}})
	p := openPhone(t, h.server, device.PhoneOptions{})
	f, sum, at := h.put(t, "storage/1234-ABCD/DCIM/c.jpg", 1000)
	err := p.Remove(t.Context(), f, sum)
	if !errors.Is(err, device.ErrNotRemoved) || !strings.Contains(err.Error(), "Read-only file system") || !isThere(t, at) {
		t.Error(err)
	}
	f, sum, at = h.put(t, "DCIM/c.jpg", 1000)
	if err := p.Remove(t.Context(), f, sum); err != nil || isThere(t, at) {
		t.Error(err)
	}
}

// A phone that is unplugged, or that is silent for ever, is one that is gone: nobody may think that the file stayed.
func TestRemoveCutOff(t *testing.T) {
	h := newHomePhone(t, adbtest.Config{Programs: map[string]string{"sha256sum": "echo hashing >> \"${0%/*}/began\"; sleep 100"}})
	h.server.Stall, h.server.Reply = time.Second, 5*time.Second
	p := openPhone(t, h.server, device.PhoneOptions{})
	f, sum, at := h.put(t, "DCIM/c.jpg", 1000)
	var phone *device.PhoneError
	if err := p.Remove(t.Context(), f, sum); !errors.As(err, &phone) || !errors.Is(err, device.ErrPhoneStalled) {
		t.Error("silent:", err)
	}
	h.server.Stall = 20 * time.Second
	time.AfterFunc(300*time.Millisecond, h.Unplug)
	if err := p.Remove(t.Context(), f, sum); !errors.As(err, &phone) || !errors.Is(err, device.ErrPhoneGone) {
		t.Error("unplugged:", err)
	}
	p = reopen(t, h.server)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := p.Remove(ctx, f, sum); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("no time left:", err)
	}
	if !isThere(t, at) {
		t.Error("it is gone")
	}
}

// reopen opens a phone that was unplugged, which the server finds again after a moment.
func reopen(t *testing.T, s *adb.Server) *device.Phone {
	t.Helper()
	for range 400 {
		if p, err := device.OpenPhone(t.Context(), s, device.PhoneOptions{Sleep: noSleep}); err == nil {
			t.Cleanup(func() { _ = p.Close() })
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the phone does not come back")
	return nil
}

// The time that a phone needs to hash a large file is not taken for silence.
func TestRemoveSlowHash(t *testing.T) {
	slow := `toybox=$(readlink "${0%/*}/stat"); sleep 2; $toybox sha256sum`
	h := newHomePhone(t, adbtest.Config{Programs: map[string]string{"sha256sum": slow}})
	h.server.Stall, h.server.Reply = time.Second, 5*time.Second
	p := openPhone(t, h.server, device.PhoneOptions{})
	f, sum, at := h.put(t, "DCIM/large.mp4", 64<<20)
	if err := p.Remove(t.Context(), f, sum); err != nil || isThere(t, at) {
		t.Error(err)
	}
}

// Whichever way of forgetting a phone knows is found; what is still shown is said, and what is there is never touched.
func TestForget(t *testing.T) {
	for _, scans := range [][]string{{"scan_volume"}, {"scan_volume", "scan_file"}, {"scan_volume", "broadcast"}, {"scan_volume", "delete"}, {"none"}} {
		t.Run(fmt.Sprint(scans[len(scans)-1]), func(t *testing.T) {
			// what it knew before is as if it had been scanned; later it knows only the last way
			h := newHomePhone(t, adbtest.Config{Scans: adbtest.ScanWays})
			h.Scans = []string{scans[len(scans)-1]}
			p := openPhone(t, h.server, device.PhoneOptions{Sleep: noSleep})
			var files []device.File
			for _, path := range hardNames {
				f, _, _ := h.put(t, path, 100)
				files = append(files, f)
			}
			if err := h.Learn(); err != nil {
				t.Fatal(err)
			}
			for _, path := range hardNames[1:] {
				_, _, at := h.put(t, path, 100)
				if err := os.Remove(at); err != nil {
					t.Fatal(err)
				}
			}
			left, err := p.Forget(t.Context(), files)
			want := 0
			if scans[0] == "none" {
				want = len(hardNames) - 1
			}
			if err != nil || len(left) != want {
				t.Errorf("still shown: %q, %v", left, err)
			}
			got, err := h.Shown()
			if err != nil || len(got) != want+1 || !slices.Contains(got, filepath.Join(h.own, hardNames[0])) || !isThere(t, filepath.Join(h.own, hardNames[0])) {
				t.Errorf("shown is %q, %v", got, err)
			}
		})
	}
}

// A file that came back at the last moment is not taken along with its row, and a phone that does not tell is no phone that forgot.
func TestForgetLeavesAlone(t *testing.T) {
	h := newHomePhone(t, adbtest.Config{Scans: []string{"delete"}})
	f, _, at := h.put(t, "DCIM/it's.jpg", 100)
	if err := errors.Join(h.Learn(), os.Remove(at)); err != nil {
		t.Fatal(err)
	}
	back := func(context.Context, time.Duration) error { h.put(t, "DCIM/it's.jpg", 100); return nil }
	p := openPhone(t, h.server, device.PhoneOptions{Sleep: back})
	left, err := p.Forget(t.Context(), []device.File{f})
	if err != nil || len(left) != 1 || !isThere(t, at) {
		t.Errorf("still shown: %q, %v; the file is there: %v", left, err, isThere(t, at))
	}
	for _, c := range []adbtest.Config{{Without: []string{"content"}}, {Programs: map[string]string{"content": "echo Error; exit 0"}}} {
		h := newHomePhone(t, c)
		left, err := openPhone(t, h.server, device.PhoneOptions{Sleep: noSleep}).Forget(t.Context(), []device.File{f})
		if !errors.Is(err, device.ErrUntold) || len(left) != 1 {
			t.Errorf("still shown: %q, %v", left, err)
		}
	}
}

// Wherever the connection breaks during a removal, what is said of the file is true, and another file is never touched.
func TestRemoveCutAnywhere(t *testing.T) {
	own := t.TempDir()
	x, s := directPhone(t, adbtest.Config{Storage: adbtest.DirTree(own)})
	h := &homePhone{own: own}
	outcomes := make(map[string]int)
	for _, c := range []struct {
		op   string
		most int64
	}{{"SHELL", 32}, {"LST2", 100}, {"OPEN", 1}} {
		for at := range c.most {
			p := openPhone(t, s, device.PhoneOptions{})
			f, sum, file := h.put(t, "DCIM/it's.jpg", 3000)
			other, wrong, beside := h.put(t, "DCIM/other.jpg", 3000)
			wrong[0]++
			kind := adbtest.Cut
			if c.op == "OPEN" {
				kind = adbtest.Refuse
			}
			for _, one := range []struct {
				f   device.File
				sum [32]byte
				at  string
			}{{f, sum, file}, {other, wrong, beside}} {
				x.Break(adbtest.Fault{Op: c.op, Kind: kind, At: at})
				err := p.Remove(t.Context(), one.f, one.sum)
				x.Mend()
				there := isThere(t, one.at)
				gone, stayed := err == nil || errors.Is(err, fs.ErrNotExist), errors.Is(err, device.ErrChanged) || errors.Is(err, device.ErrNotRemoved)
				switch {
				case gone && there, stayed && !there, !gone && !stayed && c.op != "OPEN" && !errors.As(err, new(*device.PhoneError)):
					t.Errorf("%s cut at %d: %v, and the file is there: %v", c.op, at, err, there)
				case one.at == beside && !there:
					t.Errorf("%s cut at %d: the wrong file is gone", c.op, at)
				}
				outcomes[fmt.Sprintf("error %v, there %v", err != nil, there)]++
			}
		}
	}
	if len(outcomes) != 3 {
		t.Errorf("not all that can happen did: %v", outcomes)
	}
}

// A phone that goes away between the removal and the gallery's forgetting leaves every place unsettled.
func TestForgetCutOff(t *testing.T) {
	for name, program := range map[string]string{"silent": "sleep 100", "unplugged": "sleep 100"} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, adbtest.Config{Programs: map[string]string{"content": program}})
			h.server.Stall = time.Second
			p := openPhone(t, h.server, device.PhoneOptions{Sleep: noSleep})
			if name == "unplugged" {
				h.server.Stall = 20 * time.Second
				time.AfterFunc(300*time.Millisecond, func() { _ = h.Vanish() })
			}
			left, err := p.Forget(t.Context(), []device.File{{Path: "DCIM/a.jpg"}, {Path: "DCIM/b.jpg"}})
			if len(left) != 2 || !errors.As(err, new(*device.PhoneError)) {
				t.Errorf("still shown: %q, %v", left, err)
			}
		})
	}
}
