package post

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"
)

// TLS says how a connection to a mail server is protected.
type TLS string

const (
	TLSByPort TLS = ""         // TLSOnly on port 465, StartTLS on any other
	TLSOnly   TLS = "tls"      // from the first byte
	StartTLS  TLS = "starttls" // before anything is said; a server that does not offer it gets nothing
	NoTLS     TLS = "none"     // for a server on this machine; no password is sent
)

// Mail sends a letter through a mail server, RFC 5321 and RFC 8314, as text and as a page.
type Mail struct {
	From     string   // an address
	To       []string // addresses
	Host     string
	Port     string // "" for 465
	TLS      TLS
	User     string // "" to send without logging in
	Password Secret
	Roots    *x509.CertPool   // certificates to trust; nil for the system's
	Now      func() time.Time // nil for the clock
}

func (m Mail) String() string {
	if !hostName.MatchString(m.Host) {
		return "mail" // it may be anything
	}
	return "mail through " + m.Host
}

func (m Mail) filled() Mail {
	if m.Port == "" {
		m.Port = "465"
	}
	if m.TLS == TLSByPort {
		m.TLS = StartTLS
		if m.Port == "465" {
			m.TLS = TLSOnly
		}
	}
	if m.Now == nil {
		m.Now = time.Now
	}
	return m
}

// address is of the plain form that every server takes and nothing can break out of.
var address = regexp.MustCompile(`^[^\s"(),:;<>@\[\\\]\x00-\x20\x7f]+@[^\s"(),:;<>@\[\\\]\x00-\x20\x7f]+$`)

var portNumber = regexp.MustCompile(`^[0-9]{1,5}$`)

// hostName is a name or an address of a machine.
var hostName = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,255}$`)

var errOpenPassword = errors.New("a password is sent over TLS alone: leave tls=none out, or the user")

func (m Mail) check() error {
	for _, a := range append([]string{m.From}, m.To...) {
		if !address.MatchString(a) || len(a) > 320 {
			return errors.New("an address is not like anna@example.org")
		}
	}
	switch {
	case len(m.To) == 0:
		return errors.New("nobody is named to send to")
	case !hostName.MatchString(m.Host) || !portNumber.MatchString(m.Port):
		return errors.New("no mail server is named: smtp=HOST or smtp=HOST:PORT")
	case m.User != "" && m.TLS == NoTLS:
		return errOpenPassword
	case m.TLS != TLSOnly && m.TLS != StartTLS && m.TLS != NoTLS:
		return errors.New("tls is tls, starttls or none")
	}
	return nil
}

// Send hands the letter to the server, which may still fail to deliver it.
func (m Mail) Send(ctx context.Context, msg Message) error {
	if msg.Kind == Start {
		return nil
	}
	m = m.filled()
	if err := m.check(); err != nil {
		return newError(ctx, m.String(), err)
	}
	letter, err := m.compose(msg)
	if err == nil {
		err = m.deliver(ctx, letter)
	}
	if err != nil {
		return newError(ctx, m.String(), err, m.Password, Secret("\x00"+m.User+"\x00"+string(m.Password)))
	}
	return nil
}

func (m Mail) config() *tls.Config {
	return &tls.Config{ServerName: m.Host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}
}

func (m Mail) target() string { return net.JoinHostPort(m.Host, m.Port) }

// compose writes the letter, RFC 5322 and RFC 2046. Every line is made here or encoded: nothing in a message can add a header.
func (m Mail) compose(msg Message) ([]byte, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("draw a name for the letter: %w", err)
	}
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	if err := writePart(w, "text/plain", msg.Text); err != nil {
		return nil, err
	}
	if msg.HTML != "" {
		if err := writePart(w, "text/html", msg.HTML); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the letter: %w", err)
	}
	to := make([]string, len(m.To))
	for i, a := range m.To {
		to[i] = (&mail.Address{Address: a}).String()
	}
	var letter bytes.Buffer
	for _, h := range [][2]string{
		{"Date", m.Now().Format("Mon, 02 Jan 2006 15:04:05 -0700")},
		{"From", (&mail.Address{Name: "shoebox", Address: m.From}).String()},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", strings.ReplaceAll(headerText(oneLine(msg.Subject, 300)), "?= =?", "?=\r\n =?")},
		{"Message-ID", "<" + hex.EncodeToString(id[:]) + m.From[strings.LastIndexByte(m.From, '@'):] + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: no vacation shall answer
		{"MIME-Version", "1.0"},
		{"Content-Type", `multipart/alternative; boundary="` + w.Boundary() + `"`},
	} {
		letter.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	letter.WriteString("\r\n")
	letter.Write(parts.Bytes())
	return letter.Bytes(), nil
}

func writePart(w *multipart.Writer, kind, text string) error {
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
	if err != nil {
		return fmt.Errorf("write the letter: %w", err)
	}
	q := quotedprintable.NewWriter(part)
	_, err = q.Write([]byte(strings.ToValidUTF8(text, "\uFFFD")))
	if err = errors.Join(err, q.Close()); err != nil {
		return fmt.Errorf("write the letter: %w", err)
	}
	return nil
}
