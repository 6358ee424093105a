package device

import (
	"errors"
	"fmt"
	"strings"

	"shoebox/device/adb"
)

// Why no phone can be read. Each comes as the State of a *PhoneError, which says
// what to do about it.
var (
	ErrNoADB         = errors.New("the program adb is not installed")
	ErrNoServer      = errors.New("adb does not answer")
	ErrNoPhone       = errors.New("no phone was found")
	ErrUnauthorized  = errors.New("the phone has not allowed this computer yet")
	ErrOffline       = errors.New("the phone does not answer")
	ErrNoPermissions = errors.New("this computer may not use the phone's USB connection")
	ErrNotReady      = errors.New("the phone is not ready")
	ErrSeveralPhones = errors.New("several phones are connected")
	ErrStorageLocked = errors.New("the phone's storage cannot be read")
	ErrPhoneGone     = errors.New("the phone was disconnected")
	ErrPhoneStalled  = errors.New("the phone stopped answering")
	ErrTooMuch       = errors.New("the phone lists more files than any phone holds")
)

// PhoneError says that a phone cannot be reached, or not any more, and what to do.
type PhoneError struct {
	State  error       // one of the errors above
	Phone  string      // its name or serial, when known
	Next   string      // the next step, for someone who never used a terminal
	Phones []PhoneInfo // the choice, of ErrSeveralPhones
	Cause  error       // what adb said, if anything
}

func (e *PhoneError) Error() string {
	var b strings.Builder
	b.WriteString(e.State.Error())
	if e.Phone != "" {
		fmt.Fprintf(&b, " (%s)", e.Phone)
	}
	if e.Next != "" {
		b.WriteString(".\n" + e.Next)
	}
	return b.String()
}

// Unwrap lets errors.Is find the state and what adb said.
func (e *PhoneError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.State}
	}
	return []error{e.State, e.Cause}
}

// nextSteps say what a person can do in each state.
var nextSteps = map[error]string{
	ErrNoADB: "Install it and try again: on Debian or Ubuntu with \"sudo apt install adb\", on Fedora with \"sudo dnf install android-tools\", " +
		"on a Mac with \"brew install android-platform-tools\", on Windows from https://developer.android.com/tools/releases/platform-tools.",
	ErrNoServer: "Another program may be using its port, or it was started by another user. Restart the computer, or run \"adb devices\" to see what it says.",
	ErrNoPhone: "Connect the phone with a USB cable that carries data (some only charge). On the phone, turn on USB debugging: open Settings, About phone, " +
		"tap \"Build number\" seven times; then Settings, System, Developer options, USB debugging. Unlock the phone and try again.",
	ErrUnauthorized: "Unlock the phone: it asks \"Allow USB debugging?\". Tick \"Always allow from this computer\", tap Allow, and try again. " +
		"If it does not ask, pull the cable and plug it in again.",
	ErrOffline: "Pull the cable and plug it in again, or turn the phone's Wi-Fi off and on. If that does not help, restart the phone.",
	ErrNoPermissions: "On Debian or Ubuntu, \"sudo apt install android-sdk-platform-tools-common\" installs the rules that allow it; then pull the cable and plug it in again. " +
		"Elsewhere see https://developer.android.com/tools/device.",
	ErrNotReady:      "Wait until it has started and shows its home screen, unlock it, and try again.",
	ErrSeveralPhones: "Say which one with -s and its serial:",
	ErrStorageLocked: "After a restart a phone opens its storage only once it was unlocked: unlock it with its PIN and try again.",
	ErrPhoneGone:     "Plug it in again and repeat the command: what is already stored is kept and not read again.",
	ErrPhoneStalled:  "Pull the cable and plug it in again, then repeat the command: what is already stored is kept and not read again.",
	ErrTooMuch:       "Name the folders to back up.",
}

func phoneError(state error, phone string, cause error) *PhoneError {
	return &PhoneError{State: state, Phone: phone, Next: nextSteps[state], Cause: cause}
}

// reachError turns what the adb client says into a state of the phone. Errors
// that say nothing of it (a context's end) pass.
func reachError(err error, phone string, otherwise error) error {
	if known := (*PhoneError)(nil); err == nil || errors.As(err, &known) {
		return err
	}
	for _, s := range reachStates {
		if errors.Is(err, s.from) {
			return phoneError(s.state, phone, err)
		}
	}
	if otherwise == nil {
		return err
	}
	return phoneError(otherwise, phone, err)
}

var reachStates = []struct{ from, state error }{
	{adb.ErrNotInstalled, ErrNoADB},
	{adb.ErrNoServer, ErrNoServer},
	{adb.ErrUnauthorized, ErrUnauthorized},
	{adb.ErrStalled, ErrPhoneStalled},
	{adb.ErrGone, ErrPhoneGone},
	{adb.ErrOffline, ErrPhoneGone},
}
