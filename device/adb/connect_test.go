package adb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// The real server connects, refuses and lets go; Debian 12's cannot pair, and the error says what to do.
func TestConnect(t *testing.T) {
	p, s, _ := realPhone(t, adbtest.Config{})
	if err := s.Connect(t.Context(), p.Addr()); err != nil {
		t.Error("again:", err)
	}
	if err := s.Disconnect(t.Context(), p.Addr()); err != nil {
		t.Error(err)
	}
	err := s.Disconnect(t.Context(), p.Addr())
	for end := time.Now().Add(5 * time.Second); err == nil && time.Now().Before(end); err = s.Disconnect(t.Context(), p.Addr()) {
		time.Sleep(20 * time.Millisecond) // a busy server takes a moment to let go, and says yes meanwhile
	}
	if !errors.Is(err, adb.ErrGone) {
		t.Error("disconnected twice:", err)
	}
	if infos, err := s.Devices(t.Context()); len(infos) != 0 || err != nil {
		t.Error(infos, err)
	}
	if err := s.Connect(t.Context(), p.Addr()); err != nil {
		t.Error(err)
	}
	again(t, s)
	free, err := adbtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Connect(t.Context(), free); !errors.Is(err, adb.ErrNotConnected) || !strings.Contains(err.Error(), "refused") {
		t.Error("where nobody listens:", err)
	}
	if err := s.Pair(t.Context(), "123456", p.Addr()); !errors.Is(err, adb.ErrNoPair) || !strings.Contains(err.Error(), "adb tcpip 5555") || strings.Contains(err.Error(), "123456") {
		t.Error("pair:", err)
	}
}

func TestConnectUnauthorized(t *testing.T) {
	d := adbtest.New(adbtest.Config{Unauthorized: true})
	p, err := adbtest.Listen(d, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	server, err := adbtest.StartServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := &adb.Server{Addr: server.Addr()}
	if err := s.Connect(t.Context(), p.Addr()); !errors.Is(err, adb.ErrUnauthorized) {
		t.Error(err)
	}
}

// What a server answers is OKAY and a text even when it failed.
func TestPairAnswers(t *testing.T) {
	x, s := directPhone(t, adbtest.Config{})
	const addr = "192.168.1.9:37001"
	for _, c := range []struct {
		raw  string
		want error
	}{
		{okay("Successfully paired to 192.168.1.9:37001 [guid=adb-R58M]"), nil},
		{okay("Failed: Wrong password or connection was dropped."), adb.ErrNotPaired},
		{okay("Failed: the code 123456 is wrong"), adb.ErrNotPaired},
		{"FAIL0014unknown host service", adb.ErrNoPair},
		{"FAIL000fpairing 123456 ", adb.ErrNotPaired},
		{okay(""), adb.ErrNotPaired},
		{"OKAYzzzz", adb.ErrProtocol},
		{"OKAY", adb.ErrBroken},
		{"", adb.ErrBroken},
	} {
		x.Script("host:pair:123456:"+addr, c.raw)
		err := s.Pair(t.Context(), "123456", addr)
		if !errors.Is(err, c.want) || err != nil && strings.Contains(err.Error(), "123456") {
			t.Errorf("%q: got %v, want %v", c.raw, err, c.want)
		}
	}
	for _, c := range []struct {
		text string
		want error
	}{
		{"connected to " + addr, nil}, {"already connected to " + addr, nil}, {"failed to authenticate to " + addr, adb.ErrUnauthorized},
		{"failed to connect to '" + addr + "': No route to host", adb.ErrNotConnected}, {"cannot connect to " + addr + ": x", adb.ErrNotConnected}, {"", adb.ErrNotConnected},
	} {
		x.Script("host:connect:"+addr, okay(c.text))
		if err := s.Connect(t.Context(), addr); !errors.Is(err, c.want) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

func okay(text string) string { return fmt.Sprintf("OKAY%04x%s", len(text), text) }

// No address of ours is anything but an address to the server.
func TestAddresses(t *testing.T) {
	s := &adb.Server{Addr: "127.0.0.1:1"} // nobody is asked
	for _, addr := range []string{"", "phone", ":5555", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+5", "1.2.3.4:5555\n", "1.2.3.4\n:5555", "a b:5555", "\x00:5555",
		"1.2.3.4:5555:6", "../x:5555", "\xff:5555", strings.Repeat("x", 300) + ":5555"} {
		if err := s.Connect(t.Context(), addr); !errors.Is(err, adb.ErrAddress) {
			t.Errorf("connect %q: %v", addr, err)
		}
		if err := s.Pair(t.Context(), "123456", addr); !errors.Is(err, adb.ErrAddress) {
			t.Errorf("pair %q: %v", addr, err)
		}
	}
	for _, code := range []string{"", "12345", "1234567", "12345x", "12:456", "12345\n", "１２"} {
		if err := s.Pair(t.Context(), code, "1.2.3.4:5"); !errors.Is(err, adb.ErrCode) {
			t.Errorf("code %q: %v", code, err)
		}
	}
	for _, serial := range []string{"", "a\nb", strings.Repeat("x", 301)} {
		if err := s.Disconnect(t.Context(), serial); !errors.Is(err, adb.ErrAddress) {
			t.Errorf("disconnect %q: %v", serial, err)
		}
	}
	for _, addr := range []string{"192.168.1.20:5555", "[fe80::1]:5555", "phone.lan:5555"} {
		if err := s.Connect(t.Context(), addr); !errors.Is(err, adb.ErrNoServer) {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

// A server that does not know the long list is asked for it at each change; what it says oddly ends the tracking with an error.
func TestTrackOldServer(t *testing.T) {
	x, s := directPhone(t, adbtest.Config{})
	s.Reply = time.Second
	x.Script("host:track-devices-l", "FAIL0014unknown host service")
	x.Script("host:track-devices", "OKAY0004A\tb\n0000…hang")
	x.Devices("A device usb:1 transport_id:7\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for infos, err := range s.Track(ctx) {
		if n++; n == 3 {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			continue
		}
		if err != nil || len(infos) != 1 || infos[0].TransportID != 7 {
			t.Fatal(infos, err)
		}
		if n == 2 {
			cancel()
		}
	}
	if n != 3 {
		t.Error(n, "turns")
	}
	for raw, want := range map[string]error{"OKAYzzzz": adb.ErrProtocol, "OKAY00ff": adb.ErrBroken, "": adb.ErrBroken, "FAIL0003no!": nil, "OKAY…hang": adb.ErrStalled} {
		x.Script("host:track-devices-l", raw)
		for infos, err := range s.Track(t.Context()) {
			if err == nil || infos != nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%q: %v %v", raw, infos, err)
			}
		}
	}
}
