package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shoebox/repo"
)

// nightly is a backup every night.
type nightly struct {
	at      string
	install bool
	remove  bool
	watch   bool
}

func (p *program) scheduleCommand() *cobra.Command {
	var n nightly
	c := &cobra.Command{
		Use:   "schedule [SOURCE...]",
		Short: "Back up every night by itself",
		Long: `Print what makes this computer back up every night: a systemd timer of your own
user, or a line for crontab where there is no systemd. With --install it is put
in place. A night in which the computer was off is made up for when it is on
again. The backup must be able to open the repository by itself: with a key
file, or --password-file.`,
		Example: `  shoebox schedule
  shoebox schedule --install --at 03:30
  shoebox schedule --install --watch      and whenever a phone is plugged in
  shoebox schedule --install ~/Pictures
  shoebox schedule --remove`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.schedule(cmd.Context(), n, args) },
	}
	c.Flags().StringVar(&n.at, "at", "02:00", "the `time` of day")
	c.Flags().BoolVar(&n.install, "install", false, "put it in place")
	c.Flags().BoolVar(&n.remove, "remove", false, "take it away again")
	c.Flags().BoolVar(&n.watch, "watch", false, "wait for phones too, always: see shoebox watch")
	return c
}

const (
	unitName  = "shoebox"
	watchName = "shoebox-watch"
)

func (p *program) schedule(ctx context.Context, n nightly, sources []string) error {
	if _, err := time.Parse("15:04", n.at); err != nil || len(n.at) != len("15:04") {
		return fmt.Errorf("--at %s: a time of day such as 02:00 is wanted", n.at)
	}
	if n.remove {
		return p.unschedule(ctx)
	}
	if err := checkFolders(sources); err != nil {
		return err
	}
	command, err := p.nightlyCommand(sources)
	if err != nil {
		return err
	}
	if !hasSystemd() {
		return p.scheduleCron(n, command)
	}
	all := units(command, n.at)
	if n.watch {
		watch, err := p.aloneCommand("watch", "--quiet")
		if err != nil {
			return err
		}
		all = append(all, watchUnit(watch))
	}
	if !n.install {
		for _, u := range all {
			p.say("# %s\n%s", u.name, u.text)
		}
		p.say("# shoebox schedule --install puts them in place.\n# For crontab:\n# %s", cronLine(n.at, command))
		return nil
	}
	if err := p.tryAlone(ctx); err != nil {
		return err
	}
	return p.installUnits(ctx, all, n)
}

// tryAlone opens the repository as the nightly backup will: with nobody there to type a password.
func (p *program) tryAlone(ctx context.Context) error {
	alone := p.apart()
	r, err := alone.open(ctx)
	switch {
	case errors.Is(err, errNoSecret):
		return fmt.Errorf("%w\nNobody is there at night to type it. This makes a key file, which is found by itself:\n    shoebox key add --label night --new-key-file %s", err, alone.nightKey())
	case errors.Is(err, repo.ErrNoRepository) && !p.named:
		return nil // the first backup makes it, with a key file
	case err != nil:
		return err
	}
	alone.close(r)
	return nil
}

// nightKey is a place for a key file that is found by itself.
func (p *program) nightKey() string {
	dir, err := keyDir()
	if err != nil {
		return "FILE"
	}
	return filepath.Join(dir, "night.key")
}

// nightlyRecheck is the share of unchanged files that is read again each night, unless the configuration says.
const nightlyRecheck = "0.5%"

// nightlyCommand is the command to be run every night.
func (p *program) nightlyCommand(sources []string) ([]string, error) {
	command, err := p.aloneCommand("backup", "--quiet")
	if err != nil {
		return nil, err
	}
	if p.config.Recheck == "" {
		command = append(command, "--recheck", nightlyRecheck)
	}
	for _, s := range sources {
		if !isPhone(s) {
			if s, err = filepath.Abs(s); err != nil {
				return nil, err
			}
		}
		command = append(command, s)
	}
	return command, nil
}

// aloneCommand is a command to be run with nobody there, with everything that was said by flag or environment.
func (p *program) aloneCommand(verb ...string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	command := append([]string{self}, verb...)
	for _, v := range []struct {
		flag, value string
	}{
		{"--repo", p.flags.repository}, {"--cache-dir", p.flags.cacheDir}, {"--config", firstOf(p.flags.configFile, os.Getenv("SHOEBOX_CONFIG"))},
		{"--password-file", firstOf(p.flags.passwordFile, os.Getenv("SHOEBOX_PASSWORD_FILE"))},
		{"--password-command", firstOf(p.flags.passwordCommand, os.Getenv("SHOEBOX_PASSWORD_COMMAND"))},
		{"--key-file", firstOf(p.flags.keyFile, os.Getenv("SHOEBOX_KEY_FILE"))},
	} {
		if v.value == "" {
			continue
		}
		if v.flag != "--password-command" {
			if v.value, err = filepath.Abs(v.value); err != nil {
				return nil, err
			}
		}
		command = append(command, v.flag, v.value)
	}
	return command, nil
}

// unit is a unit of systemd.
type unit struct{ name, text string }

// watchUnit is a service that is always there.
func watchUnit(command []string) unit {
	return unit{watchName + ".service", fmt.Sprintf(`[Unit]
Description=shoebox: back up phones when they are plugged in

[Service]
ExecStart=%s
Restart=on-failure
RestartSec=60
Nice=10
IOSchedulingClass=idle

[Install]
WantedBy=default.target
`, quoteAll(command, systemdQuote))}
}

// units are a service that runs once, and the timer that starts it. Persistent makes up for missed nights.
func units(command []string, at string) []unit {
	service := fmt.Sprintf(`[Unit]
Description=shoebox: nightly backup of pictures

[Service]
Type=oneshot
ExecStart=%s
Nice=10
IOSchedulingClass=idle
`, quoteAll(command, systemdQuote))
	timer := fmt.Sprintf(`[Unit]
Description=shoebox: nightly backup of pictures

[Timer]
OnCalendar=*-*-* %s:00
Persistent=true

[Install]
WantedBy=timers.target
`, at)
	return []unit{{unitName + ".service", service}, {unitName + ".timer", timer}}
}

func quoteAll(words []string, quote func(string) string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}

// systemdQuote follows systemd.syntax(7): percent and dollar signs stand for themselves when doubled.
func systemdQuote(w string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`, "\n", `\n`).Replace(w) + `"`
}

// cronQuote quotes for sh; crontab takes % for a newline unless it is escaped.
func cronQuote(w string) string {
	return `'` + strings.NewReplacer(`'`, `'\''`, `%`, `\%`).Replace(w) + `'`
}

func cronLine(at string, command []string) string {
	hour, minute, _ := strings.Cut(at, ":")
	return fmt.Sprintf("%s %s * * * %s", minute, hour, quoteAll(command, cronQuote))
}

func (p *program) scheduleCron(n nightly, command []string) error {
	p.say("%s", cronLine(n.at, command))
	if n.install {
		return errors.New("there is no systemd here to install it into; `crontab -e` takes the line above")
	}
	p.tell("There is no systemd here; `crontab -e` takes the line above.")
	return nil
}

// hasSystemd tells whether the user's systemd can be told things.
func hasSystemd() bool {
	_, err := exec.LookPath("systemctl")
	return err == nil
}

func unitDir() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "systemd", "user"), err
}

func (p *program) installUnits(ctx context.Context, all []unit, n nightly) error {
	dir, err := unitDir()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	for _, u := range all {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, u.name), []byte(u.text), 0o600)
		}
	}
	if err != nil {
		return fmt.Errorf("write the systemd units: %w", err)
	}
	calls := [][]string{{"--user", "daemon-reload"}, {"--user", "enable", "--now", unitName + ".timer"}}
	if n.watch {
		calls = append(calls, []string{"--user", "enable", "--now", watchName + ".service"})
	}
	for _, args := range calls {
		if err := systemctl(ctx, args...); err != nil {
			return err
		}
	}
	p.tell("A backup is made every night at %s. `systemctl --user list-timers` shows the next one, `journalctl --user -u %s` what it said.", n.at, unitName)
	if n.watch {
		p.tell("Each phone that was backed up before is backed up when it is plugged in, too: `systemctl --user status %s`.", watchName)
	}
	return nil
}

func (p *program) unschedule(ctx context.Context) error {
	dir, err := unitDir()
	if err != nil {
		return err
	}
	if !hasSystemd() {
		return errors.New("there is no systemd here; `crontab -e` shows what cron does")
	}
	if _, err := os.Lstat(filepath.Join(dir, unitName+".timer")); errors.Is(err, fs.ErrNotExist) {
		return errors.New("no backup was scheduled")
	}
	there := []string{unitName + ".timer"}
	if _, err := os.Lstat(filepath.Join(dir, watchName+".service")); err == nil {
		there = append(there, watchName+".service")
	}
	for _, name := range there {
		if err := systemctl(ctx, "--user", "disable", "--now", name); err != nil {
			return err
		}
	}
	for _, name := range append(there, unitName+".service") {
		if err := removeThere(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove the systemd units: %w", err)
		}
	}
	p.tell("No backup is made at night any more.")
	return nil
}

// removeThere removes a file; that it is gone already is well.
func removeThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func systemctl(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
