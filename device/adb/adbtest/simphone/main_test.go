package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"shoebox/device/adb/adbtest"
)

// The program serves a folder behind a real adb server, with faults, and ends
// with its standard input.
func TestSimphone(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "simphone")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	photos := filepath.Join(dir, "photos")
	if err := os.MkdirAll(filepath.Join(photos, "DCIM"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(photos, "DCIM/a.jpg"), []byte("picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-server", "-dir", photos, "-serial", "R58M", "-fault", "RECV,nosuch,cut,10,1",
		"-battery", "33", "-charging=false", "-size", "1073741824", "-known", "-without", "sha256sum", "-program", "uptime=echo long")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "ready"; {
		if a, ok := strings.CutPrefix(lines.Text(), "adb "); ok {
			addr = a
		}
	}
	list, err := adbtest.Ask(t.Context(), addr, "host:devices")
	if err != nil || !strings.Contains(list, "\tdevice\n") {
		t.Error(list, err)
	}
	for command, want := range map[string]string{"getprop ro.serialno": "R58M\n", "cat /sdcard/DCIM/a.jpg": "picture", "uptime": "long\n",
		"dumpsys battery | grep -e level -e 'USB powered'": "  USB powered: false\n  level: 33\n", "df -k /sdcard | cut -c1-17 | tail -n 1": "/dev/fuse 1048576\n",
		"command -v sha256sum || echo none": "none\n", "content query --where \"_data>='/sdcard/' AND _data<'/sdcard0'\"": "Row: 0 _data=/storage/emulated/0/DCIM/a.jpg\n"} {
		out, err := adbtest.Shell(t.Context(), addr, command)
		if err != nil || out != want {
			t.Errorf("%s: %q %v", command, out, err)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestFaultFlag(t *testing.T) {
	var l faultList
	for _, bad := range []string{"", "RECV", "RECV,x,nokind", "RECV,x,cut,many", "RECV,x,cut,1,often"} {
		if l.Set(bad) == nil {
			t.Errorf("%q passed", bad)
		}
	}
	if err := l.Set("RECV,a b.jpg,fail,100,2,read failed: x, y"); err != nil || len(l) != 1 {
		t.Fatal(err)
	}
	if f := l[0]; f.Op != "RECV" || f.Path != "a b.jpg" || f.At != 100 || f.Times != 2 || f.Text != "read failed: x, y" {
		t.Errorf("%+v", f)
	}
}
