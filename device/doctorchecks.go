package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"shoebox/device/adb"
)

// checks are all that is asked. docs/device-behaviour.md has the same list.
var checks = []check{
	feature("shell_v2", "exit codes are not known and what is printed is believed; large files do not resume midway"),
	feature("stat_v2", "sizes and times have 32 bits: files above 4 GiB are measured in the shell"),
	feature("ls_v2", "each file is asked for its size and time after the listing"),
	listing("DCIM", "nothing of the camera is backed up"),
	listing("Pictures", "no screenshots and pictures of apps are backed up"),
	listing("Movies", "no videos of apps are backed up"),
	listing("Download", "no downloads are backed up"),
	listing("Android/media", "no pictures of WhatsApp and the like are backed up"),
	{"LIST /storage", "no card is seen", (*doctor).storages},
	{"LSTAT FILE", "nothing can be backed up: no change during a read would be noticed", (*doctor).stats},
	{"RECV FILE", "nothing can be backed up", (*doctor).receives},
	{"getprop ro.serialno", "the phone is called by what adb calls it, over Wi-Fi by its address", (*doctor).serial},
	{"settings get secure android_id", "phones whose makers gave them all one serial are not told apart", (*doctor).drawn},
	program("readlink", "symlinks are reported as unreadable"),
	{"cd FOLDER && find . -maxdepth 1 -type f -size +8388607 -print0", "phones without stat_v2 keep 32 bits of the sizes of files above 4 GiB", (*doctor).find},
	{"stat -c %s -- FILE", "the same", (*doctor).statSize},
	{"stat -c '%s %Y %y %i' FILE", "nothing is removed from the phone by free-space", (*doctor).statStamp},
	{"stat -c %y FILE", "of a file that is read before it is removed, the time is compared to the second only", (*doctor).statNano},
	{"sha256sum FILE", "files are pulled to compare them", (*doctor).sumNamed},
	{"sha256sum <FILE", "files are pulled before they are removed", (*doctor).sumInput},
	{"tail -c +2 FILE", "a large file that was cut off is read from its beginning", (*doctor).tail},
	{"cd -P FOLDER && pwd -P", "nothing is removed from the phone by free-space", (*doctor).folderPath},
	{"[ -e FILE ] && [ -f FILE ] && [ ! -L FILE ] && [ ! -d FILE ] && echo yes", "nothing is removed from the phone or put back to it", says("yes")},
	{"df -k /sdcard", "free room is not told", (*doctor).space},
	{"dumpsys battery", "watch does not wait for power or battery", (*doctor).battery},
	{"content query --uri content://media/external/file --projection _data --where \"_data>='FOLDER/' AND _data<'FOLDER0'\"", "what the gallery shows is not known", (*doctor).gallery},
	program("content", "the gallery shows new files, and forgets removed ones, only after a restart or by itself"),
	program("am", "the same, on phones before Android 10"),
	program("rm", "nothing is removed from the phone, temporary files included"),
	program("mv", "nothing is put back to the phone"),
	program("sync", "what was put back may be lost if the phone's battery falls out"),
}

func feature(name, without string) check {
	return check{"feature " + name, without, func(d *doctor, _ context.Context) (string, Verdict, error) {
		if !d.phone.device.Has(name) {
			return "not announced", Missing, nil
		}
		return "announced", Good, nil
	}}
}

func listing(path, without string) check {
	return check{"LIST /sdcard/" + path, without, func(d *doctor, ctx context.Context) (came string, v Verdict, err error) {
		lost := d.phone.device.Walk(ctx, []string{joinPath(primary, path)}, func(_ string, entries []adb.Entry, failed error) []string {
			came, v, err = fmt.Sprintf("%d entries", len(entries)), Good, failed
			return nil
		})
		if lost != nil {
			err = lost
		} else if err != nil {
			return "nothing, as of a folder that is missing or closed", Missing, nil
		}
		return came, v, err
	}}
}

func program(name, without string) check {
	return check{"command -v " + name, without, func(d *doctor, ctx context.Context) (string, Verdict, error) {
		out, v, err := d.shell(ctx, "command -v "+name)
		if err != nil && !adb.Unreachable(err) && ctx.Err() == nil || v == Missing || strings.Contains(out, "not found") {
			return "nothing", Missing, nil
		}
		return d.short(out), v, err
	}}
}

// says is a check of a command, the one it is asked by, that must print a word.
func says(word string) func(*doctor, context.Context) (string, Verdict, error) {
	return func(d *doctor, ctx context.Context) (string, Verdict, error) {
		out, v, err := d.shell(ctx, "[ -e FILE ] && [ -f FILE ] && [ ! -L FILE ] && [ ! -d FILE ] && echo "+word)
		if err == nil && out != word {
			v = Odd
		}
		return d.short(out), v, err
	}
}

func (d *doctor) storages(ctx context.Context) (came string, v Verdict, err error) {
	names := 0
	lost := d.phone.device.Walk(ctx, []string{cards}, func(_ string, entries []adb.Entry, failed error) []string {
		for _, e := range entries {
			if cardID.MatchString(e.Name) {
				names++
			}
		}
		err = failed
		return nil
	})
	switch {
	case lost != nil:
		return "", Odd, lost
	case err != nil:
		return "nothing, as of a folder that is closed", Missing, nil
	}
	return fmt.Sprintf("%d cards", names), Good, nil
}

func (d *doctor) stats(ctx context.Context) (string, Verdict, error) {
	st, err := d.phone.stat(ctx, remote(d.file.Path))
	if err == nil {
		err = d.phone.asListed(st, d.file)
	}
	return fmt.Sprintf("%d bytes, the same as listed", st.Size), Good, err
}

func (d *doctor) receives(ctx context.Context) (string, Verdict, error) {
	err := d.pull(ctx)
	return fmt.Sprintf("%d bytes", len(d.data)), Good, err
}

func (d *doctor) serial(ctx context.Context) (string, Verdict, error) {
	serial, err := d.phone.device.Property(ctx, "ro.serialno")
	switch {
	case err != nil || serial == "":
		return "nothing", Missing, err
	case sharedSerial(serial):
		return "a serial that many phones share", Odd, nil
	}
	return fmt.Sprintf("%d characters", len(serial)), Good, nil
}

func (d *doctor) drawn(ctx context.Context) (string, Verdict, error) {
	out, v, err := d.shell(ctx, "settings get secure android_id")
	if err == nil && (out == "null" || strings.ContainsAny(out, " \n")) {
		return d.short(out), Odd, nil
	}
	return fmt.Sprintf("%d characters", len(out)), v, err
}

func (d *doctor) find(ctx context.Context) (string, Verdict, error) {
	out, _, err := d.shell(ctx, "cd FOLDER && find . -maxdepth 1 -type f -size +8388607 -print0")
	if out == "nothing" {
		out = ""
	}
	return fmt.Sprintf("%d files above 4 GiB", strings.Count(out, "\x00")), Good, err
}

func (d *doctor) statSize(ctx context.Context) (string, Verdict, error) {
	out, v, err := d.shell(ctx, "stat -c %s -- FILE")
	if err == nil && v == Good && out != strconv.FormatInt(d.file.Size, 10) {
		v = Odd
	}
	return d.short(out), v, err
}

func (d *doctor) statStamp(ctx context.Context) (string, Verdict, error) {
	out, v, err := d.shell(ctx, "stat -c '%s %Y %y %i' FILE")
	want := fmt.Sprintf("%d %d ", d.file.Size, d.file.ModTime.Unix())
	if err == nil && v == Good && !strings.HasPrefix(out, want) {
		v = Odd
	}
	return d.short(out), v, err
}

var nanoseconds = regexp.MustCompile(`:[0-9]{2}\.[0-9]{3,9}\b`)

func (d *doctor) statNano(ctx context.Context) (string, Verdict, error) {
	out, v, err := d.shell(ctx, "stat -c %y FILE")
	if err == nil && v == Good && !nanoseconds.MatchString(out) {
		v = Odd
	}
	return d.short(out), v, err
}

func (d *doctor) sumNamed(ctx context.Context) (string, Verdict, error) {
	return d.sum(ctx, "sha256sum FILE")
}

func (d *doctor) sumInput(ctx context.Context) (string, Verdict, error) {
	return d.sum(ctx, "sha256sum <FILE")
}

func (d *doctor) sum(ctx context.Context, asked string) (string, Verdict, error) {
	want, err := d.hash(ctx)
	if err != nil {
		return "", Odd, err
	}
	out, v, err := d.shell(ctx, asked)
	if err != nil || v != Good {
		return out, v, err
	}
	if !strings.HasPrefix(strings.TrimPrefix(out, `\`), fmt.Sprintf("%x ", want)) {
		return d.short(out), Odd, nil
	}
	return "the hash of what was pulled", Good, nil
}

func (d *doctor) tail(ctx context.Context) (string, Verdict, error) {
	if err := d.pull(ctx); err != nil {
		return "", Odd, err
	}
	if !d.phone.device.Has("shell_v2") {
		return "not asked: it needs shell_v2", Missing, nil
	}
	stream, err := d.phone.OpenAt(ctx, d.file, 1)
	if err != nil {
		return "", Odd, err
	}
	defer stream.Close()
	rest, err := io.ReadAll(stream)
	if err == nil && !bytes.Equal(rest, d.data[1:]) {
		return fmt.Sprintf("%d bytes, which are others", len(rest)), Odd, nil
	}
	return fmt.Sprintf("%d bytes, the right ones", len(rest)), Good, err
}

func (d *doctor) folderPath(ctx context.Context) (string, Verdict, error) {
	out, v, err := d.shell(ctx, "cd -P FOLDER && pwd -P")
	root, _, err2 := d.shell(ctx, "cd -P "+adb.Quote(storageOf(d.file.Path))+" && pwd -P")
	if err == nil {
		err = err2
	}
	dir, _ := splitPath(remote(d.file.Path))
	if err == nil && v == Good && out != root+strings.TrimPrefix(dir, storageOf(d.file.Path)) {
		return "another folder than the one entered", Odd, nil
	}
	return "the folder, below " + d.short(root), v, err
}

func (d *doctor) space(ctx context.Context) (string, Verdict, error) {
	out, v, err := d.shell(ctx, "df -k /sdcard")
	if err != nil || v != Good {
		return d.short(out), v, err
	}
	s, ok := parseSpace(out)
	if !ok {
		return d.short(out), Odd, nil
	}
	return fmt.Sprintf("%d MiB free of %d", s.Free>>20, s.Total>>20), Good, nil
}

func (d *doctor) battery(ctx context.Context) (string, Verdict, error) {
	out, v, err := d.shell(ctx, "dumpsys battery")
	if err != nil || v != Good {
		return d.short(out), v, err
	}
	b := parseBattery(out)
	if !b.Known {
		return d.short(out), Odd, nil
	}
	return fmt.Sprintf("%d %%, charging: %v", b.Level, b.Charging), Good, nil
}

// gallery asks for the folder of the sample, as is done after files were put back or removed.
func (d *doctor) gallery(ctx context.Context) (string, Verdict, error) {
	dir, _ := splitPath(mediaPath(remote(d.file.Path)))
	rows := make(map[string]bool)
	err := mediaStore{phone: d.phone}.askFolder(ctx, dir, rows)
	switch {
	case errors.Is(err, ErrUntold):
		out, v, err := d.shell(ctx, "content query --uri content://media/external/file --projection _data --where \"_data='/'\"") // no name can be in the answer
		if v == Good {
			v = Odd
		}
		return "to another question: " + d.short(out), v, err
	case err != nil:
		return "", Odd, err
	case !rows[mediaPath(remote(d.file.Path))]:
		return fmt.Sprintf("%d rows, the picture not among them", len(rows)), Odd, nil
	}
	return fmt.Sprintf("%d rows, the picture among them", len(rows)), Good, nil
}
