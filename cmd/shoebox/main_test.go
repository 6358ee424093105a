package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"shoebox/device/adb/adbtest"
)

func TestMain(m *testing.M) {
	commands := map[string]func(){"shoebox": main}
	maps.Copy(commands, placeCommands())
	testscript.Main(m, commands)
}

// TestScripts plays the scripts in testdata: what a person types, and what the program answers. Beside the commands of testscript
// they know
//
//	code N PROGRAM ARG...       run a program that ends with exit code N
//	photo FILE [KEY=VALUE...]   make a picture or a video, by FILE's ending; see makePhoto
//	phone NAME KEY=VALUE...     connect a simulated phone through a real adb server; see connectPhone
//	twins DIR DIR               two simulated phones of one serial, on cables; see twinsCommand
//	fault NAME ...              make a phone misbehave; see breakPhone
//	mend NAME, unplug NAME, plug NAME
//	pulled NAME [PATH...]       exactly these files were read whole or in part from the phone, once (PATH+: at least once), since pulled was last said
//	spared NAME FILE            none of the files listed in FILE was read from the phone since pulled was last said
//	sent NAME BYTES             at most so much was read from the phone since pulled was last said
//	without PROGRAM...          take programs away from PATH
//	damage DIR                  change one byte in the middle of the largest file in DIR, and set $DAMAGED to its name
//	wreck DIR                   overwrite three quarters of it, and set $DAMAGED to its name
//	sameTree DIR DIR            the files of the two folders have the same bytes and times
//	mode OCTAL FILE
//	desktop                     show notifications on a session bus, from now on
//	shown REGEXP                the next notification has this in "URGENCY SUMMARY: BODY"; ! shown: there was none
//	setenv NAME FILE [PREFIX]   set a variable to the first line of a file, or to the word behind PREFIX in it
//
// and with exec, as programs of their own, those of placeCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true, Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "photo": photoCommand, "phone": phoneCommand, "fault": faultCommand, "mend": mendCommand, "unplug": unplugCommand, "plug": plugCommand, "twins": twinsCommand,
			"pulled": pulledCommand, "spared": sparedCommand, "sent": sentCommand,
			"without": without, "damage": damage, "wreck": wreck, "sameTree": sameTree, "mode": mode, "setenv": setenv,
			"desktop": desktopCommand, "shown": shownCommand,
		},
	})
}

// setUp gives every script a home, and a port for an adb server, of its own.
func setUp(e *testscript.Env) error {
	addr, err := adbtest.FreeAddr()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr)
	home := filepath.Join(e.WorkDir, "home")
	for key, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": "", "XDG_CACHE_HOME": "", "TZ": "UTC", "TERM": "xterm",
		"ANDROID_ADB_SERVER_PORT": port, "ADB_MDNS": "0", "ADB_MDNS_AUTO_CONNECT": "0", "ANDROID_SERIAL": "",
		"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": "",
		"SHOEBOX_REPOSITORY": "", "SHOEBOX_PASSWORD_FILE": "", "SHOEBOX_PASSWORD_COMMAND": "", "SHOEBOX_KEY_FILE": "", "SHOEBOX_CACHE_DIR": "", "SHOEBOX_CONFIG": "",
		"REPO": filepath.Join(home, ".local/share/shoebox"), "CONFIG": filepath.Join(home, ".config/shoebox"), "CACHE": filepath.Join(home, ".cache/shoebox"),
		"GORACE": "atexit_sleep_ms=0",
	} {
		e.Setenv(key, value)
	}
	e.Vars = append(e.Vars[:0:0], dropped(e.Vars, "SHOEBOX_PASSWORD")...)
	drawer := &phones{addr: addr}
	e.Values[phonesKey{}] = drawer
	e.Values[desktopKey{}] = new(shownOn)
	e.Defer(func() {
		if err := drawer.close(); err != nil {
			panic(fmt.Sprintf("put the phones away: %v", err))
		}
	})
	return os.MkdirAll(home, 0o700)
}

// newHome makes a folder the home of the program in this process: it has seen nothing and keeps nothing elsewhere.
func newHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	return home
}

// dropped takes a variable out of an environment.
func dropped(vars []string, name string) (rest []string) {
	for _, v := range vars {
		if !strings.HasPrefix(v, name+"=") {
			rest = append(rest, v)
		}
	}
	return rest
}

// pidFile is where code leaves the process id of the program it runs, for whoever wants to interrupt it.
const pidFile = ".pid"

func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	pid := filepath.Join(ts.Getenv("WORK"), pidFile)
	err = ts.Exec("sh", append([]string{"-c", `echo $$ >"$0"; exec "$@"`, pid}, args[1:]...)...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func without(ts *testscript.TestScript, _ bool, args []string) {
	bin := filepath.Join(ts.Getenv("WORK"), ".bin")
	ts.Check(os.MkdirAll(bin, 0o755))
	missing := make(map[string]bool)
	for _, name := range args {
		missing[name] = true
	}
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		entries, _ := os.ReadDir(dir) // a folder in PATH that is not there is usual
		for _, e := range entries {
			if !missing[e.Name()] {
				_ = os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(bin, e.Name())) // the first of a name wins
			}
		}
	}
	ts.Setenv("PATH", bin)
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); (got == args[0]) == neg {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

func setenv(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[1])
	if len(args) == 3 {
		_, after, found := strings.Cut(text, args[2])
		if !found {
			ts.Fatalf("no %q in %s", args[2], args[1])
		}
		text = strings.Fields(after)[0]
	}
	line, _, _ := strings.Cut(text, "\n")
	ts.Setenv(args[0], strings.TrimSpace(line))
}

func phonesOf(ts *testscript.TestScript) *phones { return ts.Value(phonesKey{}).(*phones) }

type phonesKey struct{}

// phones are those of one script, behind its adb server.
type phones struct {
	addr   string // where adb listens; nothing runs there before a program or a phone needs it
	server *adbtest.Server
	all    map[string]*onePhone
}

type onePhone struct {
	*adbtest.Phone
	serial string
}

func (p *phones) close() error {
	var all error
	for _, one := range p.all {
		all = errors.Join(all, one.Phone.Close(), one.Daemon.Close())
	}
	if p.server != nil {
		all = errors.Join(all, p.server.Close())
	}
	// shoebox may have started adb by itself: it is asked to end. Nothing there is well too.
	_ = adbtest.Stop(context.Background(), p.addr)
	return all
}
