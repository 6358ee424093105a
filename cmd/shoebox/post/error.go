package post

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"unicode"
)

// Secret is a text that is never printed, whatever the verb.
type Secret string

const unsaid = "(not said)"

func (s Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, unsaid) }
func (s Secret) String() string               { return unsaid }
func (s Secret) MarshalText() ([]byte, error) { return []byte(unsaid), nil }

// Error says that a message may not have come through, and why, without secrets. It wraps the end of the context or ErrNoDesktop, if those were the cause,
// and nothing else: what lies below may quote secrets.
type Error struct {
	To     string // the sender, as its String says
	Reason string

	cause      error // as is said above
	connection bool  // it failed before anything was taken
}

func (e *Error) Error() string    { return e.To + ": " + e.Reason }
func (e *Error) GoString() string { return e.Error() }
func (e *Error) Unwrap() error    { return e.cause }

// connectionFailed tells whether to try again.
func connectionFailed(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.connection
}

// newError leaves secrets out of what an error says.
func newError(ctx context.Context, to string, err error, secrets ...Secret) *Error {
	e := &Error{To: to}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, ErrNoDesktop} {
		if errors.Is(err, known) || errors.Is(ctx.Err(), known) {
			e.cause, e.Reason = known, known.Error()
			if known == context.DeadlineExceeded {
				e.Reason = "it did not answer in time"
			}
			return e
		}
	}
	e.connection = isConnection(err)
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err // u says the whole address
	}
	text := redact(err.Error(), secrets)
	for _, end := range []string{"unexpected EOF", "EOF"} {
		if before, ok := strings.CutSuffix(text, end); ok {
			text = before + "the connection was closed"
		}
	}
	e.Reason = oneLine(text, 300)
	return e
}

func isConnection(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && slices.Contains([]string{"dial", "read", "write"}, dial.Op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// redact takes secrets out of a text, the longest first, also in the forms in which they travel.
func redact(text string, secrets []Secret) string {
	var forms []string
	for _, s := range secrets {
		for _, form := range []string{string(s), url.PathEscape(string(s)), url.QueryEscape(string(s)), base64.StdEncoding.EncodeToString([]byte(s))} {
			if len(form) >= 4 { // shorter ones would tear words apart
				forms = append(forms, form)
			}
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range forms {
		text = strings.ReplaceAll(text, form, unsaid)
	}
	return text
}

// secretsOf is all of an address that may be secret: everything but scheme and host.
func secretsOf(address Secret) []Secret {
	all := []Secret{address}
	u, err := url.Parse(string(address))
	if err != nil {
		return all
	}
	all = append(all, Secret(u.RequestURI()), Secret(u.Path), Secret(u.RawQuery), Secret(u.Fragment))
	for part := range strings.SplitSeq(u.Path, "/") {
		all = append(all, Secret(part))
	}
	for _, values := range u.Query() {
		for _, v := range values {
			all = append(all, Secret(v))
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		all = append(all, Secret(u.User.Username()), Secret(password))
	}
	return slices.DeleteFunc(all, func(s Secret) bool { return s == "" || s == "/" })
}

// hostOf is what may be said of an address.
func hostOf(address Secret) string {
	u, err := url.Parse(string(address))
	if err != nil || u.Host == "" {
		return "an address without a host"
	}
	return u.Host
}

// oneLine makes a text one line of at most so many letters, without control characters.
func oneLine(text string, most int) string {
	letters := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	for i, c := range letters {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			letters[i] = ' '
		}
	}
	if len(letters) > most {
		letters = append(letters[:most-1], '…')
	}
	return strings.TrimSpace(string(letters))
}

// atMost cuts a text to so many bytes, between two letters.
func atMost(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	const more = "\n…"
	cut := most - len(more)
	for cut > 0 && text[cut]&0xc0 == 0x80 {
		cut--
	}
	return text[:cut] + more
}
