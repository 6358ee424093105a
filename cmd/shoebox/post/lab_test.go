package post

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test program play the program that Command runs.
func TestMain(m *testing.M) {
	if os.Getenv("POST_PLAY") != "" {
		os.Exit(play())
	}
	os.Exit(m.Run())
}

// news is a message with all that is hard to send.
func news(kind Kind) Message {
	return Message{Kind: kind, Subject: "1,204 Bilder von 2 Handys sind sicher – größer\r\nBcc: evil@example.org\x00", Text: "First line.\n.\n..two dots\nÄpfel\n",
		HTML: "<!DOCTYPE html><p>Äpfel</p>\n.\n", JSON: []byte(`{"made":"2026-11-02T04:00:00Z"}`)}
}

const (
	topic    = "qzvtopic-7d1f"
	token    = "tk_qzv4711"
	password = "qzv pass wörd+/="
)

// secrets never stand in anything that is printed.
var secrets = []string{topic, token, password, "cXp2", "qzv"} // the third in base64, and a part of each

// noSecrets looks at everything that may be printed of an error and a sender.
func noSecrets(t testing.TB, s Sender, err error) {
	t.Helper()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, text := range []string{fmt.Sprintf(format, err), fmt.Sprintf(format, s), fmt.Sprintf(format, []any{s, err})} {
			for _, secret := range secrets {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s tells %q: %s", format, secret, text)
				}
			}
		}
	}
}

// certificate is one for 127.0.0.1, which signs itself.
func certificate(t testing.TB) (server tls.Certificate, roots *x509.CertPool, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, &form, &form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	if server, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return server, roots, write(t, "cert.pem", string(certPEM)), write(t, "key.pem", string(keyPEM))
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rude listens and does to every connection what it is told; the connection is closed after that.
func rude(t testing.TB, do func(net.Conn)) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				do(c)
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// forever writes a text again and again, until nobody listens.
func forever(c io.Writer, text string) {
	b := []byte(strings.Repeat(text, 1+4096/len(text)))
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

func readLine(c net.Conn) { _, _ = bufio.NewReader(c).ReadString('\n') }

// soon is a context in which even hostile servers are done with.
func soon(t testing.TB) context.Context { return within(t, 700*time.Millisecond) }

func within(t testing.TB, d time.Duration) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), d)
	t.Cleanup(stop)
	return ctx
}
