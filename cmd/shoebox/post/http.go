package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Webhook posts JSON to an address: {"kind", "subject", "text", "report"}, of which the last is Message.JSON.
type Webhook struct {
	URL   Secret
	Token Secret         // a bearer token; may be empty
	Roots *x509.CertPool // certificates to trust; nil for the system's
}

func (w Webhook) String() string { return "webhook at " + hostOf(w.URL) }

// Send posts the message.
func (w Webhook) Send(ctx context.Context, m Message) error {
	if m.Kind == Start {
		return nil
	}
	body, err := json.Marshal(struct {
		Kind    Kind            `json:"kind"`
		Subject string          `json:"subject"`
		Text    string          `json:"text"`
		Report  json.RawMessage `json:"report,omitempty"`
	}{m.Kind, m.Subject, m.Text, m.JSON})
	if err != nil {
		return newError(ctx, w.String(), fmt.Errorf("write the message as JSON: %w", err))
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return call{w.String(), w.URL, w.Token, w.Roots}.post(ctx, header, body)
}

// Ntfy publishes to a topic as https://docs.ntfy.sh/publish/ describes.
type Ntfy struct {
	URL   Secret         // with the topic
	Token Secret         // may be empty
	Roots *x509.CertPool // certificates to trust; nil for the system's
}

func (n Ntfy) String() string { return "ntfy at " + hostOf(n.URL) }

// ntfyMost bytes are a message; what is longer becomes an attachment.
const ntfyMost = 4000

// Send publishes the message.
func (n Ntfy) Send(ctx context.Context, m Message) error {
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Title": {headerText(oneLine(m.Subject, 200))}}
	switch m.Kind {
	case Start:
		return nil
	case Success:
		header["Priority"], header["Tags"] = []string{"low"}, []string{"white_check_mark"}
	case Warning:
		header["Priority"], header["Tags"] = []string{"high"}, []string{"warning"}
	default:
		header["Priority"], header["Tags"] = []string{"urgent"}, []string{"rotating_light"}
	}
	return call{n.String(), n.URL, n.Token, n.Roots}.post(ctx, header, []byte(atMost(m.Text, ntfyMost)))
}

// headerText is a text as it may stand in a header, RFC 2047.
func headerText(text string) string { return mime.QEncoding.Encode("utf-8", text) }

// Ping tells a check of the kind of https://healthchecks.io/docs/http_api/ that a run began, ended well or failed; the check complains when it hears
// nothing.
type Ping struct {
	URL   Secret
	Roots *x509.CertPool // certificates to trust; nil for the system's
}

func (p Ping) String() string { return "ping of " + hostOf(p.URL) }

// pingMost bytes of text are kept by a check.
const pingMost = 100_000

// Send pings. The text goes along, with the subject before it.
func (p Ping) Send(ctx context.Context, m Message) error {
	u, err := url.Parse(string(p.URL))
	if err != nil {
		return newError(ctx, p.String(), errAddress)
	}
	switch m.Kind {
	case Start:
		u = u.JoinPath("start")
	case Failure:
		u = u.JoinPath("fail")
	}
	body := atMost(m.Subject+"\n\n"+m.Text, pingMost)
	return call{p.String(), Secret(u.String()), "", p.Roots}.post(ctx, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(body))
}

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
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig: &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}, MaxResponseHeaderBytes: headerMost, DisableKeepAlives: true, DisableCompression: true,
	}
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}, transport.CloseIdleConnections
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
