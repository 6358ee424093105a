package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shoebox/device"
	"shoebox/snapshot"
	"shoebox/snapshot/clearance"
)

func (p *program) wipeCheckCommand() *cobra.Command {
	var quick bool
	var serial string
	c := &cobra.Command{
		Use:   "wipe-check [phone:NAME | FOLDER]",
		Short: "May this phone be wiped? Yes only when every file on it comes back",
		Long: `Look at everything on a phone (or in a folder) and answer whether it may be wiped.
The answer is yes only when each file that adb can see was just now read from the
repository, opened and hashed, and the phone itself tells the same hash of it.
The exit code is 0 only for yes.

What adb cannot see is not looked at: other users, a work profile, what apps keep
for themselves. Nor are thumbnails, the trash, and files being written.`,
		Example: `  shoebox wipe-check
  shoebox wipe-check phone:anna
  shoebox wipe-check --quick              a hundred files are compared, the others by size and time`,
		Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			what := append(args, phonePrefix)[0]
			held, name, done, err := p.held(cmd.Context(), what, serial)
			if err != nil {
				return err
			}
			defer done()
			return p.wipeCheck(cmd.Context(), held, name, quick)
		},
	}
	c.Flags().BoolVar(&quick, "quick", false, "compare the bytes of a hundred files only; the answer is yes only if there are no more")
	c.Flags().StringVarP(&serial, "serial", "s", "", "which phone, by its `serial` number ($ANDROID_SERIAL)")
	return c
}

// held opens what may be wiped: all of it, not only where pictures usually are.
func (p *program) held(ctx context.Context, what, serial string) (held clearance.Held, name string, done func(), err error) {
	if alias, ok := strings.CutPrefix(what, phonePrefix); ok {
		phone, name, err := p.openPhoneAt(ctx, backupFlags{serial: serial}, strings.Trim(alias, "/"), []string{"/"}, nil)
		if err != nil {
			return nil, "", nil, err
		}
		return phone, name, func() { _ = phone.Close() }, nil // only read
	}
	dir, path, err := openFolder(what, nil)
	if err != nil {
		return nil, "", nil, err
	}
	return dir, path, func() { _ = dir.Close() }, nil // only read
}

// quickly is how many files a quick look compares.
const quickly = 100

func (p *program) wipeCheck(ctx context.Context, held clearance.Held, name string, quick bool) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer p.close(r)
	o := clearance.CompareOptions{Progress: new(snapshot.Progress)}
	if quick {
		o.Sample = quickly
	}
	stop := p.watch("Comparing", name, o.Progress)
	said, err := clearance.Compare(ctx, r, held, o)
	stop()
	if err != nil {
		return err
	}
	if p.flags.json {
		err = p.printJSON(map[string]any{"message_type": "summary", "safe": said.Yes(), "quick": quick, "device": name, "files": said.Files, "bytes": said.Bytes, "files_proven": said.Proven,
			"files_alike": said.Alike, "missing": pathsOf(said.Missing), "different": pathsOf(said.Different), "lost": reasonsOf(said.Lost), "unread": reasonsOf(said.Unread)})
	} else {
		_, phone := held.(*device.Phone)
		p.wipeSaid(said, name, phone)
	}
	if err == nil && !said.Yes() {
		err = &exitError{code: exitSome}
	}
	return err
}

func (p *program) wipeSaid(s *clearance.Safety, name string, phone bool) {
	all := fmt.Sprintf("%s on %s (%s)", plural(s.Files, "file"), name, bytesText(s.Bytes))
	bad := int64(len(s.Missing) + len(s.Different) + len(s.Lost))
	switch {
	case s.Yes():
		p.say("Yes: all %s come back. Each was read from the repository just now and has the hash it has there.", all)
		if phone {
			p.say("Not looked at: what adb cannot see (other users, a work profile, what apps keep for themselves), thumbnails, the trash, and files being written.")
		}
		return
	case bad == 0 && len(s.Unread) == 0:
		p.say("Not known: %s of %s have the same size and time as in a snapshot, and %s were compared and come back. Without --quick all are compared.", number(s.Alike), all, number(s.Proven))
		return
	case bad == 0:
		p.say("No: %s could not be read on %s, so nobody knows what is in them. All else that was compared comes back (%s of %s).", plural(int64(len(s.Unread)), "file or folder"), name, number(s.Proven), all)
	default:
		p.say("No, do not wipe it: %s of %s are not safe.", number(bad), all)
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
		p.say("  %s: %s %s", device.Printable(dir), plural(count[dir], "file"), what)
	}
	for i, path := range paths {
		if i == mostNamed && p.flags.verbose == 0 {
			p.say("    and %s more (-v names them all)", number(int64(len(paths)-i)))
			break
		}
		p.say("    %s", device.Printable(path))
	}
}

func (p *program) reasons(what string, all []snapshot.Failure) {
	for i, f := range all {
		if i == mostNamed && p.flags.verbose == 0 {
			p.say("  and %s more (-v names them all)", number(int64(len(all)-i)))
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
