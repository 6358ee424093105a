package adb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// What can be wrong with a phone's address, or come of it.
var (
	ErrAddress      = errors.New("not an address of a phone: it is HOST:PORT, such as 192.168.1.20:5555")
	ErrCode         = errors.New("not a pairing code: the phone shows six digits")
	ErrNotConnected = errors.New("the adb server could not connect to the phone")
	ErrNotPaired    = errors.New("the phone was not paired")
	ErrNoPair       = errors.New("this adb cannot pair with a phone over Wi-Fi (Debian 12's cannot). Install a newer one (platform-tools 30 or later), " +
		"or connect the phone by USB once, run \"adb tcpip 5555\", and then connect to its Wi-Fi address with port 5555")
)

// reachTime is how long the server may try to reach a phone over the network: its own patience is ten seconds for an address.
const reachTime = 40 * time.Second

// Connect has the server connect to a phone over the network; one that is connected already is no error. ErrUnauthorized: the phone asks its
// owner, and joins the list once allowed. The server keeps the address and tries again by itself when the connection breaks.
func (s *Server) Connect(ctx context.Context, addr string) error {
	if err := checkAddress(addr); err != nil {
		return err
	}
	text, err := s.askWithin(ctx, "host:connect:"+addr, reachTime)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", addr, err)
	}
	said := strings.ToLower(text)
	switch {
	case strings.HasPrefix(said, "connected to "), strings.HasPrefix(said, "already connected to "):
		return nil
	case strings.HasPrefix(said, "failed to authenticate"):
		return fmt.Errorf("connect to %s: %w", addr, ErrUnauthorized)
	}
	return fmt.Errorf("%w: %s", ErrNotConnected, plain([]byte(text)))
}

// Disconnect has the server let go of a phone over the network, by its address or serial. ErrGone: there is none of that name.
func (s *Server) Disconnect(ctx context.Context, serial string) error {
	if serial == "" || len(serial) > maxAddress || strings.ContainsFunc(serial, unicode.IsControl) { // "" would be all of them
		return fmt.Errorf("%w: %.80q", ErrAddress, serial)
	}
	_, err := s.ask(ctx, "host:disconnect:"+serial)
	if f := (*Failure)(nil); errors.As(err, &f) && strings.HasPrefix(strings.ToLower(f.Text), "no such device") {
		return fmt.Errorf("disconnect %s: %w", serial, ErrGone)
	}
	return err
}

// Pair introduces this computer to a phone of Android 11 or later, with the code and the address that its "Pair device with pairing code" shows.
// The port is another than the one to Connect to. ErrNoPair says what to do with an adb that cannot.
func (s *Server) Pair(ctx context.Context, code, addr string) error {
	if err := checkAddress(addr); err != nil {
		return err
	}
	if len(code) != 6 || strings.ContainsFunc(code, func(r rune) bool { return r < '0' || r > '9' }) {
		return ErrCode
	}
	text, err := s.askWithin(ctx, "host:pair:"+code+":"+addr, reachTime)
	if f := (*Failure)(nil); errors.As(err, &f) { // which names the request, and with it the code
		if unknownService(f) {
			return ErrNoPair
		}
		text, err = f.Text, nil
	}
	if err != nil {
		return fmt.Errorf("pair with %s: %w", addr, err)
	}
	if !strings.HasPrefix(strings.ToLower(text), "successfully paired") {
		return fmt.Errorf("%w: %s", ErrNotPaired, plain([]byte(strings.ReplaceAll(text, code, "******"))))
	}
	return nil
}

// unknownService says whether the server is too old for what was asked.
func unknownService(f *Failure) bool {
	return strings.HasPrefix(strings.ToLower(f.Text), "unknown host service")
}

// maxAddress bounds an address or serial, in bytes.
const maxAddress = 300

func checkAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar }
	if err != nil || host == "" || len(addr) > maxAddress || strings.ContainsFunc(addr, odd) || strings.ContainsRune(host, '/') {
		return fmt.Errorf("%w: %.80q", ErrAddress, addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%w: port %.20q", ErrAddress, port)
	}
	return nil
}
