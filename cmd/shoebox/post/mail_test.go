package post

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// delivered is a letter as the server took it.
type delivered struct {
	From   string
	To     []string
	Letter string
	User   string
	TLS    bool
}

// mailServer is a real one, with its own idea of the protocol.
type mailServer struct {
	port    string
	roots   *x509.CertPool
	ca      string
	letters *json.Decoder
}

// python is Debian's, which has the server: package python3-aiosmtpd.
const python = "/usr/bin/python3"

func startMailServer(t *testing.T, mode, user string, mechanism ...string) *mailServer {
	t.Helper()
	_, roots, cert, key := certificate(t)
	cmd := exec.Command(python, append([]string{filepath.Join("testdata", "smtpd.py"), mode, cert, key, user, password}, mechanism...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: the package python3-aiosmtpd is needed", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	lines := bufio.NewReader(stdout)
	port, err := lines.ReadString('\n')
	if err != nil {
		_ = cmd.Wait() // so that all it said is there
		t.Fatalf("the mail server did not start: %v; the package python3-aiosmtpd is needed\n%s", err, said.String())
	}
	return &mailServer{strings.TrimSpace(port), roots, cert, json.NewDecoder(lines)}
}

// next is the letter that came.
func (s *mailServer) next(t *testing.T) delivered {
	t.Helper()
	var d delivered
	if err := s.letters.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// letterTo is a sender to the server, which it trusts.
func (s *mailServer) letterTo(protection TLS, user string) Mail {
	m := Mail{From: "shoebox@example.org", To: []string{"anna@example.org", "änn@bücher.example"}, Host: "127.0.0.1", Port: s.port, TLS: protection, User: user, Roots: s.roots,
		Now: func() time.Time { return time.Date(2026, 11, 2, 4, 0, 0, 0, time.FixedZone("", 3600)) }}
	if user != "" {
		m.Password = password
	}
	return m
}

func TestMail(t *testing.T) {
	for _, c := range []struct {
		name, mode, user string
		protection       TLS
		mechanism        []string
	}{
		{"tls", "tls", "anna", TLSOnly, nil},
		{"starttls", "starttls", "anna", StartTLS, nil},
		{"starttls by its port", "starttls", "anna", TLSByPort, nil},
		{"the old way to log in", "starttls", "anna", StartTLS, []string{"LOGIN"}},
		{"the old way over tls", "tls", "anna", TLSOnly, []string{"LOGIN"}},
		{"nobody logs in", "none", "", NoTLS, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := startMailServer(t, c.mode, c.user, c.mechanism...)
			if err := server.letterTo(c.protection, c.user).Send(within(t, 10*time.Second), news(Warning)); err != nil {
				t.Fatal(err)
			}
			d := server.next(t)
			if d.From != "shoebox@example.org" || strings.Join(d.To, " ") != "anna@example.org änn@bücher.example" || d.User != c.user || d.TLS != (c.protection != NoTLS) {
				t.Errorf("%+v", d)
			}
			checkLetter(t, d.Letter)
		})
	}
}

// checkLetter reads a letter as a mail program does.
func checkLetter(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 200 || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("a line of %d bytes: %q", len(line), line[:min(len(line), 200)])
		}
	}
	letter, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil || subject != "1,204 Bilder von 2 Handys sind sicher – größer  Bcc: evil@example.org" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if letter.Header.Get("Bcc") != "" || letter.Header.Get("Date") != "Mon, 02 Nov 2026 04:00:00 +0100" || letter.Header.Get("Auto-Submitted") != "auto-generated" || !strings.HasSuffix(letter.Header.Get("Message-Id"), "@example.org>") {
		t.Errorf("%v", letter.Header)
	}
	if to, err := letter.Header.AddressList("To"); err != nil || len(to) != 2 || to[1].Address != "änn@bücher.example" {
		t.Errorf("to %v, %v", to, err)
	}
	kind, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatal(kind, err)
	}
	parts := multipart.NewReader(letter.Body, params["boundary"])
	for i, want := range []string{news(Warning).Text, news(Warning).HTML} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part) // quoted-printable is undone by it
		if got := strings.ReplaceAll(string(body), "\r\n", "\n"); err != nil || got != want || !strings.HasPrefix(part.Header.Get("Content-Type"), []string{"text/plain", "text/html"}[i]) {
			t.Errorf("part %d: %q, %v", i, got, err)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("more parts: %v", err)
	}
}

// What is refused is told by its number, in our words.
func TestRefusedMail(t *testing.T) {
	server := startMailServer(t, "starttls", "anna")
	good := server.letterTo(StartTLS, "anna")
	wrong, unknown, untrusted, early := good, good, good, good
	wrong.Password = password + "qzv"
	unknown.To = []string{"nobody@example.org"}
	untrusted.Roots = nil
	early.TLS = TLSOnly
	refuse := news(Failure)
	refuse.Text = "refuse this letter"
	for _, c := range []struct {
		what string
		m    Mail
		msg  Message
		want string
	}{
		{"a wrong password", wrong, news(Failure), "log in as the user that is named: the server answered 535 5.7.8"},
		{"nobody", unknown, news(Failure), "send to nobody@example.org: the server answered 550 5.1.1"},
		{"a certificate nobody knows", untrusted, news(Failure), "agree on TLS: tls: failed to verify certificate"},
		{"tls where starttls is meant", early, news(Failure), "agree on TLS"},
		{"a letter they do not like", good, refuse, "send the letter: the server answered 554 5.7.1"},
	} {
		err := c.m.Send(within(t, 10*time.Second), c.msg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		}
		if connectionFailed(err) {
			t.Errorf("%s would be tried again", c.what)
		}
		noSecrets(t, c.m, err)
	}
}

// A password goes over TLS alone, and a server that hides STARTTLS gets nothing.
func TestMailIsNotSentInTheOpen(t *testing.T) {
	server := startMailServer(t, "none", "anna")
	for _, protection := range []TLS{NoTLS, StartTLS} {
		m := server.letterTo(protection, "anna")
		if err := m.Send(within(t, 10*time.Second), news(Success)); err == nil {
			t.Errorf("%s: it was sent", protection)
		}
	}
	if err := server.letterTo(StartTLS, "").Send(within(t, 10*time.Second), news(Success)); err == nil || !strings.Contains(err.Error(), "does not offer STARTTLS") {
		t.Errorf("%v", err)
	}
	var open []byte
	seen := make(chan []byte, 1)
	host := rude(t, func(c net.Conn) { // it takes whatever it gets
		r := bufio.NewReader(c)
		fmt.Fprint(c, "220 hello\r\n")
		for {
			line, err := r.ReadString('\n')
			open = append(open, line...)
			if err != nil || strings.HasPrefix(line, "QUIT") {
				break
			}
			fmt.Fprint(c, "250-hello\r\n250 AUTH PLAIN LOGIN\r\n")
		}
		seen <- open
	})
	m := server.letterTo(StartTLS, "anna")
	m.Host, m.Port, _ = net.SplitHostPort(host)
	if err := m.Send(within(t, 10*time.Second), news(Success)); err == nil {
		t.Error("it was sent")
	}
	if all := string(<-seen); strings.Contains(all, "AUTH") || strings.Contains(all, "MAIL") {
		t.Errorf("it was told %q", all)
	}
}

func TestHostileMailServers(t *testing.T) {
	server, roots, _, _ := certificate(t)
	secure := func(do func(net.Conn)) func(net.Conn) {
		return func(c net.Conn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{server}})
			do(s)
			_ = s.Close()
		}
	}
	// script answers line by line, and closes the connection.
	script := func(greeting string, answers ...string) func(net.Conn) {
		return secure(func(c net.Conn) {
			r := bufio.NewReader(c)
			fmt.Fprint(c, greeting)
			for _, a := range answers {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
				fmt.Fprint(c, a)
			}
		})
	}
	const ehlo = "250-x\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN\r\n"
	for name, do := range map[string]func(net.Conn){
		"no TLS":                 func(c net.Conn) { fmt.Fprint(c, "220 "+password+"\r\n"); readLine(c) },
		"never agrees":           func(net.Conn) { time.Sleep(time.Second) },
		"closes while it agrees": func(c net.Conn) { _, _ = io.CopyN(io.Discard, c, 30) },
		"never greets":           secure(func(net.Conn) { time.Sleep(time.Second) }),
		"closes at once":         script(""),
		"greets for ever":        secure(func(c net.Conn) { forever(c, "220-hello\r\n") }),
		"greets in one line":     secure(func(c net.Conn) { forever(c, "220 hello") }),
		"garbage":                script("\xff\x00 " + password + "\r\n"),
		"says no":                script("554 " + password + "\r\n"),
		"cannot say hello":       script("220 x\r\n", "500 "+password+"\r\n", "500 "+password+"\r\n"),
		"extensions for ever":    secure(func(c net.Conn) { fmt.Fprint(c, "220 x\r\n"); readLine(c); forever(c, "250-MORE\r\n") }),
		"no way to log in":       script("220 x\r\n", "250-x\r\n250 AUTH GSSAPI XOAUTH2\r\n"),
		"echo in base64":         script("220 x\r\n", ehlo, "535 5.7.8 AHF6dgBxenYgcGFzcw== "+password+"\r\n"),
		"asks for more":          script("220 x\r\n", ehlo, "334 cGFzc3dvcmQ=\r\n", "501 "+password+"\r\n"),
		"asks in no base64":      script("220 x\r\n", ehlo, "334 *** "+password+"\r\n", "501 "+password+"\r\n"),
		"refuses the sender":     script("220 x\r\n", ehlo, "235 ok\r\n", "550 "+password+"\r\n"),
		"closes before the data": script("220 x\r\n", ehlo, "235 ok\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n"),
		"refuses data":           script("220 x\r\n", ehlo, "235 ok\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "451 4.3.0 "+password+"\r\n"),
		"closes in the letter":   script("220 x\r\n", ehlo, "235 ok\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go on\r\n"),
		"never takes the letter": secure(func(c net.Conn) {
			r := bufio.NewReader(c)
			for _, a := range []string{"220 x\r\n", ehlo, "235 ok\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go on\r\n"} {
				fmt.Fprint(c, a)
				_, _ = r.ReadString('\n')
			}
			_, _ = io.Copy(io.Discard, r)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, port, err := net.SplitHostPort(rude(t, do))
			if err != nil {
				t.Fatal(err)
			}
			m := Mail{From: "a@example.org", To: []string{"b@example.org", "c@example.org"}, Host: host, Port: port, TLS: TLSOnly, User: "anna", Password: password, Roots: roots}
			err = m.Send(soon(t), news(Failure))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			t.Log(err)
			noSecrets(t, m, err)
		})
	}
}

// A letter that may have been taken is not sent twice.
func TestLetterComesOnce(t *testing.T) {
	server, roots, _, _ := certificate(t)
	tries := make(chan string, 10)
	host, port, err := net.SplitHostPort(rude(t, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{server}})
		r := bufio.NewReader(s)
		fmt.Fprint(s, "220 x\r\n")
		for _, answer := range []string{"250 x\r\n", "250 ok\r\n", "250 ok\r\n", "354 go on\r\n"} {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
			fmt.Fprint(s, answer)
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil || line == ".\r\n" {
				break
			}
		}
		tries <- "taken" // and the connection breaks
	}))
	if err != nil {
		t.Fatal(err)
	}
	m := Mail{From: "a@example.org", To: []string{"b@example.org"}, Host: host, Port: port, TLS: TLSOnly, Roots: roots}
	err = all(t.Context(), []Sender{m}, news(Failure), 3*time.Second, time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "not known whether it was taken") || len(tries) != 1 {
		t.Errorf("taken %d times: %v", len(tries), err)
	}
}

// No address can add a header, a command or a parameter.
func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "anna", "@example.org", "anna@", "a b@example.org", "a@b\r\nBcc: c@d", "a@b> SIZE=1", "<a@b>", `"a> X"@b.org`, "a,b@c", "a@b@c", "a@b\x00", "a@[1.2.3.4", strings.Repeat("a", 400) + "@b"} {
		m := Mail{From: "a@example.org", To: []string{bad}, Host: "127.0.0.1", Port: "1", TLS: NoTLS}
		if err := m.Send(soon(t), news(Success)); err == nil || !strings.Contains(err.Error(), "an address is not like") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"anna@example.org", "a.b+c@x", "o'neill_{1}@mail.example.co.uk", "änn@bücher.example", "root@localhost"} {
		if err := (Mail{From: good, To: []string{good}, Host: "h"}).filled().check(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
