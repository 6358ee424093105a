package adb

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// What can be wrong with the way to a phone. Errors of this package wrap one of
// these, a context's error, or *Failure.
var (
	ErrNoServer     = errors.New("no adb server answers")
	ErrNotInstalled = errors.New("adb is not installed")
	ErrGone         = errors.New("the phone is no longer connected")
	ErrUnauthorized = errors.New("the phone has not allowed this computer")
	ErrOffline      = errors.New("the phone is offline")
	ErrStalled      = errors.New("the phone stopped answering")
	ErrProtocol     = errors.New("the phone's answer makes no sense")
	ErrBroken       = errors.New("the connection broke in the middle of an answer")
	ErrRefused      = errors.New("the phone refused the service")
	ErrTooLong      = errors.New("the request is too long")
)

// Lost wraps an error after which the phone cannot be reached any more, as
// against an error of one file.
type Lost struct{ Err error }

func (l *Lost) Error() string { return l.Err.Error() }
func (l *Lost) Unwrap() error { return l.Err }

// Unreachable says whether an error is about the way to a phone, not about what was asked of it.
func Unreachable(err error) bool {
	if errors.As(err, new(*Lost)) {
		return true
	}
	for _, end := range []error{ErrGone, ErrOffline, ErrStalled, ErrBroken, ErrNoServer, ErrNotInstalled, ErrUnauthorized} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// MaxText bounds the text of a failure that is kept, in bytes.
const MaxText = 512

// Failure is what the server or the phone answered instead of doing Op on Name.
// It is fs.ErrNotExist or fs.ErrPermission, and the states above, where its
// text says so.
type Failure struct {
	Op   string
	Name string
	Text string // at most MaxText bytes, control characters replaced
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s %q: %s", f.Op, f.Name, f.Text)
}

// failureTexts holds what the Android sources say in each case. Old phones say
// the same words without the "open failed:" in front.
var failureTexts = []struct {
	text string
	err  error
}{
	{"no such file or directory", fs.ErrNotExist},
	{"permission denied", fs.ErrPermission},
	{"operation not permitted", fs.ErrPermission},
	{"device unauthorized", ErrUnauthorized},
	{"device still authorizing", ErrUnauthorized},
	{"device offline", ErrOffline},
	{"device still connecting", ErrOffline},
	{"no devices", ErrGone},
	{"device not found", ErrGone},
	{"no device with transport id", ErrGone},
}

// Is makes errors.Is look into the text.
func (f *Failure) Is(target error) bool {
	text := strings.ToLower(f.Text)
	for _, t := range failureTexts {
		if t.err == target && strings.Contains(text, t.text) {
			return true
		}
	}
	switch target {
	case ErrGone:
		return strings.HasPrefix(text, "device '") && strings.HasSuffix(text, "not found")
	case ErrRefused:
		return text == "closed"
	}
	return false
}

// plain bounds text from outside and takes out what could steer a terminal.
func plain(text []byte) string {
	if len(text) > MaxText {
		text = text[:MaxText]
	}
	return strings.TrimSpace(strings.Map(printable, string(text)))
}

func printable(r rune) rune {
	if r == '\n' || r == '\r' || r == '\t' {
		return ' '
	}
	if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
		return '?'
	}
	return r
}
