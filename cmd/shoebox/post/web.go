package post

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
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
