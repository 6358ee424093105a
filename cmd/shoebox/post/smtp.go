package post

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"
)

// answersMost bounds all that a mail server may say, in bytes.
const answersMost = 1 << 20

// byeMost is how long a server may take to say goodbye.
const byeMost = 2 * time.Second

// deliver speaks with the server. All waiting ends with ctx.
func (m Mail) deliver(ctx context.Context, letter []byte) error {
	plain, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", m.target())
	if err != nil {
		return at("reach the mail server", err)
	}
	defer plain.Close()
	stop := context.AfterFunc(ctx, func() { _ = plain.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var conn net.Conn = &bounded{Conn: plain, left: answersMost}
	if m.TLS == TLSOnly {
		secure := tls.Client(conn, m.config())
		if err := secure.HandshakeContext(ctx); err != nil {
			return at("agree on TLS", err)
		}
		conn = secure
	}
	c, err := smtp.NewClient(conn, m.Host)
	if err != nil {
		return at("be greeted", err)
	}
	if err := m.enter(c); err != nil {
		return err
	}
	if err := m.hand(c, letter); err != nil {
		return err
	}
	stop()
	_ = plain.SetDeadline(time.Now().Add(byeMost))
	_ = c.Quit() // the letter is taken already
	return nil
}

// enter makes the connection safe and logs in.
func (m Mail) enter(c *smtp.Client) error {
	if err := c.Hello("localhost"); err != nil { // the name of this computer is nobody's business
		return at("say hello", err)
	}
	if m.TLS == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("it does not offer STARTTLS, and nothing is sent without; port 465 with tls=tls may work")
		}
		if err := c.StartTLS(m.config()); err != nil {
			return at("agree on TLS", err)
		}
	}
	if m.User == "" {
		return nil
	}
	if _, safe := c.TLSConnectionState(); !safe {
		return errOpenPassword
	}
	_, offered := c.Extension("AUTH")
	auth, err := m.auth(offered)
	if err != nil {
		return err
	}
	err = c.Auth(auth)
	if err != nil {
		return fmt.Errorf("log in as the user that is named: %w", mailError(err))
	}
	return nil
}

// hand gives the letter over. An error of the last step leaves it open whether it was taken.
func (m Mail) hand(c *smtp.Client, letter []byte) error {
	if err := c.Mail(m.From); err != nil {
		return at("send as "+m.From, err)
	}
	for _, to := range m.To {
		if err := c.Rcpt(to); err != nil {
			return at("send to "+to, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return at("send the letter", err)
	}
	if _, err = w.Write(letter); err != nil {
		return at("send the letter", err)
	}
	err = w.Close()
	if err == nil {
		return nil
	}
	if errors.As(err, new(*textproto.Error)) {
		return at("send the letter", err)
	}
	// Not wrapped, so that it is no error of the connection: the letter may have been taken, and would come twice.
	return fmt.Errorf("send the letter: it is not known whether it was taken: %v", mailError(err))
}

// at says at which step an error came.
func at(step string, err error) error { return fmt.Errorf("%s: %w", step, mailError(err)) }

// mailError keeps of an answer its numbers, RFC 5321 and RFC 3463: its text may quote what was sent.
func mailError(err error) error {
	var said *textproto.Error
	var odd textproto.ProtocolError
	var coding base64.CorruptInputError
	switch {
	case errors.As(err, &said):
		detail := enhancedCode.FindString(said.Msg)
		return fmt.Errorf("the server answered %d %s", said.Code, detail)
	case errors.As(err, &odd), errors.As(err, &coding):
		return errors.New("the server does not speak SMTP as it should")
	}
	return err
}

var enhancedCode = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// auth chooses among PLAIN, RFC 4616, and LOGIN, which older servers alone offer.
func (m Mail) auth(offered string) (smtp.Auth, error) {
	mechanisms := strings.Fields(strings.ToUpper(offered))
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return plainAuth{m.User, m.Password}, nil
	case slices.Contains(mechanisms, "LOGIN"):
		return &loginAuth{user: m.User, password: m.Password}, nil
	}
	return nil, errors.New("it offers no way to log in that is known here (PLAIN, LOGIN); leave the user out, or ask its provider")
}

var errAuth = errors.New("it asks for more than a name and a password")

type plainAuth struct {
	user     string
	password Secret
}

func (a plainAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, errOpenPassword
	}
	return "PLAIN", []byte("\x00" + a.user + "\x00" + string(a.password)), nil
}

func (a plainAuth) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errAuth
	}
	return nil, nil
}

type loginAuth struct {
	user     string
	password Secret
	asked    int
}

func (a *loginAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, errOpenPassword
	}
	return "LOGIN", nil, nil
}

// Next answers in the order in which every server asks, whatever it calls things.
func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	a.asked++
	switch a.asked {
	case 1:
		return []byte(a.user), nil
	case 2:
		return []byte(a.password), nil
	}
	return nil, errAuth
}

// bounded is a connection that a server cannot talk on for ever.
type bounded struct {
	net.Conn
	left int64
}

var errTalks = errors.New("it talks without end")

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTalks
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF && n > 0 {
		err = nil
	}
	return n, err
}
