package gate_test

import (
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
	o.Pause = 10 * time.Millisecond
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

// TestMatrix tries every mixture of host, origin, site and method, each with and without the cookie. What must happen is written down as
// rules, apart from those of the code.
func TestMatrix(t *testing.T) {
	g, h := newGate(gate.Options{})
	cookie := cookieOf(t, enter(h, url.Values{"token": {g.Token()}}))
	hosts := []string{host, "localhost:8123", "127.0.0.1", "127.0.0.1:9999", "evil.example:8123", "127.0.0.1:8123.evil.example", ""}
	origins := []string{"", "own", "null", "http://evil.example", "https://" + host}
	sites := []string{"", "same-origin", "none", "same-site", "cross-site"}
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}
	tried, let := 0, 0
	for _, host := range hosts {
		for _, origin := range origins {
			for _, site := range sites {
				for _, method := range methods {
					for _, known := range []bool{true, false} {
						r := httptest.NewRequest(method, "/picture/1", nil)
						r.Host = host
						if origin == "own" {
							r.Header.Set("Origin", "http://"+host)
						} else if origin != "" {
							r.Header.Set("Origin", origin)
						}
						if site != "" {
							r.Header.Set("Sec-Fetch-Site", site)
						}
						if known {
							r.AddCookie(cookie)
						}
						w := httptest.NewRecorder()
						h.ServeHTTP(w, r)
						goodHost := host == hosts[0] || host == hosts[1]
						goodOrigin := origin == "" || origin == "own" || origin == "null" && site == "same-origin" // the last is a form of our own page
						reading := (method == "GET" || method == "HEAD") && goodOrigin && (site == "" || site == "same-origin" || site == "none")
						writing := method == "POST" && goodOrigin && (site == "same-origin" || site == "" && origin == "own")
						want := known && goodHost && (reading || writing)
						tried++
						if got := w.Body.String() == "secret"; got != want {
							t.Errorf("host %q, origin %q, site %q, %s, cookie %v: %d %s", host, origin, site, method, known, w.Code, w.Body)
						}
						if want {
							let++
						} else if w.Code < 400 || w.Header().Get("Changed") != "" {
							t.Errorf("host %q, origin %q, site %q, %s, cookie %v: refused with %d", host, origin, site, method, known, w.Code)
						}
						if w.Header().Get("Content-Security-Policy") != gate.Policy || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") != "no-referrer" {
							t.Fatalf("headers are missing: %v", w.Header())
						}
						if h := w.Header().Get("Access-Control-Allow-Origin"); h != "" {
							t.Fatalf("lets %s in", h)
						}
					}
				}
			}
		}
	}
	t.Logf("%d mixtures tried, %d let through", tried, let)
	if tried < 200 || let == 0 {
		t.Errorf("%d tried, %d let through", tried, let)
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
