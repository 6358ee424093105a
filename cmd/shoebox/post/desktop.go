package post

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoDesktop says that nobody could be shown a notification: there is no session bus, or no program to speak with it.
var ErrNoDesktop = errors.New("there is no desktop to show a notification on")

// Desktop shows a notification, https://specifications.freedesktop.org/notification-spec/latest/, by notify-send or gdbus. Where there is no session nothing
// happens, and the error wraps ErrNoDesktop.
type Desktop struct{}

func (Desktop) String() string { return "desktop" }

// desktopMost bytes of text are shown; people look at the report for the rest.
const desktopMost = 400

// Send shows the subject and the first lines of the text.
func (d Desktop) Send(ctx context.Context, m Message) error {
	if m.Kind == Start {
		return nil
	}
	if !hasSessionBus() {
		return newError(ctx, d.String(), ErrNoDesktop)
	}
	subject, body := oneLine(m.Subject, 200), html.EscapeString(atMost(strings.TrimSpace(m.Text), desktopMost))
	name, args := notifySend(subject, body, m.Kind)
	program, err := exec.LookPath(name)
	if err != nil {
		name, args = gdbusCall(subject, body, m.Kind)
		program, err = exec.LookPath(name)
	}
	if err != nil {
		return newError(ctx, d.String(), ErrNoDesktop)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = environment()
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Run(); err != nil {
		return newError(ctx, d.String(), fmt.Errorf("%s: %w; no program may be there that shows notifications", name, err))
	}
	return nil
}

// hasSessionBus looks where sd-bus does: a service of the user has no address in its environment, and yet a bus.
func hasSessionBus() bool {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return false
	}
	info, err := os.Stat(filepath.Join(dir, "bus"))
	return err == nil && info.Mode().Type() == os.ModeSocket
}

// urgency is the number and the word of a kind.
func urgency(k Kind) (number int, word string) {
	switch k {
	case Success:
		return 0, "low"
	case Warning:
		return 1, "normal"
	}
	return 2, "critical"
}

// notifySend reads the body, and not the subject, as C writes a string.
func notifySend(subject, body string, k Kind) (string, []string) {
	_, word := urgency(k)
	body = strings.ReplaceAll(body, `\`, `\\`)
	return "notify-send", []string{"--app-name=shoebox", "--urgency=" + word, "--", subject, body}
}

func gdbusCall(subject, body string, k Kind) (string, []string) {
	number, _ := urgency(k)
	return "gdbus", []string{"call", "--session", "--timeout", "10", "--dest", "org.freedesktop.Notifications", "--object-path", "/org/freedesktop/Notifications",
		"--method", "org.freedesktop.Notifications.Notify", gvariant("shoebox"), "uint32 0", gvariant(""), gvariant(subject), gvariant(body), "@as []",
		fmt.Sprintf("{'urgency': <byte %d>}", number), "int32 -1"}
}

// gvariant writes a string as GVariant text: gdbus reads its arguments as that.
func gvariant(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, c := range text {
		switch {
		case c == '\'' || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
