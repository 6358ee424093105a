package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot"
	"shoebox/snapshot/amount"
	"shoebox/snapshot/clearance"
)

func (p *program) wipeCheckCommand() *cobra.Command {
	var f wipeFlags
	c := &cobra.Command{
		Use:   "wipe-check [phone:NAME | FOLDER]",
		Short: "May this phone be wiped? Yes only when every file on it comes back",
		Long: `Look at everything on a phone (or in a folder) and answer whether it may be wiped.
The answer is yes only when each file that adb can see was just now read from the
repository, opened and hashed, and the phone itself tells the same hash of it.
The exit code is 0 only for yes. The answer is kept in the repository with its date.

What adb cannot see is not looked at: other users, a work profile, what apps keep
for themselves. Nor are thumbnails, the trash, and files being written.`,
		Example: `  shoebox wipe-check
  shoebox wipe-check phone:anna
  shoebox wipe-check --quick              a hundred files are compared, the others by size and time
  shoebox wipe-check --page answer.html   a page to print and keep
  shoebox wipe-check --history            what was answered before`,
		Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.history {
				return p.wipeHistory(cmd.Context())
			}
			on, err := p.heldAt(cmd.Context(), append(args, phonePrefix)[0], f.serial, []string{"/"})
			if err != nil {
				return err
			}
			defer on.close()
			return p.wipeCheck(cmd.Context(), on, f)
		},
	}
	c.Flags().BoolVar(&f.quick, "quick", false, "compare the bytes of a hundred files only; the answer is yes only if there are no more")
	c.Flags().StringVar(&f.page, "page", "", "write the answer to a `file` too, as a page to print")
	c.Flags().BoolVar(&f.history, "history", false, "list the answers that were given before")
	c.Flags().StringVarP(&f.serial, "serial", "s", "", "which phone, by its `serial` number ($ANDROID_SERIAL)")
	return c
}

// wipeFlags are those of the wipe-check command.
type wipeFlags struct {
	quick   bool
	page    string
	history bool
	serial  string
}

// heldOn is a phone, or a folder, that is compared with the repository.
type heldOn struct {
	clearance.Held
	name     string
	identity string // as snapshot.DeviceID takes it
	phone    bool
	whole    bool // all of it is looked at, not only where pictures usually are
	close    func()
}

// heldAt opens what is compared: of a phone these folders, none for those where pictures usually are.
func (p *program) heldAt(ctx context.Context, what, serial string, roots []string) (*heldOn, error) {
	if alias, ok := strings.CutPrefix(what, phonePrefix); ok {
		phone, name, err := p.openPhoneAt(ctx, backupFlags{serial: serial}, strings.Trim(alias, "/"), roots, nil)
		if err != nil {
			return nil, err
		}
		return &heldOn{phone, name, phoneIdentity(phone.PhoneInfo), true, len(roots) > 0, func() { _ = phone.Close() }}, nil // only read
	}
	dir, path, err := openFolder(what, nil)
	if err != nil {
		return nil, err
	}
	return &heldOn{dir, path, "folder\x00" + hostName() + "\x00" + path, false, true, func() { _ = dir.Close() }}, nil // only read
}

// quickly is how many files a quick look compares.
const quickly = 100

func (p *program) wipeCheck(ctx context.Context, on *heldOn, f wipeFlags) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	said, err := p.compare(ctx, r, on, f.quick)
	if err != nil {
		return err
	}
	kept, keepErr := said.Keep(ctx, r, snapshot.Device{Name: on.name, ID: snapshot.DeviceID(r, on.identity)}, p.now())
	if f.page != "" && kept != nil {
		keepErr = errors.Join(keepErr, p.writePage(f.page, said, on, kept))
	}
	if err := p.safetySaid(said, on, f.quick); keepErr == nil {
		return err
	}
	return keepErr
}

// compare holds what is on a device against what the repository gives back.
func (p *program) compare(ctx context.Context, r *repo.Repo, on *heldOn, quick bool) (*clearance.Safety, error) {
	o := clearance.CompareOptions{Progress: new(snapshot.Progress)}
	if quick {
		o.Sample = quickly
	}
	defer p.watch("Comparing", on.name, o.Progress)()
	return clearance.Compare(ctx, r, on, o)
}

// safetySaid says how it is, and makes anything but a yes an exit code.
func (p *program) safetySaid(said *clearance.Safety, on *heldOn, quick bool) (err error) {
	if p.flags.json {
		err = p.printJSON(map[string]any{"message_type": "summary", "safe": said.Yes(), "quick": quick, "device": on.name, "files": said.Files, "bytes": said.Bytes, "files_proven": said.Proven,
			"files_alike": said.Alike, "missing": pathsOf(said.Missing), "different": pathsOf(said.Different), "lost": reasonsOf(said.Lost), "unread": reasonsOf(said.Unread)})
	} else {
		p.wipeSaid(said, on)
	}
	if err == nil && !said.Yes() {
		err = &exitError{code: exitSome}
	}
	return err
}

func (p *program) wipeSaid(s *clearance.Safety, on *heldOn) {
	all := fmt.Sprintf("%s on %s (%s)", amount.Plural(s.Files, "file"), on.name, amount.Bytes(s.Bytes))
	bad := int64(len(s.Missing) + len(s.Different) + len(s.Lost))
	switch {
	case s.Yes():
		p.say("Yes: all %s come back. Each was read from the repository just now and has the hash it has there.", all)
		switch {
		case on.phone && !on.whole:
			p.say("Looked at was where pictures usually are; `shoebox wipe-check` looks at all of the phone.")
		case on.phone:
			p.say("Not looked at: what adb cannot see (other users, a work profile, what apps keep for themselves), thumbnails, the trash, and files being written.")
		}
		return
	case bad == 0 && len(s.Unread) == 0:
		p.say("Not known: %s of %s have the same size and time as in a snapshot, and %s were compared and come back. Without --quick all are compared.", amount.Number(s.Alike), all, amount.Number(s.Proven))
		return
	case bad == 0:
		p.say("No: %s could not be read on %s, so nobody knows what is in them. All else that was compared comes back (%s of %s).", amount.Plural(int64(len(s.Unread)), "file or folder"), on.name, amount.Number(s.Proven), all)
	case !on.whole:
		p.say("No: %s of %s are not safe.", amount.Number(bad), all)
	default:
		p.say("No, do not wipe it: %s of %s are not safe.", amount.Number(bad), all)
	}
	p.folders("in no snapshot", pathsOf(s.Missing))
	p.folders("in a snapshot, with other bytes", pathsOf(s.Different))
	p.reasons("in a snapshot, which does not give it back", s.Lost)
	p.reasons("cannot be read", s.Unread)
	if len(s.Missing)+len(s.Different) > 0 {
		p.say("`shoebox backup` saves pictures and videos; a folder it passes by is saved when it is named: shoebox backup phone:NAME/FOLDER.")
	}
}

// mostNamed are as many paths as a person reads; -v and --json name all.
const mostNamed = 10

// folders says how many of the paths lie where, and names some.
func (p *program) folders(what string, paths []string) {
	count := make(map[string]int64)
	var order []string
	for _, path := range paths {
		dir := "the top folder"
		if at := strings.LastIndexByte(path, '/'); at >= 0 {
			dir = path[:at]
		}
		if count[dir]++; count[dir] == 1 {
			order = append(order, dir)
		}
	}
	slices.Sort(order)
	for _, dir := range order {
		p.say("  %s: %s %s", device.Printable(dir), amount.Plural(count[dir], "file"), what)
	}
	for i, path := range paths {
		if i == mostNamed && p.flags.verbose == 0 {
			p.say("    and %s more (-v names them all)", amount.Number(int64(len(paths)-i)))
			break
		}
		p.say("    %s", device.Printable(path))
	}
}

func (p *program) reasons(what string, all []snapshot.Failure) {
	for i, f := range all {
		if i == mostNamed && p.flags.verbose == 0 {
			p.say("  and %s more (-v names them all)", amount.Number(int64(len(all)-i)))
			break
		}
		p.say("  %s %s: %s", device.Printable(f.Path), what, f.Reason)
	}
}

func pathsOf(files []device.File) []string {
	paths := make([]string, 0, len(files))
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return paths
}

func reasonsOf(all []snapshot.Failure) map[string]string {
	reasons := make(map[string]string, len(all))
	for _, f := range all {
		reasons[f.Path] = f.Reason
	}
	return reasons
}
