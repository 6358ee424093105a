package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// call is one request.
type call struct {
	to         string // the sender
	url, token Secret
	roots      *x509.CertPool
}

var (
	errAddress   = errors.New("the address is not one of http or https; look at how it is written in the configuration")
	errOpenToken = errors.New("a token or password is sent over https alone: change the address, or leave it out")
)

// The bounds of an answer. Its body is not read at all.
const (
	headerMost    = 64 << 10 // bytes
	redirectsMost = 3
)

func (c call) post(ctx context.Context, header http.Header, body []byte) error {
	secrets := append(secretsOf(c.url), c.token)
	u, err := url.Parse(string(c.url))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return newError(ctx, c.to, errAddress)
	}
	if err := mayCarry(u, c.token); err != nil {
		return newError(ctx, c.to, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return newError(ctx, c.to, errAddress)
	}
	req.Header = header
	req.Header.Set("User-Agent", "shoebox")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+string(c.token))
	}
	client, done := c.client()
	defer done()
	resp, err := client.Do(req)
	if err != nil {
		return newError(ctx, c.to, webError(err), secrets...)
	}
	_ = resp.Body.Close() // nothing in it matters
	if resp.StatusCode/100 != 2 {
		return newError(ctx, c.to, statusError(resp.StatusCode))
	}
	return nil
}

// webError keeps an error that was made on this side. In others the server speaks, and may quote what it was sent.
func webError(err error) error {
	var own *ownError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &verify):
		return fmt.Errorf("its certificate is not trusted: %w; ca= names one to trust", verify.Err)
	case errors.As(err, &record):
		return errors.New("it does not speak TLS; look whether the address begins with http")
	case isConnection(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	}
	return errors.New("it does not speak HTTP as it should; look whether the address is right")
}

// ownError is made here.
type ownError struct{ text string }

func (e *ownError) Error() string { return e.text }

func own(text string) error { return &ownError{text} }

// statusError is in our words: theirs may quote what was sent.
func statusError(code int) error {
	next := "look whether the address is right"
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		next = "look whether the token is right"
	case code == http.StatusTooManyRequests || code >= 500:
		next = "it may be better later"
	}
	return fmt.Errorf("it answered %d %s: %s", code, http.StatusText(code), next)
}

// mayCarry refuses to send a token, or the password in an address, where others can read it.
func mayCarry(u *url.URL, token Secret) error {
	if (token != "" || u.User != nil) && u.Scheme != "https" && !isLoopback(u.Hostname()) {
		return errOpenToken
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// client is made for one call: a run sends a few messages and ends.
func (c call) client() (client *http.Client, done func()) {
	config := &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}
	plain := &net.Dialer{Timeout: 10 * time.Second}
	secure := &tls.Dialer{NetDialer: plain, Config: config}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second,
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			return politely(plain.DialContext(ctx, network, to))
		},
		DialTLSContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			return politely(secure.DialContext(ctx, network, to))
		},

		MaxResponseHeaderBytes: headerMost, DisableKeepAlives: true, DisableCompression: true,
	}
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}, transport.CloseIdleConnections
}

// polite is a connection that hears nothing before something was said. net/http prints what a server says out of turn, and where it prints nobody
// keeps secrets.
type polite struct {
	net.Conn
	once  sync.Once
	spoke chan struct{} // closed by the first Write, or by Close
}

func politely(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return &polite{Conn: c, spoke: make(chan struct{})}, nil
}

func (p *polite) Read(b []byte) (int, error) {
	<-p.spoke
	return p.Conn.Read(b)
}

func (p *polite) Write(b []byte) (int, error) {
	defer p.once.Do(func() { close(p.spoke) })
	return p.Conn.Write(b)
}

func (p *polite) Close() error {
	defer p.once.Do(func() { close(p.spoke) })
	return p.Conn.Close()
}

// checkRedirect follows to the same host only, with the message and as safely as before; it does not tell where it comes from.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > redirectsMost:
		return own("it redirects again and again; look whether the address is right")
	case !strings.EqualFold(req.URL.Hostname(), first.URL.Hostname()):
		return own("it redirects to another host, where nothing is sent; if that is right, name the other host in the configuration")
	case first.URL.Scheme == "https" && req.URL.Scheme != "https":
		return own("it redirects away from https, where nothing is sent")
	case req.Method != first.Method:
		return own("it redirects in a way that loses the message; look whether the address is right")
	}
	req.Header.Del("Referer")
	return nil
}
