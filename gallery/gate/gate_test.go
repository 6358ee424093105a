package gate_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"shoebox/gallery/gate"
)

const host = "127.0.0.1:8123"

func secret(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		w.Header().Set("Changed", "yes")
	}
	fmt.Fprint(w, "secret")
}

func door(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprint(w, "door")
}

func newGate(o gate.Options) (*gate.Gate, http.Handler) {
	o.Hosts, o.Cookie, o.Door = []string{host, "localhost:8123"}, "shoebox-8123", http.HandlerFunc(door)
	o.Open = []string{"/static/"}
	o.Pause = cmp.Or(o.Pause, 10*time.Millisecond)
	g := gate.New(o)
	return g, g.Guard(http.HandlerFunc(secret))
}

// enter goes through the door with a form.
func enter(h http.Handler, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/enter", strings.NewReader(form.Encode()))
	r.Host = host
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://"+host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func cookieOf(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	all := w.Result().Cookies()
	if w.Code != http.StatusNoContent || len(all) != 1 {
		t.Fatalf("enter: %d %s", w.Code, w.Body)
	}
	return all[0]
}

// mixture is one way to ask.
type mixture struct{ host, origin, site, method string }

// mixtures are every mixture of host, origin, site and method.
func mixtures(yield func(mixture) bool) {
	for _, h := range []string{host, "localhost:8123", "127.0.0.1", "127.0.0.1:9999", "evil.example:8123", "127.0.0.1:8123.evil.example", ""} {
		for _, origin := range []string{"", "own", "null", "http://evil.example", "https://" + host} {
			for _, site := range []string{"", "same-origin", "none", "same-site", "cross-site"} {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
					if !yield(mixture{h, origin, site, method}) {
						return
					}
				}
			}
		}
	}
}

func (m mixture) request(path string) *http.Request {
	r := httptest.NewRequest(m.method, path, nil)
	r.Host = m.host
	if m.origin == "own" {
		r.Header.Set("Origin", "http://"+m.host)
	} else if m.origin != "" {
		r.Header.Set("Origin", m.origin)
	}
	if m.site != "" {
		r.Header.Set("Sec-Fetch-Site", m.site)
	}
	return r
}

// lets says what must happen with the key: rules that are written down apart from those of the code.
func (m mixture) lets() (reading, writing bool) {
	goodHost := m.host == host || m.host == "localhost:8123"
	goodOrigin := m.origin == "" || m.origin == "own" || m.origin == "null" && m.site == "same-origin" // the last is a form of our own page
	reading = (m.method == "GET" || m.method == "HEAD") && (m.site == "" || m.site == "same-origin" || m.site == "none")
	writing = m.method == "POST" && (m.site == "same-origin" || m.site == "" && m.origin == "own")
	return goodHost && goodOrigin && reading, goodHost && goodOrigin && writing
}

// tally asks and holds what comes back against what must.
func tally(t *testing.T, h http.Handler, r *http.Request, want bool, what string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got := w.Body.String() == "secret"; got != want {
		t.Errorf("%s: %d %s", what, w.Code, w.Body)
	}
	if !want && (w.Code < 400 || w.Header().Get("Changed") != "") {
		t.Errorf("%s: refused with %d", what, w.Code)
	}
	if w.Header().Get("Content-Security-Policy") != gate.Policy || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%s: headers are missing: %v", what, w.Header())
	}
	if h := w.Header().Get("Access-Control-Allow-Origin"); h != "" {
		t.Fatalf("%s: lets %s in", what, h)
	}
}

// TestMatrix tries every mixture of host, origin, site and method, each with and without the cookie.
func TestMatrix(t *testing.T) {
	g, h := newGate(gate.Options{})
	cookie := cookieOf(t, enter(h, url.Values{"token": {g.Token()}}))
	tried, let := 0, 0
	for m := range mixtures {
		for _, known := range []bool{true, false} {
			r := m.request("/picture/1")
			if known {
				r.AddCookie(cookie)
			}
			reading, writing := m.lets()
			want := known && (reading || writing)
			tally(t, h, r, want, fmt.Sprintf("%+v, cookie %v", m, known))
			if tried++; want {
				let++
			}
		}
	}
	t.Logf("%d mixtures tried, %d let through", tried, let)
	if tried < 200 || let == 0 {
		t.Errorf("%d tried, %d let through", tried, let)
	}
}

// TestMatrixOfPrograms tries every mixture at a path that is for programs: it is read without the cookie, nothing is changed there with it, and a gate
// that has a password asks for it.
func TestMatrixOfPrograms(t *testing.T) {
	tried, let := 0, 0
	for _, password := range []string{"", "of the gallery"} {
		g, h := newGate(gate.Options{Password: password, Programs: []string{"/metrics"}})
		cookie := cookieOf(t, enter(h, url.Values{"token": {g.Token()}}))
		for m := range mixtures {
			for _, given := range []string{"", "right", "cookie"} {
				r := m.request("/metrics")
				switch given {
				case "right":
					r.SetBasicAuth("prometheus", "of the gallery")
				case "cookie":
					r.AddCookie(cookie)
				}
				reading, _ := m.lets()
				want := reading && (password == "" || given != "")
				tally(t, h, r, want, fmt.Sprintf("%+v, password %q, given %q", m, password, given))
				if tried++; want {
					let++
				}
			}
		}
	}
	t.Logf("%d mixtures tried, %d let through", tried, let)
	if tried < 200 || let == 0 {
		t.Errorf("%d tried, %d let through", tried, let)
	}
}

// A program that has no password, or a wrong one, is told what is wanted; and the path beside the one that is for programs is not.
func TestProgramsArePaths(t *testing.T) {
	_, h := newGate(gate.Options{Password: "of the gallery", Programs: []string{"/metrics"}})
	ask := func(path, password string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = host
		if password != "" {
			r.SetBasicAuth("", password)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, password := range []string{"", "wrong", "of the gallery "} {
		if w := ask("/metrics", password); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("password %q: %d %v", password, w.Code, w.Header())
		}
	}
	for _, path := range []string{"/metrics/", "/metrics/x", "/metric", "/Metrics", "/picture/1", "//metrics"} {
		if w := ask(path, "of the gallery"); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestTokenOpensOnce(t *testing.T) {
	g, h := newGate(gate.Options{})
	token := g.Token()
	c := cookieOf(t, enter(h, url.Values{"token": {token}}))
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || c.Path != "/" || c.MaxAge != 0 {
		t.Errorf("the cookie is %v", c)
	}
	for _, wrong := range []string{token, "", "x", strings.Repeat("A", 52)} {
		if w := enter(h, url.Values{"token": {wrong}}); w.Code != http.StatusForbidden || len(w.Result().Cookies()) != 0 {
			t.Errorf("token %q: %d", wrong, w.Code)
		}
	}
	if w := enter(h, url.Values{"password": {""}}); w.Code != http.StatusForbidden {
		t.Errorf("no password opened a gate without one: %d", w.Code)
	}
}

func TestPassword(t *testing.T) {
	_, h := newGate(gate.Options{Password: "of the gallery", TLS: true})
	post := func(password string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/enter", strings.NewReader(url.Values{"password": {password}}.Encode()))
		r.Host = host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://"+host)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := post("wrong"); w.Code != http.StatusForbidden {
		t.Errorf("wrong password: %d", w.Code)
	}
	if w := post(""); w.Code != http.StatusForbidden {
		t.Errorf("no password: %d", w.Code)
	}
	w := post("of the gallery")
	if c := cookieOf(t, w); !c.Secure {
		t.Errorf("the cookie is %v", c)
	}
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("nothing says that TLS must stay")
	}
}

// Who guesses and leaves before the answer does not guess any faster, and who leaves while others guess is not kept.
func TestGuessingTakesTime(t *testing.T) {
	const pause = 300 * time.Millisecond
	_, h := newGate(gate.Options{Password: "of the gallery", Programs: []string{"/metrics"}, Pause: pause})
	ask := func(password string, patience time.Duration) int {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "GET", "/metrics", nil)
		r.Host = host
		r.SetBasicAuth("", password)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	began := time.Now()
	if code := ask("wrong", time.Millisecond); code != http.StatusUnauthorized || time.Since(began) < pause {
		t.Errorf("a guesser who left was told %d after %v", code, time.Since(began))
	}
	guessing := make(chan int)
	go func() { guessing <- ask("wrong", time.Minute) }()
	time.Sleep(pause / 10) // it is being looked at
	began = time.Now()
	if code := ask("of the gallery", time.Millisecond); code != http.StatusUnauthorized || time.Since(began) > pause/2 {
		t.Errorf("who left while another guessed was told %d after %v", code, time.Since(began))
	}
	if code := ask("of the gallery", time.Minute); code != http.StatusOK {
		t.Errorf("the right password: %d", code)
	}
	<-guessing
}

func TestLimits(t *testing.T) {
	g, _ := newGate(gate.Options{})
	var ranges string
	var read error
	h := g.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ranges = r.Header.Get("Range")
		_, read = r.Body.Read(make([]byte, 1))
		for read == nil {
			_, read = r.Body.Read(make([]byte, 1<<16))
		}
	}))
	c := cookieOf(t, enter(h, url.Values{"token": {g.Token()}}))
	ask := func(method, path string, body string, header ...string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Host = host
		r.Header.Set("Origin", "http://"+host)
		r.AddCookie(c)
		if len(header) == 2 {
			r.Header.Set(header[0], header[1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	ask("GET", "/", "", "Range", "bytes=0-1")
	if ranges != "bytes=0-1" {
		t.Errorf("one range became %q", ranges)
	}
	ask("GET", "/", "", "Range", "bytes=0-1,"+strings.Repeat("0-,", 100)+"5-6")
	if ranges != "" {
		t.Errorf("many ranges became %q", ranges)
	}
	ask("POST", "/zip", strings.Repeat("x", 5<<20))
	if tooLong := (*http.MaxBytesError)(nil); !asMaxBytes(read, &tooLong) {
		t.Errorf("a long body: %v", read)
	}
	if code := ask("GET", "/"+strings.Repeat("x", 5000), ""); code != http.StatusRequestURITooLong {
		t.Errorf("a long path: %d", code)
	}
}

func asMaxBytes(err error, to **http.MaxBytesError) bool {
	e, ok := err.(*http.MaxBytesError)
	*to = e
	return ok
}

// Whoever has no cookie sees the door, and a page of the web that links here leads to it.
func TestDoor(t *testing.T) {
	g, h := newGate(gate.Options{})
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = host
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := get("/", "Accept", "text/html", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"); w.Body.String() != "door" {
		t.Errorf("a link from elsewhere: %d %s", w.Code, w.Body)
	}
	if w := get("/picture/1", "Accept", "text/html", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"); w.Code != http.StatusForbidden {
		t.Errorf("a link into the gallery from elsewhere: %d", w.Code)
	}
	if w := get("/static/a.js"); w.Code != http.StatusOK {
		t.Errorf("what is open: %d", w.Code)
	}
	if w := get("/thumb/1", "Accept", "image/*"); w.Code != http.StatusUnauthorized || w.Body.String() == "door" {
		t.Errorf("a picture without the cookie: %d %s", w.Code, w.Body)
	}
	for range 40 { // the first cookies go
		cookieOf(t, enter(h, url.Values{"token": {g.Token()}}))
	}
}
