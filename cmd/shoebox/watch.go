package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shoebox/cmd/shoebox/post"
	"shoebox/device"
	"shoebox/device/vigil"
	"shoebox/snapshot"
	"shoebox/snapshot/report"
)

// watchFlags are those of the watch command, and of watching inside serve.
type watchFlags struct {
	every      span
	settle     time.Duration
	charging   bool
	minBattery int
	atOnce     int
	recheck    string
}

// add makes the flags.
func (f *watchFlags) add(c *cobra.Command) {
	f.every = span{Hours: 20}
	c.Flags().Var(&f.every, "every", "a phone is not backed up again before this `time` has passed, such as 20h or 2d")
	c.Flags().DurationVar(&f.settle, "settle", 5*time.Second, "for so long a phone must be readable before its backup begins")
	c.Flags().BoolVar(&f.charging, "charging", false, "only while the phone has power")
	c.Flags().IntVar(&f.minBattery, "min-battery", 0, "only when the battery is this full, in `percent`")
	c.Flags().IntVar(&f.atOnce, "at-once", 2, "phones backed up at the same time; they share the cable fairly")
	c.Flags().StringVar(&f.recheck, "recheck", nightlyRecheck, "the `share` of unchanged files read again each day, as in backup")
}

func (p *program) watchCommand() *cobra.Command {
	var f watchFlags
	c := &cobra.Command{
		Use:   "watch",
		Short: "Back up each phone by itself when it is plugged in",
		Long: `Wait for phones, on the cable or over Wi-Fi, and back up each one that was backed
up before or has a name, as soon as it has been readable for a moment; not more
often than every 20 hours. A phone that is not known is announced, with what to
type. It goes on until it is stopped.

"shoebox schedule --install --watch" has this computer do so always. It must be
able to open the repository by itself: with a key file, or --password-file.`,
		Example: `  shoebox watch
  shoebox watch --every 6h --charging --min-battery 30
  shoebox schedule --install --watch`,
		Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.tryAlone(cmd.Context()); err != nil {
				return err
			}
			err := p.watchPhones(cmd.Context(), f)
			if cmd.Context().Err() != nil {
				return nil // it was asked to stop, which is how it ends
			}
			return err
		},
	}
	f.add(c)
	return c
}

// watchPhones waits for phones and backs them up, until ctx ends.
func (p *program) watchPhones(ctx context.Context, f watchFlags) error {
	if _, err := p.recheck(backupFlags{recheck: f.recheck}); err != nil {
		return err
	}
	now := p.now()
	w := &watching{program: p, ctx: ctx, flags: f}
	stop := w.remind()
	defer stop()
	p.tell("Waiting for phones. Ctrl-C ends it.")
	return vigil.Watch(ctx, vigil.Options{Server: adbServer(), Known: w.known, Unknown: w.unknown, Last: w.last, Work: w.work, Tell: w.said,
		Every: now.Sub(snapshot.Span(f.every).Before(now)), Settle: f.settle, Charging: f.charging, MinBattery: f.minBattery, AtOnce: f.atOnce, Now: p.now,
		Addresses: func() []string { return p.config.Addresses }})
}

// watching is a watch at work.
type watching struct {
	*program
	ctx   context.Context // of the watch: its callbacks without one end with it
	flags watchFlags
}

// apart is this program with nobody there to be asked. It can work beside others.
func (p *program) apart() *program {
	return &program{in: strings.NewReader(""), out: p.out, err: p.err, now: p.now, zone: p.zone, flags: p.flags, config: p.config, named: p.named}
}

// known tells by which name a phone is known: the one it was given, or that of its snapshots.
func (w *watching) known(phone device.PhoneInfo) (name string, ok bool) {
	names, err := readAliases()
	if err != nil {
		w.complain("shoebox: %v", err)
	}
	if name := names[phone.Identity]; name != "" {
		return name, true
	}
	_, name, err = w.newest(w.ctx, phone)
	if err != nil {
		w.complain("shoebox: %v", err)
	}
	return name, name != ""
}

// newest finds the last complete snapshot of a phone, and what the phone was called in it.
func (w *watching) newest(ctx context.Context, phone device.PhoneInfo) (end time.Time, name string, err error) {
	r, err := w.apart().open(ctx)
	if err != nil {
		return end, "", err
	}
	defer w.close(r)
	all, _, err := snapshot.List(ctx, r)
	if err != nil {
		return end, "", err
	}
	id := snapshot.DeviceID(r, phoneIdentity(phone))
	for _, s := range all {
		if s.Device.ID == id && !s.Attic {
			name = s.Device.Name
			if !s.Partial && len(s.Roots) == 0 {
				end = s.End
			}
		}
	}
	return end, name, nil
}

func (w *watching) last(ctx context.Context, phone device.PhoneInfo) (time.Time, error) {
	end, _, err := w.newest(ctx, phone)
	return end, err
}

// work backs up one phone. Files that could not be read are named on the way, and no reason to begin anew.
func (w *watching) work(ctx context.Context, phone device.PhoneInfo, among func() int) error {
	one := w.apart()
	err := one.backup(ctx, backupFlags{serial: phone.Select(), recheck: w.flags.recheck, among: among}, []string{phonePrefix})
	if err != nil && codeOf(ctx, err) == exitSome {
		return nil
	}
	return err
}

func (w *watching) unknown(phone device.PhoneInfo) {
	text := fmt.Sprintf("A phone is here that was never backed up: %s. To have it backed up, now and whenever it is plugged in:\n    shoebox backup -s %s", phone.Name(), phone.Select())
	if w.program.flags.json {
		_ = w.printJSON(map[string]any{"message_type": "event", "event": "unknown", "serial": phone.Select(), "model": phone.Model})
		return
	}
	w.tell("%s", text)
	w.post(post.Message{Kind: post.Warning, Subject: "a phone is here that was never backed up: " + phone.Name(), Text: text})
}

// post sends a message to the places that notify names.
func (w *watching) post(m post.Message) {
	places, err := w.places()
	if err := errors.Join(err, post.All(w.ctx, places, m)); err != nil {
		w.complain("shoebox: %v", err)
	}
}

// said tells what happened, for people or programs.
func (w *watching) said(e vigil.Event) {
	name := firstOf(e.Name, e.Phone.Name())
	next := ""
	if !e.Next.IsZero() {
		next = "; again at " + w.timeText(e.Next)
	}
	if w.program.flags.json {
		w.eventJSON(e, name)
		return
	}
	switch e.Kind {
	case vigil.Came:
		w.tell("%s is here.", name)
	case vigil.Left:
		w.tell("%s is gone.", name)
	case vigil.Unready:
		w.tell("%v", e.Err)
	case vigil.Rested:
		w.tell("%s was backed up not long ago%s.", name, next)
	case vigil.Waiting:
		w.tell("%s: %v.", name, e.Err)
	case vigil.Began:
		w.tell("Backing up %s.", name)
	case vigil.Done:
		w.tell("%s is backed up%s.", name, next)
	case vigil.Failed:
		w.complain("shoebox: %s: %v%s%s", name, e.Err, w.hint(e.Err), next)
	case vigil.Lost:
		w.complain("shoebox: the adb server does not answer: %v%s", e.Err, next)
	case vigil.Back:
		w.tell("The adb server answers again.")
	}
}

func (w *watching) eventJSON(e vigil.Event, name string) {
	words := map[vigil.Kind]string{vigil.Came: "came", vigil.Left: "left", vigil.Unready: "unready", vigil.Rested: "rested", vigil.Waiting: "waiting", vigil.Began: "began",
		vigil.Done: "done", vigil.Failed: "failed", vigil.Lost: "server_lost", vigil.Back: "server_back"}
	line := map[string]any{"message_type": "event", "event": words[e.Kind], "time": e.At.Format(time.RFC3339), "device": name}
	if e.Err != nil {
		line["error"] = e.Err.Error()
	}
	if !e.Next.IsZero() {
		line["next"] = e.Next.Format(time.RFC3339)
	}
	_ = w.printJSON(line)
}

// remindEvery is how often a watch looks whether a phone was forgotten: no backup tells of one that never comes.
const remindEvery = 24 * time.Hour

// remind sends a report each day on which something is wrong. To stop is to wait until it has stopped.
func (w *watching) remind() (stop func()) {
	return every(remindEvery, func(last bool) {
		if last || w.ctx.Err() != nil || len(w.config.Notify) == 0 {
			return
		}
		if err := w.remindOnce(); err != nil {
			w.complain("shoebox: %v", err)
		}
	})
}

func (w *watching) remindOnce() error {
	one := w.apart()
	r, err := one.open(w.ctx)
	if err != nil {
		return err
	}
	defer one.close(r)
	said, err := one.readReport(w.ctx, r)
	if err != nil || said.Worst() == report.OK {
		return err
	}
	places, err := one.places()
	return errors.Join(err, one.send(w.ctx, places, said, nil))
}
