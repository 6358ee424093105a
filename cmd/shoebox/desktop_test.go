package main

import (
	"fmt"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shoebox/cmd/shoebox/post/posttest"
)

type desktopKey struct{}

// shownOn is where a script's notifications are shown.
type shownOn struct{ *posttest.Desktop }

// desktopCommand gives a script a session bus of its own, on which notifications are shown.
func desktopCommand(ts *testscript.TestScript, _ bool, _ []string) {
	bus, err := posttest.Start()
	ts.Check(err)
	ts.Defer(func() { _ = bus.Close() })
	d, err := bus.Desktop()
	ts.Check(err)
	ts.Defer(d.Close)
	ts.Value(desktopKey{}).(*shownOn).Desktop = d
	ts.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+bus.Path)
}

// shownCommand holds the next notification against what it should say. A program that ended has sent all of its own.
func shownCommand(ts *testscript.TestScript, neg bool, args []string) {
	d := ts.Value(desktopKey{}).(*shownOn).Desktop
	if d == nil || neg != (len(args) == 0) {
		ts.Fatalf("usage: desktop, then shown REGEXP or ! shown")
	}
	wait := 10 * time.Second
	if neg {
		wait = 100 * time.Millisecond
	}
	select {
	case s := <-d.Shown:
		text := fmt.Sprintf("%s %s: %s", []string{"low", "normal", "critical"}[min(s.Urgency, 2)], s.Summary, s.Body)
		if neg || !regexp.MustCompile(args[0]).MatchString(text) {
			ts.Fatalf("shown was %q", text)
		}
	case <-time.After(wait):
		if !neg {
			ts.Fatalf("nothing was shown")
		}
	}
}
