// Command shoebox keeps every picture safe: it backs up a phone or a folder into an encrypted repository, and gives
// any picture of any night back. It turns a command line into one call and its result into words; it does not know
// how anything works.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"shoebox/repo"
	"shoebox/repo/garbage"
)

func main() {
	garbage.Bound(garbage.Room)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: clock(), zone: time.Local, makeRoom: repo.MakeRoomToWait,
		terminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd()))}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// program is what every command works with: the world outside, and the flags they share.
type program struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	zone     *time.Location // in which times are shown
	terminal bool           // somebody is there to be asked, and to watch
	makeRoom func()         // for a command that moves many bytes

	flags  flags
	config config

	named   bool   // the repository was named by flag, environment or configuration
	damaged bool   // something of the repository could not be read, and that was said
	kept    string // what an interrupted command leaves behind, to be said

	lock  sync.Mutex // held while a line is printed: results and progress come from several goroutines
	drawn bool       // a moving line is on the terminal
}

// run carries out one command line and gives the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	return p.finish(ctx, root.ExecuteContext(ctx))
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "shoebox",
		Short: "Keep every picture safe: encrypted snapshots of phones and folders",
		Long: `shoebox backs up the pictures of a phone (over a cable) or of a folder into an
encrypted repository, every night only what is new, and gives any picture of any
night back.

Plug in a phone with USB debugging on, and type:

    shoebox backup`,
		Example: `  shoebox backup                          the phone on the cable
  shoebox backup ~/Pictures               a folder
  shoebox snapshots                       what there is, by date
  shoebox ls latest --by-date             the pictures by the day they were taken
  shoebox find 'IMG_2024*'                a picture in all snapshots
  shoebox restore yesterday:DCIM/Camera/IMG_1.jpg --target .`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return p.prepare(cmd) },
	}
	p.flags.add(root.PersistentFlags())
	root.AddGroup(&cobra.Group{ID: "save", Title: "Keep safe:"}, &cobra.Group{ID: looking, Title: "Look:"},
		&cobra.Group{ID: "back", Title: "Get back:"}, &cobra.Group{ID: "care", Title: "Look after:"})
	for group, commands := range map[string][]*cobra.Command{
		"save":  {p.initCommand(), p.backupCommand(), p.scheduleCommand(), p.watchCommand(), p.devicesCommand()},
		looking: {p.snapshotsCommand(), p.lsCommand(), p.findCommand(), p.historyCommand(), p.diffCommand(), p.reportCommand(), p.serveCommand()},
		"back":  {p.restoreCommand(), p.dumpCommand()},
		"care":  {p.forgetCommand(), p.pruneCommand(), p.checkCommand(), p.verifyCommand(), p.healCommand(), p.wipeCheckCommand(), p.freeSpaceCommand(), p.parityCommand(), p.repairCommand(), p.keyCommand(), p.statsCommand(), p.catCommand(), p.versionCommand()},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommandGroupID("care")
	root.SetCompletionCommandGroupID("care")
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Example = "  source <(shoebox completion bash)"
	}
	return root
}

// looking is the group of commands that only look: short ones, and the gallery, which shares the processors with a browser.
const looking = "look"

// clock is the system's, unless SHOEBOX_NOW says when this run takes place: demonstrations live through a year in seconds.
func clock() func() time.Time {
	then, err := time.Parse(time.RFC3339, os.Getenv("SHOEBOX_NOW"))
	if err != nil {
		return time.Now
	}
	ahead := time.Until(then)
	return func() time.Time { return time.Now().Add(ahead) }
}

// version is set by the build (-ldflags "-X main.version=..."); without it the build information serves.
var version string

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version this is", Example: "  shoebox version", Args: words(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if p.flags.json {
				return p.printJSON(map[string]any{"message_type": "version", "version": versionText(), "format": formatVersion})
			}
			p.say("shoebox %s, repository format %d", versionText(), formatVersion)
			return nil
		},
	}
}
