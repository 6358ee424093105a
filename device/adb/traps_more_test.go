package adb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// Traps 10 and 11: an error of one file is that file's, told in words of two
// generations; the session ends and the rest is asked again.
func TestTrap11FailEndsSession(t *testing.T) {
	for name, c := range generations() {
		t.Run(name, func(t *testing.T) {
			tree := adbtest.NewMemTree()
			for i := range 60 {
				if i%7 != 3 {
					tree.AddSize(fmt.Sprintf("DCIM/%03d.jpg", i), int64(i*4000))
				}
			}
			tree.Mkdir("DCIM/010.jpg")
			c.Storage = tree
			x, s := directPhone(t, c)
			x.Break(adbtest.Fault{Op: "RECV", Path: "005.jpg", Kind: adbtest.Fail, At: 9000, Text: "read failed: I/O error"})
			x.Break(adbtest.Fault{Op: "RECV", Path: "006.jpg", Kind: adbtest.Fail, Text: "open failed: Permission denied"})
			p := only(t, s).Puller(2)
			defer p.Close()
			var pulls []*adb.Pull
			for i := range 60 {
				pull, err := p.Open(t.Context(), fmt.Sprintf("/sdcard/DCIM/%03d.jpg", i), int64(i*4000))
				if err != nil {
					t.Fatal(err)
				}
				pulls = append(pulls, pull)
			}
			for i, pull := range pulls {
				data, err := io.ReadAll(pull)
				var lost *adb.Lost
				if errors.As(err, &lost) || errors.Is(err, io.EOF) {
					t.Fatal(i, err)
				}
				switch {
				case i == 5 || i == 10:
					if err == nil {
						t.Error(i, len(data))
					}
				case i == 6:
					if !errors.Is(err, fs.ErrPermission) {
						t.Error(i, err)
					}
				case i%7 == 3:
					if !errors.Is(err, fs.ErrNotExist) {
						t.Error(i, err)
					}
				case err != nil || len(data) != i*4000:
					t.Error(i, len(data), err)
				}
			}
		})
	}
}

// Trap 11, its worst case: the FAIL of a file behind closes the connection while
// the one before is still being read, and takes the rest of it along.
func TestTrap11FailBehindSlowReader(t *testing.T) {
	const size = 1 << 20
	tree := adbtest.NewMemTree()
	tree.AddSize("a", size)
	x, s := directPhone(t, adbtest.Config{Storage: tree})
	s.Stall = 20 * time.Second
	x.Reset = true
	p := only(t, s).Puller(1)
	defer p.Close()
	a, err := p.Open(t.Context(), "/sdcard/a", size)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := p.Open(t.Context(), "/sdcard/missing", 1); err != nil {
			t.Fatal(err)
		}
	}
	var got []byte
	buf := make([]byte, 64<<10)
	for err == nil {
		time.Sleep(10 * time.Millisecond)
		var n int
		n, err = a.Read(buf)
		got = append(got, buf[:n]...)
	}
	want, _ := io.ReadAll(adbtest.Content("a", size))
	if err != io.EOF || !bytes.Equal(got, want) {
		t.Error(len(got), err)
	}
}

// Trap 12: a phone that dies in the middle is an error that is not io.EOF, and so
// is one that stalls; with the real server between.
func TestTrap12DiesMidFile(t *testing.T) {
	for _, kind := range []adbtest.Kind{adbtest.Cut, adbtest.EndSession, adbtest.Hang} {
		tree := adbtest.NewMemTree()
		tree.AddSize("DCIM/a.jpg", 3<<20)
		p, s, _ := realPhone(t, adbtest.Config{Storage: tree})
		s.Stall, s.Reply = 500*time.Millisecond, 500*time.Millisecond
		d := only(t, s)
		p.Break(adbtest.Fault{Op: "RECV", Kind: kind, At: 1 << 20})
		puller := d.Puller(1)
		pull, err := puller.Open(t.Context(), "/sdcard/DCIM/a.jpg", 3<<20)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		data, err := io.ReadAll(pull)
		if err == nil || errors.Is(err, io.EOF) || len(data) > 1<<20 {
			t.Error(kind, len(data), err)
		}
		if want := map[bool]error{true: adb.ErrStalled, false: adb.ErrBroken}[kind == adbtest.Hang]; kind != adbtest.Cut && !errors.Is(err, want) {
			t.Error(kind, err)
		}
		var lost *adb.Lost
		if kind == adbtest.Cut && !errors.As(err, &lost) {
			t.Error("the whole phone went, yet it is called one file's trouble:", err)
		}
		if kind != adbtest.Cut && errors.As(err, &lost) {
			t.Error("the phone is still there:", err)
		}
		if time.Since(began) > 10*time.Second {
			t.Error(kind, "took", time.Since(began))
		}
		_ = puller.Close()
	}
}

// Trap 12, the silent kind: a phone that freezes whole is lost at once, not file
// by file.
func TestTrap12FreezesWhole(t *testing.T) {
	tree := adbtest.NewMemTree()
	tree.AddSize("a", 100000)
	x, s := directPhone(t, adbtest.Config{Storage: tree})
	s.Reply = 400 * time.Millisecond
	p := only(t, s).Puller(1)
	defer p.Close()
	x.Break(adbtest.Fault{Op: "RECV", Kind: adbtest.Hang, At: 5000})
	pull, err := p.Open(t.Context(), "/sdcard/a", 100000)
	if err != nil {
		t.Fatal(err)
	}
	x.Script("host:transport-id:1", "…hang")
	_, err = io.ReadAll(pull)
	var lost *adb.Lost
	if !errors.As(err, &lost) || !errors.Is(err, adb.ErrStalled) {
		t.Error(err)
	}
}

// Trap 13: calls that fail leave no socket behind, gadb's included.
func TestTrap13NoLeak(t *testing.T) {
	x, s := directPhone(t, adbtest.Config{})
	d := only(t, s)
	x.Unplug()
	before := openFiles(t)
	for range 60 {
		if _, err := d.Property(t.Context(), "ro.serialno"); err == nil {
			t.Fatal("a phone that is away answered")
		}
		if err := d.Walk(t.Context(), []string{"/sdcard"}, nil); err == nil {
			t.Fatal("a phone that is away was listed")
		}
		p := d.Puller(2)
		if _, err := p.Open(t.Context(), "/sdcard/x", 1); !errors.Is(err, adb.ErrGone) {
			t.Fatal(err)
		}
		_ = p.Close()
	}
	runtime.GC()
	time.Sleep(50 * time.Millisecond)
	if after := openFiles(t); after > before+10 {
		t.Errorf("%d open files became %d", before, after)
	}
}

func openFiles(t *testing.T) int {
	if runtime.GOOS != "linux" {
		return 0
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Trap 16: a service string longer than an old phone's packet would end the
// whole server, so it is not sent. The server lives on after the longest one.
func TestTrap16LongService(t *testing.T) {
	c := generations()["A"]
	p, s, _ := realPhone(t, c)
	d := only(t, s)
	if _, err := d.Output(t.Context(), "echo "+strings.Repeat("x", 4096)); !errors.Is(err, adb.ErrTooLong) {
		t.Error(err)
	}
	line := "echo " + strings.Repeat("x", adb.MaxService-len("shell:echo "))
	if out, err := d.Output(t.Context(), line); err != nil || len(out) != adb.MaxService-len("shell:echo ")+1 {
		t.Error(len(out), err)
	}
	if _, err := s.Version(t.Context()); err != nil {
		t.Error("the server died:", err)
	}
	_ = p
}

// Trap 17: nothing is sent before the OKAY it depends on.
func TestTrap17NothingAhead(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	early := make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go slowServer(c, early)
		}
	}()
	s := &adb.Server{Addr: l.Addr().String(), Reply: 5 * time.Second, Stall: 5 * time.Second}
	d, err := s.Open(t.Context(), adb.Info{Serial: "X", TransportID: 3})
	if err != nil {
		t.Fatal(err)
	}
	_ = d.Stats(t.Context(), []string{"/a", "/b"}, func(path string, _ adb.Stat, err error) {
		if err == nil {
			t.Error("a server that hangs up gave an answer on", path)
		}
	})
	_, _ = d.Output(t.Context(), "echo")
	select {
	case b := <-early:
		t.Errorf("sent ahead of an OKAY: %q", b)
	default:
	}
}

// slowServer says OKAY to everything, after looking whether more came.
func slowServer(c net.Conn, early chan<- string) {
	defer c.Close()
	for range 2 {
		head := make([]byte, 4)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		var n int
		_, _ = fmt.Sscanf(string(head), "%x", &n)
		service := make([]byte, n)
		if _, err := io.ReadFull(c, service); err != nil {
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		more := make([]byte, 100)
		if k, _ := c.Read(more); k > 0 {
			early <- string(more[:k])
		}
		_ = c.SetReadDeadline(time.Time{})
		if bytes.HasSuffix(service, []byte("features")) {
			_, _ = io.WriteString(c, "OKAY0008shell_v2")
			return
		}
		_, _ = io.WriteString(c, "OKAY")
	}
}

// Trap 18: shell,v2,raw leaves every byte as it is and keeps stderr apart.
func TestTrap18BinaryOutput(t *testing.T) {
	dir := t.TempDir()
	var want []byte
	for i := range 256 * 40 {
		want = append(want, byte(i), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, "bin"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	_, s, _ := realPhone(t, adbtest.Config{Storage: adbtest.DirTree(dir)})
	var out, warn bytes.Buffer
	exit, err := only(t, s).Run(t.Context(), adb.Command{Line: "cat /sdcard/bin; echo warn >&2; exit 7", Stdout: &out, Stderr: &warn})
	if exit != 7 || err != nil || !bytes.Equal(out.Bytes(), want) || warn.String() != "warn\n" {
		t.Error(exit, err, out.Len(), warn.String())
	}
}

// Trap 20: without a server one is started, by the real adb, on the address asked
// for; without adb the error says so.
func TestTrap20StartServer(t *testing.T) {
	addr, err := adbtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	s := &adb.Server{Addr: addr, Env: adbtest.Env(t.TempDir(), port)}
	if _, err := s.Version(t.Context()); !errors.Is(err, adb.ErrNoServer) {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = adbtest.Stop(context.Background(), addr) }()
	if v, err := s.Version(t.Context()); v != 41 || err != nil {
		t.Error(v, err)
	}
	if err := adbtest.Stop(t.Context(), "127.0.0.1:5037"); err == nil {
		t.Error("the server everyone shares was stopped")
	}
}

func TestTrap20NoProgram(t *testing.T) {
	addr, err := adbtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	s := &adb.Server{Addr: addr}
	if err := s.Ready(t.Context()); !errors.Is(err, adb.ErrNotInstalled) {
		t.Error(err)
	}
	s.Addr, s.Program = "192.0.2.1:5037", "/bin/false"
	if err := s.Start(t.Context()); !errors.Is(err, adb.ErrNoServer) {
		t.Error("a server on another computer was to be started:", err)
	}
}
