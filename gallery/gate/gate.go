// Package gate stands before a server on this machine and decides who may speak with it: requests to the right address, from its own
// pages, by somebody who was given the key. It does not know what lies behind it.
//
// A page of the web that a person happens to look at can make their browser send requests to any address, this machine's included, and
// with a name server of its own it can pass for the same site (DNS rebinding). So every request is held against a list of addresses before
// anything else; what changes something must come from a page of the gate's own address; and everything but the door itself needs a cookie that only
// a one-time token, or the password, gives.
package gate

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say whom a gate lets in. Hosts must be given.
type Options struct {
	Hosts    []string      // exactly what requests may name as their host, such as "127.0.0.1:8080"
	Cookie   string        // name of the cookie; cookies are shared by all ports of a machine, so it should name the port
	TLS      bool          // requests come over TLS: the cookie is sent over nothing else
	Password string        // opens the gate too, any number of times; "" for tokens alone
	Open     []string      // paths that need no cookie, or beginnings of paths that end in "/"; "/enter" is the door itself
	Programs []string      // exact paths that need no cookie, for programs: they are only read, and where there is a Password they need it (RFC 7617)
	Door     http.Handler  // shown to whoever has no cookie
	MaxBody  int64         // bytes of a request; 0 for 4 MiB
	Pause    time.Duration // after a wrong password; 0 for a second
}

// Gate lets requests through to a handler. It may be used by many goroutines at once.
type Gate struct {
	o       Options
	origins http.CrossOriginProtection
	secret  [32]byte // salts the hash of the password, so that comparing tells nothing of it

	mu       sync.Mutex
	tokens   map[string]bool // hashes of tokens that were given out and not used
	sessions []string        // hashes of cookies, oldest first
	knocking chan struct{}   // one password at a time
}

const maxSessions, maxTokens = 32, 32

// New makes a gate.
func New(o Options) *Gate {
	if o.MaxBody == 0 {
		o.MaxBody = 4 << 20
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	g := &Gate{o: o, tokens: make(map[string]bool), knocking: make(chan struct{}, 1)}
	rand.Read(g.secret[:]) // never fails, says crypto/rand
	return g
}

// Token gives a token that opens the gate once.
func (g *Gate) Token() string {
	token := rand.Text() + rand.Text() // 260 bits
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.tokens) >= maxTokens {
		clear(g.tokens)
	}
	g.tokens[hash(token)] = true
	return token
}

// hash is what is kept of a secret. Looking up a hash tells nothing of the secret by the time it takes.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Guard puts the gate before a handler.
func (g *Gate) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header(), g.o.TLS)
		if status, why := g.refuse(r); status != 0 {
			http.Error(w, why, status)
			return
		}
		if err := g.origins.Check(r); err != nil {
			http.Error(w, "this request comes from another site", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, g.o.MaxBody)
		oneRange(r)
		switch {
		case r.URL.Path == "/enter":
			g.enter(w, r)
		case g.open(r.URL.Path) || g.known(r):
			next.ServeHTTP(w, r)
		case g.forPrograms(r.URL.Path):
			g.program(w, r, next)
		default:
			g.door(w, r)
		}
	})
}

// refuse tells what is wrong with a request before anything of it is believed.
func (g *Gate) refuse(r *http.Request) (status int, why string) {
	site := r.Header.Get("Sec-Fetch-Site")
	ours := site == "same-origin"
	switch {
	case !slices.Contains(g.o.Hosts, r.Host):
		return http.StatusMisdirectedRequest, "the gallery is not reached by this name: open the address that shoebox serve printed"
	case r.Method != http.MethodGet && r.Method != http.MethodHead && (r.Method != http.MethodPost || g.forPrograms(r.URL.Path)):
		return http.StatusMethodNotAllowed, "this is not done here"
	case !g.ownOrigin(r):
		return http.StatusForbidden, "this request comes from another site"
	case r.Method == http.MethodPost && !ours && (site != "" || r.Header.Get("Origin") == ""):
		return http.StatusForbidden, "this request does not come from a page of the gallery"
	case !ours && site != "" && site != "none" && !visit(r):
		return http.StatusForbidden, "this request comes from another site"
	case len(r.URL.Path) > 4096 || len(r.URL.RawQuery) > 8192:
		return http.StatusRequestURITooLong, "the address is too long"
	}
	return 0, ""
}

// ownOrigin tells whether a request names no origin, or the gate's own. A form of a page that sends no referrer names the origin "null"; the
// browser then vouches for it in another header, which no page can set.
func (g *Gate) ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || origin == "null" && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return true
	}
	scheme := "http://"
	if g.o.TLS {
		scheme = "https://"
	}
	host, ok := strings.CutPrefix(origin, scheme)
	return ok && host == r.Host
}

// visit tells whether a person followed a link from another site to the first page. The cookie is not sent then, so they see the door.
func visit(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

func (g *Gate) open(path string) bool {
	return slices.ContainsFunc(g.o.Open, func(o string) bool { return path == o || strings.HasSuffix(o, "/") && strings.HasPrefix(path, o) })
}

func (g *Gate) forPrograms(path string) bool { return slices.Contains(g.o.Programs, path) }

// program lets through who needs no password, or brings it as a program does: with each request, as HTTP basic authentication.
func (g *Gate) program(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if _, password, _ := r.BasicAuth(); g.o.Password == "" || g.guessed(r, password) {
		next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="shoebox", charset="UTF-8"`)
	http.Error(w, "this needs the password of the gallery, as HTTP basic authentication; the name does not matter", http.StatusUnauthorized)
}

// known tells whether a request brings the cookie.
func (g *Gate) known(r *http.Request) bool {
	c, err := r.Cookie(g.o.Cookie)
	if err != nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.sessions, hash(c.Value))
}

// oneRange takes a request for many ranges at once as one for everything: a few bytes of header could ask for gigabytes.
func oneRange(r *http.Request) {
	if strings.Contains(r.Header.Get("Range"), ",") || len(r.Header.Values("Range")) > 1 {
		r.Header.Del("Range")
	}
}

// enter turns a token, or the password, into a cookie.
func (g *Gate) enter(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "this is not a key", http.StatusBadRequest)
		return
	}
	if !g.redeem(r.PostForm.Get("token")) && !g.guessed(r, r.PostForm.Get("password")) {
		http.Error(w, "this key does not open the gallery: it was used before, or is of an earlier run", http.StatusForbidden)
		return
	}
	http.SetCookie(w, g.admit())
	w.WriteHeader(http.StatusNoContent)
}

// redeem uses up a token.
func (g *Gate) redeem(token string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	ok := token != "" && g.tokens[hash(token)]
	delete(g.tokens, hash(token))
	return ok
}

// guessed tells whether a password is the right one. They are looked at one after the other, and the next waits after a wrong one; who leaves while
// it waits is not looked at.
func (g *Gate) guessed(r *http.Request, password string) bool {
	if g.o.Password == "" || password == "" {
		return false
	}
	select {
	case g.knocking <- struct{}{}:
		defer func() { <-g.knocking }()
	case <-r.Context().Done():
		return false
	}
	salt := string(g.secret[:])
	if subtle.ConstantTimeCompare([]byte(hash(salt+password)), []byte(hash(salt+g.o.Password))) == 1 {
		return true
	}
	time.Sleep(g.o.Pause) // to its end, also when the guesser leaves: no answer is an answer
	return false
}

// admit makes a cookie. The oldest goes when there are too many.
func (g *Gate) admit() *http.Cookie {
	value := rand.Text() + rand.Text()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions = append(g.sessions, hash(value))
	if len(g.sessions) > maxSessions {
		g.sessions = slices.Delete(g.sessions, 0, 1)
	}
	return &http.Cookie{Name: g.o.Cookie, Value: value, Path: "/", HttpOnly: true, Secure: g.o.TLS, SameSite: http.SameSiteStrictMode}
}

func (g *Gate) door(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || g.o.Door == nil || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Error(w, "open the gallery with the address that shoebox serve printed", http.StatusUnauthorized)
		return
	}
	g.o.Door.ServeHTTP(w, r)
}

// Policy is what pages may load: their own scripts, styles and pictures, and nothing from anywhere else.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func setHeaders(h http.Header, tls bool) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store") // what was sealed shall not lie open in the browser's cache
	if tls {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
