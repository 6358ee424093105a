package post

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// request is one as a server got it.
type request struct {
	path, query, body string
	header            http.Header
}

// inbox is a real server that keeps what it gets.
func inbox(t testing.TB, secure bool) (url string, got func() []request, m *httptest.Server) {
	t.Helper()
	var mu sync.Mutex
	var all []request
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			all = append(all, request{r.URL.Path, r.URL.RawQuery, string(body), r.Header})
		}
	})
	m = httptest.NewUnstartedServer(handler)
	m.Config.ErrorLog = log.New(io.Discard, "", 0) // a certificate that is refused
	if secure {
		m.StartTLS()
	} else {
		m.Start()
	}
	t.Cleanup(m.Close)
	return m.URL, func() []request { mu.Lock(); defer mu.Unlock(); return all }, m
}

func TestNtfy(t *testing.T) {
	url, got, _ := inbox(t, false)
	s := Ntfy{URL: Secret(url + "/" + topic), Token: token}
	for _, kind := range []Kind{Start, Success, Warning, Failure} {
		if err := s.Send(t.Context(), news(kind)); err != nil {
			t.Fatal(err)
		}
	}
	all := got()
	if len(all) != 3 {
		t.Fatalf("%d messages came; of a start nobody wants to know", len(all))
	}
	for i, priority := range []string{"low", "high", "urgent"} {
		r := all[i]
		title, err := new(mime.WordDecoder).DecodeHeader(r.header.Get("Title"))
		if err != nil || title != "1,204 Bilder von 2 Handys sind sicher – größer  Bcc: evil@example.org" {
			t.Errorf("title %q, %v", title, err)
		}
		if r.path != "/"+topic || r.header.Get("Priority") != priority || r.header.Get("Tags") == "" || r.header.Get("Authorization") != "Bearer "+token || r.body != news(Success).Text || r.header.Get("Bcc") != "" {
			t.Errorf("%+v", r)
		}
	}
	long := news(Success)
	long.Text = strings.Repeat("ä", 5000)
	if err := s.Send(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	if body := got()[3].body; len(body) > ntfyMost || !strings.HasSuffix(body, "ä\n…") {
		t.Errorf("a long text comes as %d bytes", len(body))
	}
}

func TestWebhook(t *testing.T) {
	url, got, server := inbox(t, true)
	s := Webhook{URL: Secret(url + "/hook/" + topic + "?key=" + token), Token: token, Roots: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	if err := s.Send(t.Context(), news(Warning)); err != nil {
		t.Fatal(err)
	}
	var body struct {
		Kind, Subject, Text string
		Report              map[string]string
	}
	r := got()[0]
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatal(err)
	}
	if body.Kind != "warning" || body.Subject != news(Warning).Subject || body.Text != news(Warning).Text || body.Report["made"] == "" || r.query != "key="+token {
		t.Errorf("%+v", r)
	}
	s.Roots = nil
	if err := s.Send(t.Context(), news(Warning)); err == nil || len(got()) != 1 {
		t.Errorf("a certificate nobody knows is taken: %v", err)
	}
	if err := s.Send(t.Context(), Message{Kind: Success, JSON: []byte("{")}); err == nil {
		t.Error("broken JSON is sent")
	}
}

func TestPing(t *testing.T) {
	url, got, _ := inbox(t, false)
	s := Ping{URL: Secret(url + "/" + topic + "/?rid=1")}
	for _, kind := range []Kind{Start, Success, Warning, Failure} {
		if err := s.Send(t.Context(), news(kind)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"/start", "/", "/", "/fail"} {
		if r := got()[i]; r.path != "/"+topic+want || r.query != "rid=1" || !strings.Contains(r.body, "First line.") {
			t.Errorf("%+v, want %s", r, want)
		}
	}
}

// webSenders all speak HTTP with one address, which holds a secret.
func webSenders(address string) []Sender {
	return []Sender{Ntfy{URL: Secret(address)}, Webhook{URL: Secret(address)}, Ping{URL: Secret(address)}, Ntfy{URL: Secret(address), Token: token}, Webhook{URL: Secret(address), Token: token}}
}

// What a server says out of turn is not heard before something was said to it: net/http would print it.
func TestPolite(t *testing.T) {
	host := rude(t, func(c net.Conn) { _, _ = io.WriteString(c, topic); readLine(c) })
	for _, end := range []func(net.Conn){func(c net.Conn) { _, _ = io.WriteString(c, "hello\n") }, func(c net.Conn) { _ = c.Close() }} {
		conn, err := politely(net.Dial("tcp", host))
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan string)
		go func() {
			b := make([]byte, 100)
			n, _ := conn.Read(b)
			heard <- string(b[:n])
		}()
		select {
		case early := <-heard:
			t.Errorf("%q was heard out of turn", early)
		case <-time.After(100 * time.Millisecond):
			end(conn)
			<-heard
		}
		_ = conn.Close()
	}
}

// Whatever a server does, sending ends, soon and in little memory, with an error that tells no secret.
func TestHostileWebServers(t *testing.T) {
	answer := func(text string) func(net.Conn) {
		return func(c net.Conn) { readLine(c); _, _ = io.WriteString(c, text) }
	}
	for name, do := range map[string]func(net.Conn){
		"never answers":     func(c net.Conn) { time.Sleep(time.Second) },
		"closes at once":    func(net.Conn) {},
		"closes later":      readLine,
		"garbage":           answer("\x00\xff\x16\x03garbage secret " + topic + "\r\n\r\n"),
		"endless garbage":   func(c net.Conn) { forever(c, "garbage") },
		"endless line":      func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 "); forever(c, "OK") },
		"endless headers":   func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"); forever(c, "X-More: and more\r\n") },
		"endless 103":       func(c net.Conn) { forever(c, "HTTP/1.1 103 Early Hints\r\n\r\n") },
		"500 with echo":     answer("HTTP/1.1 500 " + topic + " " + token + "\r\nContent-Length: 6\r\n\r\nsecret"),
		"401":               answer("HTTP/1.1 401 " + topic + "\r\nWWW-Authenticate: Basic realm=" + topic + "\r\n\r\n"),
		"bad status":        answer("HTTP/1.1 " + topic + " OK\r\n\r\n"),
		"bad header":        answer("HTTP/1.1 200 OK\r\n" + topic + "\r\n\r\n"),
		"bad length":        answer("HTTP/1.1 200 OK\r\nContent-Length: " + topic + "\r\n\r\n"),
		"redirect nowhere":  answer("HTTP/1.1 307 Go\r\n\r\n"),
		"redirect to bytes": answer("HTTP/1.1 307 Go\r\nLocation: ://" + topic + "\x7f%zz\r\n\r\n"),
		"redirect to self":  answer("HTTP/1.1 307 Go\r\nLocation: /" + topic + "\r\n\r\n"),
		"redirect to GET":   answer("HTTP/1.1 302 Go\r\nLocation: /" + topic + "\r\n\r\n"),
		"redirect away":     answer("HTTP/1.1 307 Go\r\nLocation: http://localhost.example.org/" + topic + "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := rude(t, do)
			var all sync.WaitGroup
			for _, s := range webSenders("http://" + host + "/" + topic) {
				all.Go(func() {
					err := s.Send(soon(t), news(Failure))
					if !errors.As(err, new(*Error)) {
						t.Errorf("%v: %v", s, err)
					}
					noSecrets(t, s, err)
				})
			}
			all.Wait()
		})
	}
}

// A body without end is not read: the status was all.
func TestEndlessBody(t *testing.T) {
	host := rude(t, func(c net.Conn) {
		readLine(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		forever(c, "more")
	})
	for _, s := range webSenders("http://" + host + "/" + topic) {
		if err := s.Send(within(t, 10*time.Second), news(Failure)); err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
}

// A server that ends in the middle of agreeing on TLS, or speaks none.
func TestBrokenTLS(t *testing.T) {
	server, _, _, _ := certificate(t)
	for name, do := range map[string]func(net.Conn){
		"closes":    func(c net.Conn) { _, _ = io.CopyN(io.Discard, c, 20) },
		"plain":     func(c net.Conn) { readLine(c); _, _ = io.WriteString(c, "HTTP/1.1 400 "+topic+"\r\n\r\n") },
		"untrusted": func(c net.Conn) { _ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{server}}).Handshake() },
		"half of it": func(c net.Conn) {
			_, _ = io.CopyN(io.Discard, c, 100)
			_, _ = c.Write([]byte{22, 3, 3, 0, 200, 2, 0})
		},
	} {
		host := rude(t, do)
		for _, s := range webSenders("https://" + host + "/" + topic) {
			err := s.Send(soon(t), news(Failure))
			if err == nil {
				t.Errorf("%s: %v got it", name, s)
			}
			noSecrets(t, s, err)
		}
	}
}

// A redirect within the host keeps the message and tells nobody where it came from.
func TestRedirect(t *testing.T) {
	var got atomic.Pointer[http.Request]
	var body atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/"+topic {
			http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
			return
		}
		text, _ := io.ReadAll(r.Body)
		all := string(text)
		body.Store(&all)
		got.Store(r)
	}))
	defer server.Close()
	if err := (Ntfy{URL: Secret(server.URL + "/" + topic)}).Send(t.Context(), news(Success)); err != nil {
		t.Fatal(err)
	}
	if r := got.Load(); r == nil || r.Method != http.MethodPost || r.Header.Get("Referer") != "" || *body.Load() != news(Success).Text {
		t.Errorf("%+v", r)
	}
}

func TestTokensStayOffOpenWires(t *testing.T) {
	for _, s := range []Sender{Ntfy{URL: "http://ntfy.example.org/t", Token: token}, Webhook{URL: "http://example.org/t", Token: token}, Webhook{URL: "http://u:" + topic + "@example.org/t"}} {
		err := s.Send(t.Context(), news(Success))
		if err == nil || !strings.Contains(err.Error(), "https alone") {
			t.Errorf("%v: %v", s, err)
		}
		noSecrets(t, s, err)
	}
	for _, s := range webSenders("ftp://example.org/" + topic) {
		err := s.Send(t.Context(), news(Success))
		if err == nil {
			t.Errorf("%v sends by ftp", s)
		}
		noSecrets(t, s, err)
	}
}

func TestAll(t *testing.T) {
	url, got, _ := inbox(t, false)
	var tries atomic.Int32
	flaky := rude(t, func(c net.Conn) {
		if tries.Add(1) == 1 {
			return
		}
		readLine(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	var refused atomic.Int32
	no := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refused.Add(1); w.WriteHeader(403) }))
	defer no.Close()
	slow := rude(t, func(c net.Conn) { time.Sleep(5 * time.Second) })
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	senders := []Sender{Ntfy{URL: Secret(url + "/a")}, Ping{URL: Secret("http://" + flaky + "/" + topic)}, Webhook{URL: Secret(no.URL + "/" + topic)}, Ping{URL: Secret("http://" + slow + "/" + topic)}, Desktop{}}
	start := time.Now()
	err := all(t.Context(), senders, news(Success), time.Second, 10*time.Millisecond)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("side by side they took %v", took)
	}
	if len(got()) != 1 || tries.Load() != 2 || refused.Load() != 1 {
		t.Errorf("%d came, %d tries at the one that failed once, %d at the one that says no", len(got()), tries.Load(), refused.Load())
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 2 || !strings.Contains(lines[0], "403 Forbidden") || !strings.Contains(lines[1], "did not answer in time") {
		t.Errorf("%v", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("the end of the time cannot be told")
	}
	noSecrets(t, senders[1], err)
	if err := All(t.Context(), nil, news(Success)); err != nil {
		t.Error(err)
	}
}
