package adb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// What RemoveProven says of a file that it left alone, beside fs.ErrNotExist of one that is not there.
var (
	ErrAnother    = errors.New("what is there is not the file that was meant")
	ErrNotRemoved = errors.New("the phone did not remove it")
	ErrNoStat     = errors.New("the phone cannot tell the size and time of a file in its shell")
)

// Proof is what must hold of a file for it to be removed.
type Proof struct {
	Size    int64
	ModTime time.Time // seconds count
	Sum     [32]byte  // its SHA-256, unless Stamp is set
	Stamp   string    // what Device.Stamp told before the bytes were read and hashed here, for a phone without sha256sum
}

// hashSpeed is what a slow phone hashes in a second, in bytes. While it does so it says nothing.
const hashSpeed = 4 << 20

func (p Proof) patience() time.Duration {
	return time.Duration(max(0, p.Size)/hashSpeed) * time.Second
}

// stampFormat is what Stamp asks for. Nanoseconds are in the third; phones that do not know a letter print another, each time the same.
const stampFormat = "'%s %Y %y %i'"

// maxStamp bounds what goes back to the phone in a command, in bytes.
const maxStamp = 200

// Stamp is how the phone's shell describes a file: size, time to the nanosecond where it tells them, and inode. Two stamps of one file that
// did not change are the same text; nothing else is promised of it.
func (d *Device) Stamp(ctx context.Context, path string) (string, error) {
	out, err := d.says(ctx, "stat -c "+stampFormat+" "+Quote(path)+" 2>/dev/null")
	if err != nil {
		return "", err
	}
	stamp := strings.TrimSuffix(out, "\n")
	if first, _, ok := strings.Cut(stamp, " "); !ok || !isNumber(first) || len(stamp) > maxStamp || strings.ContainsAny(stamp, "\n\x00") {
		return "", fmt.Errorf("%w: it printed %q", ErrNoStat, plain([]byte(out)))
	}
	return stamp, nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// RemoveProven deletes a regular file below root only if at that moment it is what proof says. One command line on the phone looks and
// removes, so that no cable lies in between; it works inside the file's folder, which it enters first, and follows no symlink below root.
// After an error that is none of this file's own (ErrAnother, ErrNotRemoved, ErrNoSum, ErrNoStat, fs.ErrNotExist) the file may be gone.
func (d *Device) RemoveProven(ctx context.Context, root, path string, proof Proof) error {
	below, ok := strings.CutPrefix(path, root+"/")
	if err := checkPath(path); err != nil || !ok || below == "" {
		return errors.Join(fmt.Errorf("%w: %q is not below %q", ErrNotRemoved, path, root), err)
	}
	out, err := d.saysWithin(ctx, removeLine(root, below, proof), proof.patience())
	if errors.Is(err, ErrTooLong) {
		return fmt.Errorf("%w: %w", ErrNotRemoved, err)
	}
	if err != nil {
		return err
	}
	return removeResult(out, proof)
}

// removeLine is the command. It believes no exit code but those of the shell's own tests, and its last word is on a line of its own.
func removeLine(root, below string, proof Proof) string {
	at := strings.LastIndexByte(below, '/')
	dir, name := "", below
	if at >= 0 {
		dir, name = "/"+below[:at], below[at+1:]
	}
	stamp, hash := statPattern(proof), `h=; `
	if proof.Stamp == "" {
		hash = fmt.Sprintf(`h=$(sha256sum <"$f"); case "$h" in %x*) ;; *) echo; echo "sum ${h%%%%[!0-9a-f]*}"; exit;; esac; `, proof.Sum)
	}
	return fmt.Sprintf(`r=$(cd -P %[1]s && pwd -P); f=%[3]s; `+
		`if ! cd -P %[2]s; then echo away; exit; fi; `+
		`if [ "$(pwd -P; echo x)" != "$r"%[4]s ]; then echo through; exit; fi; `+
		`if [ -L "$f" ]; then echo other; exit; fi; `+
		`if [ ! -e "$f" ]; then echo gone; exit; fi; `+
		`if [ ! -f "$f" ]; then echo other; exit; fi; `+
		`s=$(stat -c %[5]s "$f"); case "$s" in %[6]s) ;; *) echo; echo "stat $s"; exit;; esac; %[7]s`+
		`if [ -L "$f" ] || [ ! -f "$f" ] || [ "$s" != "$(stat -c %[5]s "$f")" ]; then echo; echo changed; exit; fi; `+
		`rm -f "$f"; if [ -e "$f" ] || [ -L "$f" ]; then echo; echo kept; else echo; echo removed; fi`,
		Quote(root), Quote(root+dir), Quote("./"+name), Quote(dir+"\nx"), stampFormat, stamp, hash)
}

// statPattern fits the stamp of a file as it was proven. Phones print a time before 1970 with its sign or as 64 bits without one.
func statPattern(p Proof) string {
	if p.Stamp != "" {
		return Quote(p.Stamp)
	}
	seconds := p.ModTime.Unix()
	signed := Quote(fmt.Sprintf("%d %d ", p.Size, seconds)) + "*"
	if seconds >= 0 {
		return signed
	}
	return signed + "|" + Quote(fmt.Sprintf("%d %d ", p.Size, uint64(seconds))) + "*"
}

// removeResult reads the last word of the command.
func removeResult(out string, proof Proof) error {
	word, rest, _ := strings.Cut(lastLine(out), " ")
	said := plain([]byte(strings.TrimSuffix(strings.TrimRight(out, "\n"), lastLine(out))))
	switch word {
	case "removed":
		return nil
	case "gone", "away":
		return fs.ErrNotExist
	case "other":
		return fmt.Errorf("%w: it is no regular file", ErrAnother)
	case "through":
		return fmt.Errorf("%w: its folder is reached through a symlink", ErrAnother)
	case "changed":
		return fmt.Errorf("%w: it changed while it was looked at", ErrAnother)
	case "stat":
		if first, _, _ := strings.Cut(rest, " "); !isNumber(first) {
			return fmt.Errorf("%w: %s", ErrNoStat, said)
		}
		return fmt.Errorf("%w: of %d bytes at %d it now has %q", ErrAnother, proof.Size, proof.ModTime.Unix(), plain([]byte(rest)))
	case "sum":
		if len(rest) != 64 {
			return fmt.Errorf("%w: %s", ErrNoSum, said)
		}
		return fmt.Errorf("%w: its SHA-256 is another", ErrAnother)
	case "kept":
		return fmt.Errorf("%w: %s", ErrNotRemoved, said)
	}
	return fmt.Errorf("%w: it printed %q", ErrNotRemoved, plain([]byte(out)))
}
