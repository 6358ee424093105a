package post

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Parse reads one line of configuration, as the package says. It reads the files that the line names. An error never holds more of the line than the names of
// its options: anything else may be a secret.
func Parse(text string) (Sender, error) {
	words, err := split(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errKinds
	}
	kind, rest := words[0], words[1:]
	s, err := parseKind(kind, rest)
	if err != nil && err != errKinds {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return s, err
}

var errKinds = errors.New("a place to send to begins with ntfy, ping, webhook, mail, command or desktop, as in \"ntfy https://ntfy.sh/our-topic\"")

func parseKind(kind string, rest []string) (Sender, error) {
	switch kind {
	case "ntfy":
		t, err := parseTarget(rest, "token")
		return Ntfy{t.url, t.token, t.roots}, err
	case "webhook":
		t, err := parseTarget(rest, "token")
		return Webhook{t.url, t.token, t.roots}, err
	case "ping":
		t, err := parseTarget(rest, "")
		return Ping{t.url, t.roots}, err
	case "mail":
		return parseMail(rest)
	case "command":
		return parseCommand(rest)
	case "desktop":
		if len(rest) > 0 {
			return nil, errExtra
		}
		return Desktop{}, nil
	}
	return nil, errKinds
}

var errExtra = errors.New("there is a word too much")

func parseCommand(rest []string) (Sender, error) {
	if len(rest) == 0 || rest[0] == "" {
		return nil, errors.New("the program is missing")
	}
	c := Command{Program: rest[0]}
	for _, a := range rest[1:] {
		c.Arguments = append(c.Arguments, Secret(a))
	}
	return c, nil
}

// split cuts a line into words.
func split(text string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	inside := false
	for _, c := range text {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, inside = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inside {
				words = append(words, word.String())
			}
			word.Reset()
			inside = false
		default:
			word.WriteRune(c)
			inside = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is opened in a place to send to, and not closed")
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}

// options are the words behind a kind: those with a name that is known, and the others.
type options struct {
	named map[string]string
	plain []string
}

func readOptions(rest []string, known ...string) (o options, err error) {
	o.named = make(map[string]string)
	for _, word := range rest {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case ok && slices.Contains(known, name):
			if _, twice := o.named[name]; twice || value == "" {
				return o, fmt.Errorf("%s= stands there twice, or without a value", name)
			}
			o.named[name] = value
		case ok && isOptionName(name):
			return o, fmt.Errorf("there is no option %s=; known are %s=", name, strings.Join(known, "=, "))
		default:
			o.plain = append(o.plain, word)
		}
	}
	return o, nil
}

// isOptionName tells whether a word looks like an option, and not like a secret with a = in it.
func isOptionName(name string) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 20
}

// secret is the value that name-file= or name-env= leads to; empty without either.
func (o options) secret(name string) (Secret, error) {
	file, env := o.named[name+"-file"], o.named[name+"-env"]
	switch {
	case file != "" && env != "":
		return "", fmt.Errorf("%s-file= and %s-env= cannot both be", name, name)
	case file != "":
		return secretFile(name+"-file", file)
	case env != "":
		value := strings.TrimSpace(os.Getenv(env))
		if value == "" {
			return "", fmt.Errorf("the environment variable of %s-env= is empty", name)
		}
		return Secret(value), nil
	}
	return "", nil
}

// secretMost bounds a file of one secret, and certificatesMost one of certificates, in bytes.
const secretMost, certificatesMost = 4 << 10, 4 << 20

// secretFile is the first line of a file.
func secretFile(option, name string) (Secret, error) {
	data, err := readMost(option, name, secretMost)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(strings.TrimLeft(string(data), "\r\n"), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("the file of %s= is empty", option)
	}
	return Secret(line), nil
}

// readMost reads the file of an option. What should be its name may be the secret itself: it is not said.
func readMost(option, name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError(option, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fileError(option, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("the file of %s= is longer than %d bytes", option, most)
	}
	return data, nil
}

func fileError(option string, err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		err = where.Err
	}
	return fmt.Errorf("the file of %s= cannot be read: %w", option, err)
}

// roots are the certificates that ca= names.
func (o options) roots() (*x509.CertPool, error) {
	name := o.named["ca"]
	if name == "" {
		return nil, nil
	}
	data, err := readMost("ca", name, certificatesMost)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, errors.New("the file of ca= has no certificate in it")
	}
	return pool, nil
}

// target is an address with what goes along.
type target struct {
	url, token Secret
	roots      *x509.CertPool
}

func parseTarget(rest []string, token string) (t target, err error) {
	known := []string{"url-file", "url-env", "ca"}
	if token != "" {
		known = append(known, token+"-file", token+"-env")
	}
	o, err := readOptions(rest, known...)
	if err != nil {
		return t, err
	}
	if t.url, err = o.secret("url"); err != nil {
		return t, err
	}
	switch {
	case len(o.plain) > 1 || len(o.plain) == 1 && t.url != "":
		return t, errExtra
	case len(o.plain) == 1:
		t.url = Secret(o.plain[0])
	}
	u, err := url.Parse(string(t.url))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return t, errAddress // the error would quote it
	}
	if t.token, err = o.secret("token"); err != nil {
		return t, err
	}
	if err := mayCarry(u, t.token); err != nil {
		return t, err
	}
	t.roots, err = o.roots()
	return t, err
}

func parseMail(rest []string) (Sender, error) {
	o, err := readOptions(rest, "smtp", "from", "user", "password-file", "password-env", "tls", "ca")
	if err != nil {
		return nil, err
	}
	m := Mail{From: o.named["from"], User: o.named["user"], TLS: TLS(o.named["tls"]), Host: o.named["smtp"]}
	if len(o.plain) != 1 {
		return nil, errors.New("it takes one word of addresses, such as anna@example.org,ben@example.org")
	}
	m.To = strings.Split(o.plain[0], ",")
	if host, port, err := net.SplitHostPort(m.Host); err == nil {
		m.Host, m.Port = host, port
	}
	if m.From == "" {
		m.From = m.To[0]
		if address.MatchString(m.User) {
			m.From = m.User
		}
	}
	if m.Password, err = o.secret("password"); err != nil {
		return nil, err
	}
	if (m.User == "") != (m.Password == "") {
		return nil, errors.New("user= goes with password-file= or password-env=")
	}
	if m.Roots, err = o.roots(); err != nil {
		return nil, err
	}
	if err := m.filled().check(); err != nil {
		return nil, err
	}
	return m, nil
}
