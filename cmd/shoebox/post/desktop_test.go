package post

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"shoebox/cmd/shoebox/post/posttest"
)

// onlyProgram makes a PATH that has one program.
func onlyProgram(t *testing.T, name, from string) {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: the package %s is needed", err, from)
	}
	dir := t.TempDir()
	if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestDesktop(t *testing.T) {
	bus := startBus(t)
	d := startDesktop(t, bus)
	hard := Message{Kind: Failure, Subject: "it's \"<b>1,204</b>\" \\pictures\nof größe @as []", Text: "--help <img src=x> & it's \\ all\nsecond 'line'\n"}
	for _, program := range [][2]string{{"notify-send", "libnotify-bin"}, {"gdbus", "libglib2.0-bin"}} {
		t.Run(program[0], func(t *testing.T) {
			onlyProgram(t, program[0], program[1])
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+bus.Path)
			for _, m := range []Message{hard, {Kind: Success, Subject: "--all is well", Text: "'"}, {Kind: Warning, Subject: "'x'", Text: ""}, {Kind: Start, Subject: "no"}} {
				if err := (Desktop{}).Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			for i, want := range []posttest.Shown{
				{App: "shoebox", Summary: "it's \"<b>1,204</b>\" \\pictures of größe @as []", Body: "--help &lt;img src=x&gt; &amp; it&#39;s \\ all\nsecond &#39;line&#39;", Urgency: 2},
				{App: "shoebox", Summary: "--all is well", Body: "&#39;", Urgency: 0}, {App: "shoebox", Summary: "'x'", Body: "", Urgency: 1},
			} {
				select {
				case got := <-d.Shown:
					if got != want {
						t.Errorf("%d: shown %+v, want %+v", i, got, want)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("nothing was shown")
				}
			}
		})
	}
}

// A service of the user has no address of the bus in its environment.
func TestDesktopByRuntimeFolder(t *testing.T) {
	bus := startBus(t)
	d := startDesktop(t, bus)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	if err := os.Unsetenv("DBUS_SESSION_BUS_ADDRESS"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", filepath.Dir(bus.Path))
	if err := (Desktop{}).Send(t.Context(), news(Success)); err != nil {
		t.Fatal(err)
	}
	if got := <-d.Shown; got.App != "shoebox" {
		t.Errorf("%+v", got)
	}
}

func TestNoDesktop(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if err := (Desktop{}).Send(t.Context(), news(Success)); !errors.Is(err, ErrNoDesktop) {
		t.Errorf("without a bus: %v", err)
	}
	bus := startBus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+bus.Path)
	if err := (Desktop{}).Send(t.Context(), news(Success)); err == nil || errors.Is(err, ErrNoDesktop) {
		t.Errorf("a bus without anyone who shows: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := (Desktop{}).Send(t.Context(), news(Success)); !errors.Is(err, ErrNoDesktop) {
		t.Errorf("without a program: %v", err)
	}
}
