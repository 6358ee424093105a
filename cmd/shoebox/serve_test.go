package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoebox/device/adb/adbtest"
	"shoebox/gallery/gallerytest"
	"shoebox/snapshot/photo/phototest"
)

// served is a home with a repository, a phone behind a real adb server, and the program, which is run as a person would.
type served struct {
	*testing.T
	home, phone string
	env         []string
	phones      *phones
	one         *onePhone
}

func newServed(t *testing.T) *served {
	t.Helper()
	addr, err := adbtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	s := &served{T: t, home: t.TempDir(), phone: t.TempDir(), phones: &phones{addr: addr}}
	t.Cleanup(func() {
		if err := s.phones.close(); err != nil {
			t.Error(err)
		}
	})
	if s.one, err = s.phones.connect("anna", adbtest.Config{Model: "Pixel_8", Serial: "SERIAL-anna", Storage: adbtest.DirTree(s.phone)}); err != nil {
		t.Fatal(err)
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SHOEBOX_") && !strings.HasPrefix(v, "XDG_") && !strings.HasPrefix(v, "HOME=") {
			s.env = append(s.env, v)
		}
	}
	s.env = append(s.env, "HOME="+s.home, "TZ=UTC", "ANDROID_ADB_SERVER_PORT="+s.phones.server.Port(), "ADB_MDNS=0", "ANDROID_SERIAL=", "GORACE=atexit_sleep_ms=0")
	return s
}

func (s *served) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Args[0] = "shoebox"
	c.Env = s.env
	return c
}

func (s *served) run(args ...string) string {
	s.Helper()
	var failed bytes.Buffer
	c := s.command(args...)
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil {
		s.Fatalf("shoebox %s: %v\n%s%s", strings.Join(args, " "), err, out, failed.Bytes())
	}
	return string(out)
}

// put puts a photo onto the phone.
func (s *served) put(path string, seed uint64, taken time.Time) []byte {
	s.Helper()
	whole, preview := gallerytest.Photo(seed, 640, 480)
	data := phototest.Retag(whole, phototest.Tags{Taken: taken, Make: "Google", Model: "Pixel 8", Preview: preview}, phototest.Rand(seed))
	full := filepath.Join(s.phone, filepath.FromSlash(path))
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, data, 0o644), os.Chtimes(full, taken, taken)); err != nil {
		s.Fatal(err)
	}
	return data
}

// serve starts the gallery and gives the address that was printed, and what presses Ctrl-C and waits for the end.
func (s *served) serve(args ...string) (address string, stop func()) {
	s.Helper()
	c := s.command(append([]string{"serve", "--no-browser", "--json"}, args...)...)
	out, err := c.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		s.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := c.Process.Signal(os.Interrupt); err != nil {
			s.Error(err)
		}
		if err := c.Wait(); err != nil {
			s.Errorf("the gallery ended with %v", err)
		}
	}
	s.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		s.Fatal(err)
	}
	var said struct{ Address string }
	if err := json.Unmarshal(line, &said); err != nil || said.Address == "" {
		s.Fatalf("%s: %v", line, err)
	}
	return said.Address, stop
}

// TestServePhone plugs in a phone, sees what is not yet safe, backs up a part of it and then the rest, and gets a picture back: all in the browser,
// over the real adb server.
func TestServePhone(t *testing.T) {
	s := newServed(t)
	day := time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC)
	first := s.put("DCIM/Camera/PXL_20261030_120000000.jpg", 1, day)
	s.run("backup")
	for i := range uint64(8) {
		s.put("DCIM/Camera/PXL_2026103"+string("01"[i%2])+"_13000000"+string(rune('0'+i))+".jpg", 10+i, day.Add(time.Duration(i+1)*time.Hour))
	}
	restored := filepath.Join(t.TempDir(), "back")
	address, stop := s.serve("--restore-to", restored)
	base := address[:strings.Index(address, "/#")]
	b := gallerytest.Open(t)
	b.Dark(false)
	b.Go(address)
	b.Wait(`document.querySelectorAll(".tile img").length == 1`)

	b.Go(base + "/phone")
	b.Wait(`document.getElementById("waiting-title").textContent == "Not yet safe: 8" && document.querySelectorAll("#waiting-tiles img").length == 8`)
	for _, wrong := range append(b.Accessible(), b.Refused()...) {
		t.Errorf("phone page: %s", wrong)
	}
	b.Picture("phone")
	for range 2 { // two of them not
		gallerytest.Eval[bool](b, `document.querySelector("#waiting-tiles [aria-pressed=true]").click(), true`)
	}
	b.Wait(`document.getElementById("backup").textContent == "Back up these 6"`)
	b.Click("#backup")
	b.Wait(`document.getElementById("phone-said").textContent.includes("7 files safe as of")`)
	b.Wait(`document.getElementById("waiting-title").textContent == "Not yet safe: 2"`)
	if listed := s.run("ls", "latest"); strings.Count(listed, ".jpg") != 7 {
		t.Errorf("the snapshot holds %s", listed)
	}
	b.Click("#backup")
	b.Wait(`document.getElementById("phone-said").textContent.includes("Everything on Pixel 8 is safe: 9 files")`)

	b.Go(base + "/")
	b.Wait(`document.querySelectorAll(".tile").length == 9 && document.querySelector("[aria-label^='PXL_20261030_120000000']")`)
	b.Click("[aria-label^='PXL_20261030_120000000']")
	b.Wait(`document.body.dataset.ready && document.getElementById("restore-one")`)
	b.Wait(`!document.getElementById("put-back").hidden`)
	if moved := gallerytest.Eval[[]string](b, `(() => { // by the phone, which is found while a finger is on its way
		const late = document.getElementById("put-back"), others = [...document.querySelectorAll("header .round")].filter((x) => x !== late);
		const shown = others.map((x) => x.getBoundingClientRect().left);
		late.hidden = true;
		const moved = others.filter((x, i) => x.getBoundingClientRect().left !== shown[i]).map((x) => x.id);
		late.hidden = false;
		return moved;
	})()`); len(moved) > 0 {
		t.Errorf("a phone that is found moves %v", moved)
	}
	b.Click("#restore-one")
	b.Wait(`document.getElementById("said").textContent.startsWith("Restored to")`)
	got, err := os.ReadFile(filepath.Join(restored, "DCIM/Camera/PXL_20261030_120000000.jpg"))
	if err != nil || !bytes.Equal(got, first) {
		t.Errorf("what came back: %d bytes, %v", len(got), err)
	}

	// Gone from the phone, and put back onto it.
	lost := filepath.Join(s.phone, "DCIM/Camera/PXL_20261030_120000000.jpg")
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	b.Click("#put-back")
	b.Wait(`document.getElementById("said").textContent == "Restored to Pixel 8."`)
	if got, err := os.ReadFile(lost); err != nil || !bytes.Equal(got, first) {
		t.Errorf("what came back onto the phone: %d bytes, %v", len(got), err)
	}
	b.Click("#put-back")
	b.Wait(`document.getElementById("said").textContent == "It is there already: Pixel 8."`)
	b.Go(base + "/")
	b.Wait(`document.querySelectorAll(".tile .pick").length == 9`)
	gallerytest.Eval[bool](b, `document.querySelectorAll(".tile .pick").forEach((p) => p.click()), document.getElementById("restore").click(), true`)
	b.Wait(`document.getElementById("where").options.length == 2`)
	gallerytest.Eval[bool](b, `document.getElementById("where").selectedIndex = 1, document.getElementById("restore-go").click(), true`)
	b.Wait(`document.getElementById("restored").textContent == "0 restored to Pixel 8. 9 there already."`)

	// The cable is pulled in the middle of a backup: the page says so, and goes on when it is back.
	s.put("DCIM/Camera/PXL_20261101_100000000.jpg", 30, day.AddDate(0, 0, 2))
	s.put("DCIM/Camera/PXL_20261101_110000000.jpg", 31, day.AddDate(0, 0, 2))
	b.Go(base + "/phone")
	b.Wait(`document.getElementById("waiting-title").textContent == "Not yet safe: 2" && document.querySelectorAll("#waiting-tiles img").length == 2`)
	s.one.Break(adbtest.Fault{Op: "RECV", Path: "PXL_20261101_110000000.jpg", Kind: adbtest.Cut, At: 100, Times: 99})
	b.Click("#backup")
	b.Wait(`/disconnected|No phone|not answer/.test(document.getElementById("main").innerText)`)
	s.one.Mend()
	if err := s.phones.reconnect("anna"); err != nil {
		t.Fatal(err)
	}
	b.Wait(`!document.getElementById("waiting").hidden && !document.getElementById("backup").disabled`)
	b.Click("#backup")
	b.Wait(`document.getElementById("phone-said").textContent.includes("is safe: 11 files")`)
	stop()
	s.run("check", "--read-data")
}

// reconnect plugs a phone in again.
func (p *phones) reconnect(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := p.server.Connect(ctx, p.all[name].Phone)
	return err
}

// Nothing of the gallery can be had by the wrong name, or without the key.
func TestServeIsLocked(t *testing.T) {
	s := newServed(t)
	s.put("DCIM/Camera/a.jpg", 1, time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC))
	s.run("backup")
	address, _ := s.serve()
	base := address[:strings.Index(address, "/#")]
	host := strings.TrimPrefix(base, "http://")
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                                           "HTTP/1.1 401",
		"GET /api/days HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                                   "HTTP/1.1 401",
		"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                           "HTTP/1.1 421",
		"GET / HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://evil.example\r\n\r\n":            "HTTP/1.1 403",
		"DELETE / HTTP/1.1\r\nHost: " + host + "\r\n\r\n":                                        "HTTP/1.1 405",
		"GET / HTTP/1.1\r\nHost: " + host + "\r\nX: " + strings.Repeat("x", 60<<10) + "\r\n\r\n": "HTTP/1.1 431",
	} {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(c).ReadString('\n')
		if !strings.HasPrefix(line, want) {
			t.Errorf("%.60q: %s, %v; want %s", request, line, err, want)
		}
		_ = c.Close()
	}
}
