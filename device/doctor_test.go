package device_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/device"
	"shoebox/device/adb/adbtest"
)

// examined is what the doctor found of a simulated phone with some pictures.
func examined(t *testing.T, c adbtest.Config) (map[string]device.Finding, []string) {
	t.Helper()
	h := newHomePhone(t, c)
	for _, path := range []string{"DCIM/Camera/secret.jpg", "Pictures/a.png", "Movies/a.mp4", "Download/a.jpg", "Android/media/x/a.jpg"} {
		h.put(t, path, 20_000)
	}
	if err := h.Learn(); err != nil {
		t.Fatal(err)
	}
	return findings(t, h)
}

func findings(t *testing.T, h *homePhone) (map[string]device.Finding, []string) {
	t.Helper()
	before := tree(t, h.own)
	h.server.Stall = 2 * time.Second
	found := make(map[string]device.Finding)
	var asked []string
	for _, f := range device.Doctor(t.Context(), openPhone(t, h.server, device.PhoneOptions{})) {
		found[f.Asked] = f
		asked = append(asked, f.Asked)
		if f.Verdict == 0 || f.Came == "" || f.Without == "" || len([]rune(f.Came)) > 200 || strings.Contains(f.Came, "secret") || strings.Contains(f.Came, "SIM0001") {
			t.Errorf("%+v", f)
		}
	}
	if after := tree(t, h.own); !slices.Equal(before, after) {
		t.Errorf("the phone was changed: %q, then %q", before, after)
	}
	return found, asked
}

// tree are the files below a folder with their sizes and times.
func tree(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		all = append(all, path+" "+info.ModTime().String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A phone of today is well, and one of 2013 lacks what it lacks.
func TestDoctor(t *testing.T) {
	all, _ := examined(t, adbtest.Config{Size: 64 << 30})
	for _, f := range all {
		if f.Verdict != device.Good {
			t.Errorf("%+v", f)
		}
	}
	old, _ := examined(t, adbtest.Config{Features: adbtest.FeaturesA, MaxData: 4096, Version1: true, Without: []string{"sha256sum", "tail", "dumpsys"}})
	for _, f := range old {
		lacks := strings.HasPrefix(f.Asked, "feature") || strings.HasPrefix(f.Asked, "tail") || strings.HasPrefix(f.Asked, "sha256sum") || strings.HasPrefix(f.Asked, "dumpsys")
		if lacks == (f.Verdict == device.Good) {
			t.Errorf("%+v", f)
		}
	}
}

// What answers oddly is found, and what follows is asked all the same.
func TestDoctorOdd(t *testing.T) {
	odd := map[string]string{
		"stat": "echo 5 5 5 5", "sha256sum": "echo " + strings.Repeat("0", 64) + " x", "tail": "head -c 19999 \"$3\"", "df": "echo none", "dumpsys": "echo none", "content": "echo Error: no provider",
		"settings": "echo null",
	}
	found, _ := examined(t, adbtest.Config{Programs: odd, Serial: "0123456789ABCDEF"})
	odd["getprop"] = ""
	for name := range odd {
		for asked, f := range found {
			if strings.HasPrefix(asked, name+" ") && f.Verdict == device.Good {
				t.Errorf("%+v", f)
			}
		}
	}
	slow, _ := examined(t, adbtest.Config{Programs: map[string]string{"sha256sum": "sleep 100"}})
	if f := slow["sha256sum FILE"]; f.Verdict != device.Odd || len(slow) != len(found) {
		t.Errorf("%d findings, %+v", len(slow), f)
	}
	empty, _ := findings(t, newHomePhone(t, adbtest.Config{}))
	if f := empty["RECV FILE"]; f.Verdict != device.Missing || len(empty) != len(found) {
		t.Errorf("%d findings, %+v", len(empty), f)
	}
}

// A phone that goes away ends it, and the last finding says so.
func TestDoctorUnplugged(t *testing.T) {
	h := newHomePhone(t, adbtest.Config{Programs: map[string]string{"df": "sleep 100"}})
	h.put(t, "DCIM/a.jpg", 1000)
	p := openPhone(t, h.server, device.PhoneOptions{})
	time.AfterFunc(1500*time.Millisecond, func() { _ = h.Vanish() })
	all := device.Doctor(t.Context(), p)
	if last := all[len(all)-1]; last.Asked != "df -k /sdcard" || last.Verdict != device.Odd {
		t.Errorf("%+v", last)
	}
}

// The document lists, command by command, what the doctor asks.
func TestDoctorIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/device-behaviour.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n## What `shoebox devices doctor` asks\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, row[1])
	}
	if _, asked := examined(t, adbtest.Config{}); !ok || !slices.Equal(asked, documented) {
		t.Errorf("the document has\n%q, the doctor asks\n%q", documented, asked)
	}
}
