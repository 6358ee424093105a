package device_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// homePhone is a simulated phone whose storage is a folder, behind the real adb server, and a card in it.
type homePhone struct {
	*adbtest.Phone
	server    *adb.Server
	own, card string // folders of this computer
	said      []string
}

func newHomePhone(t *testing.T, c adbtest.Config) *homePhone {
	t.Helper()
	h := &homePhone{own: t.TempDir(), card: t.TempDir()}
	c.Storage, c.Cards = adbtest.DirTree(h.own), map[string]adbtest.Tree{"1234-ABCD": adbtest.DirTree(h.card)}
	h.Phone, h.server, _ = realPhone(t, c)
	return h
}

func (h *homePhone) home(t *testing.T, replace bool) *device.Home {
	t.Helper()
	var home *device.Home
	for range 200 { // after a break the server needs a moment
		p, err := device.OpenPhone(t.Context(), h.server, device.PhoneOptions{})
		if err == nil {
			t.Cleanup(func() { _ = p.Close() })
			if home, err = p.Home(t.Context(), device.HomeOptions{Replace: replace, Log: func(line string) { h.said = append(h.said, line) }, Sleep: noSleep}); err == nil {
				return home
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the phone cannot be opened")
	return nil
}

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func picture(path string, n int64) (device.File, []byte) {
	data, _ := io.ReadAll(adbtest.Content(path, n))
	return device.File{Path: path, Size: n, ModTime: time.Unix(1_600_000_123, 456), Mode: 0o644}, data
}

// temporaries are what an unfinished write left behind.
func temporaries(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), ".shoebox-") {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestHome(t *testing.T) {
	for name, features := range map[string][]string{"A": adbtest.FeaturesA, "B": adbtest.FeaturesB, "C": adbtest.FeaturesC, "D": adbtest.FeaturesD} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, adbtest.Config{Features: features})
			home := h.home(t, false)
			places := map[string]string{ // of a snapshot, on this phone
				"DCIM/Camera/IMG_1.jpg":          filepath.Join(h.own, "DCIM/Camera/IMG_1.jpg"),
				"DCIM/; rm -rf .jpg":             filepath.Join(h.own, "DCIM/; rm -rf .jpg"),
				"Pictures/it's $(id), `x`.png":   filepath.Join(h.own, "Pictures/it's $(id), `x`.png"),
				"storage/1234-ABCD/DCIM/c.jpg":   filepath.Join(h.card, "DCIM/c.jpg"),
				"storage/9999-0000/DCIM/old.jpg": filepath.Join(h.card, "DCIM/old.jpg"), // of another phone's card
			}
			n := int64(0)
			for path, at := range places {
				n += 70_001
				f, data := picture(path, n)
				if _, err := home.Stat(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(path, err)
				}
				if err := home.Write(t.Context(), f, bytes.NewReader(data)); err != nil {
					t.Fatal(path, err)
				}
				got, err := os.ReadFile(at)
				info, _ := os.Stat(at)
				if err != nil || !bytes.Equal(got, data) || info.ModTime().Unix() != f.ModTime.Unix() {
					t.Fatal(path, len(got), err)
				}
				there, err := home.Stat(t.Context(), path)
				if err != nil || there.Size != f.Size {
					t.Fatal(there, err)
				}
				for _, same := range []bool{true, false} {
					content := bytes.Clone(data)
					if !same {
						content[5] ^= 1
					}
					if is, err := home.Same(t.Context(), there, f, bytes.NewReader(content)); is != same || err != nil {
						t.Error(path, same, is, err)
					}
				}
				if err := home.Write(t.Context(), f, bytes.NewReader(data)); !errors.Is(err, fs.ErrExist) {
					t.Error("written over a file that is there:", err)
				}
			}
			if err := home.Flush(t.Context()); err != nil || len(home.Unseen()) != 0 {
				t.Error("not shown:", home.Unseen(), err)
			}
			if left := append(temporaries(t, h.own), temporaries(t, h.card)...); len(left) > 0 {
				t.Error("left:", left)
			}
			if len(h.said) != 1 || !strings.Contains(h.said[0], "9999-0000") {
				t.Error("of the other card it said:", h.said)
			}
		})
	}
}

// What goes wrong is said, nothing wrong takes a picture's name, and the next restore goes on.
func TestHomeFails(t *testing.T) {
	f, data := picture("DCIM/Camera/IMG_1.jpg", 500_000)
	older := []byte("the picture that was there")
	for name, c := range map[string]struct {
		phone adbtest.Config
		fault adbtest.Fault
		works bool
	}{
		"cut off at once":          {fault: adbtest.Fault{Op: "SEND", Kind: adbtest.Cut, At: 1}},
		"cut off midway":           {fault: adbtest.Fault{Op: "SEND", Kind: adbtest.Cut, At: 300_000}},
		"refused midway":           {fault: adbtest.Fault{Op: "SEND", Kind: adbtest.Fail, At: 300_000, Text: "write failed: I/O error"}},
		"unplugged before it said": {fault: adbtest.Fault{Op: "SEND", Kind: adbtest.Cut, At: 500_000}},
		"a full phone":             {phone: adbtest.Config{Room: 100_000}},
		"other bytes stored":       {phone: adbtest.Config{Programs: map[string]string{"sha256sum": "echo " + strings.Repeat("0", 64) + "  x"}}},
		"no hash":                  {phone: adbtest.Config{Without: []string{"sha256sum"}}, works: true},
		"a hash that fails":        {phone: adbtest.Config{Programs: map[string]string{"sha256sum": "echo broken; exit 0"}}, works: true},
		"no mv":                    {phone: adbtest.Config{Without: []string{"mv"}}},
		"a lying mv":               {phone: adbtest.Config{Programs: map[string]string{"mv": "exit 0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHomePhone(t, c.phone)
			at := filepath.Join(h.own, f.Path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, older, 0o644)); err != nil {
				t.Fatal(err)
			}
			home := h.home(t, true)
			if c.fault.Op != "" {
				h.Break(c.fault)
			}
			err := home.Write(t.Context(), f, bytes.NewReader(data))
			got, _ := os.ReadFile(at)
			if (err == nil) != c.works || c.works && !bytes.Equal(got, data) || !c.works && !bytes.Equal(got, older) {
				t.Fatalf("%v, and %d bytes are there", err, len(got))
			}
			h.Mend()
			h.Room = 0
			if c.works || c.phone.Programs != nil || c.phone.Without != nil {
				return
			}
			if err := h.home(t, true).Write(t.Context(), f, bytes.NewReader(data)); err != nil {
				t.Fatal("again:", err)
			}
			if got, err = os.ReadFile(at); err != nil || !bytes.Equal(got, data) || len(temporaries(t, h.own)) > 0 {
				t.Errorf("again: %d bytes, %v, left %q", len(got), err, temporaries(t, h.own))
			}
		})
	}
}

// Whichever way of asking MediaStore to look a phone knows is found; what stays unseen is said.
func TestHomeIsShown(t *testing.T) {
	for _, scans := range [][]string{{"scan_volume"}, {"scan_file"}, {"broadcast"}, {"none"}} {
		t.Run(scans[0], func(t *testing.T) {
			h := newHomePhone(t, adbtest.Config{Scans: scans})
			home := h.home(t, false)
			for i := range 3 {
				f, data := picture(fmt.Sprintf("DCIM/it's %d/a.jpg", i), 1000)
				if err := home.Write(t.Context(), f, bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			}
			if err := home.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := 0
			if scans[0] == "none" {
				want = 3
			}
			if got := home.Unseen(); len(got) != want {
				t.Errorf("%d of 3 are not shown: %q", len(got), got)
			}
		})
	}
}

// Names that a phone does not tell apart are not written over each other, and links and folders are left alone.
func TestHomeRefuses(t *testing.T) {
	h := newHomePhone(t, adbtest.Config{})
	home := h.home(t, true)
	f, data := picture("DCIM/IMG.jpg", 1000)
	if err := home.Write(t.Context(), f, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	f.Path = "DCIM/img.JPG"
	if err := home.Write(t.Context(), f, bytes.NewReader(data)); !errors.Is(err, fs.ErrExist) {
		t.Error("the same name in small letters:", err)
	}
	f.Path = "DCIM"
	if err := home.Write(t.Context(), f, bytes.NewReader(data)); !errors.Is(err, fs.ErrExist) {
		t.Error("over a folder:", err)
	}
	for _, path := range []string{"../x.jpg", "/etc/x.jpg", "DCIM/../../x.jpg", "DCIM/\x00.jpg", ""} {
		f.Path = path
		if err := home.Write(t.Context(), f, bytes.NewReader(data)); err == nil {
			t.Errorf("written to %q", path)
		}
	}
	f.Path, f.Type = "DCIM/link", device.Symlink
	if err := home.Write(t.Context(), f, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Error("a link:", err)
	}
	f, data = picture("DCIM/short.jpg", 1000)
	if err := home.Write(t.Context(), f, bytes.NewReader(data[:900])); err == nil {
		t.Error("900 of 1000 bytes were enough")
	}
	if left := temporaries(t, h.own); len(left) > 0 {
		t.Error("left:", left)
	}
}
