package device

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"shoebox/device/adb"
)

// Verdict is what came of asking a phone for one thing.
type Verdict uint8

// The verdicts.
const (
	Good    Verdict = iota + 1
	Missing         // the phone does not have it
	Odd             // it says something else than it should
)

// Finding is one thing that shoebox asks of phones, and how this one answered. It holds no name of a file and no number by which a
// phone is known, so that a report may be shown to anybody.
type Finding struct {
	Asked   string // as in docs/device-behaviour.md; FILE is a picture of this phone, FOLDER where it lies
	Came    string // shortened
	Verdict Verdict
	Without string // what shoebox does without it
}

// askedTime is how long one answer may take.
const askedTime = 45 * time.Second

// Doctor asks a phone for everything that shoebox ever asks of one, as far as that changes nothing: of commands that write it asks
// whether they are there. It ends early only if the phone goes away, or ctx ends; the last finding then says so.
func Doctor(ctx context.Context, p *Phone) (findings []Finding) {
	d := &doctor{phone: p}
	for _, c := range checks {
		came, verdict, err := d.ask(ctx, c)
		if err != nil {
			came, verdict = d.discreet(err)
		}
		findings = append(findings, Finding{Asked: c.asked, Came: came, Verdict: verdict, Without: c.without})
		if ctx.Err() != nil || gone(ctx, p, err) {
			break
		}
	}
	return findings
}

// gone says whether an error is the end: a command that was silent for too long is not.
func gone(ctx context.Context, p *Phone, err error) bool {
	if !adb.Unreachable(err) && !errors.As(err, new(*PhoneError)) && !errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	_, err = p.stat(ctx, primary)
	return errors.As(err, new(*PhoneError))
}

// check is one thing to ask.
type check struct {
	asked, without string
	ask            func(d *doctor, ctx context.Context) (came string, v Verdict, err error)
}

// doctor is one examination.
type doctor struct {
	phone *Phone
	file  File   // the sample; Path "" when the phone has none
	data  []byte // its bytes; nil until pulled
}

func (d *doctor) ask(ctx context.Context, c check) (string, Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, askedTime)
	defer cancel()
	if strings.Contains(c.asked, "FILE") || strings.Contains(c.asked, "FOLDER") {
		if err := d.sample(ctx); err != nil {
			return "", Odd, err
		}
		if d.file.Path == "" {
			return "there is no picture to ask about", Missing, nil
		}
	}
	return c.ask(d, ctx)
}

// sampleBytes bounds the picture that is looked at, and sampleFolders where it is looked for.
const (
	sampleBytes   = 32 << 20
	sampleFolders = 300
)

// sample finds a picture to ask about: the first that is neither empty nor very large.
func (d *doctor) sample(ctx context.Context) error {
	if d.file.Path != "" {
		return nil
	}
	folders := 0
	return d.phone.device.Walk(ctx, usualFolders(), func(dir string, entries []adb.Entry, _ error) (below []string) {
		folders++
		for _, e := range entries {
			path := local(joinPath(dir, e.Name))
			switch {
			case d.file.Path != "" || folders > sampleFolders || e.Errno != 0 || checkPath(path) != nil:
			case e.Type() == adb.ModeDir:
				below = append(below, joinPath(dir, e.Name))
			case e.Type() == adb.ModeRegular && e.Size > 1 && e.Size <= sampleBytes && isMedia(path):
				d.file = File{Path: path, Size: e.Size, ModTime: e.ModTime}
			}
		}
		if d.file.Path != "" {
			return nil
		}
		return below
	})
}

func usualFolders() (dirs []string) {
	for _, place := range defaultPlaces {
		dirs = append(dirs, joinPath(primary, place.path))
	}
	return dirs
}

// pull reads the sample once.
func (d *doctor) pull(ctx context.Context) error {
	if d.data != nil {
		return nil
	}
	stream, err := d.phone.Open(ctx, d.file)
	if err != nil {
		return err
	}
	defer stream.Close()
	data, err := io.ReadAll(stream)
	if err == nil {
		d.data = data
	}
	return err
}

func (d *doctor) hash(ctx context.Context) (sum [32]byte, err error) {
	err = d.pull(ctx)
	return sha256.Sum256(d.data), err
}

// line puts the sample into a command.
func (d *doctor) line(asked string) string {
	at := remote(d.file.Path)
	dir, _ := splitPath(at)
	return strings.NewReplacer("FILE", adb.Quote(at), "FOLDER", adb.Quote(dir)).Replace(asked)
}

// shell is what a command of the phone prints. The errors of the phone's shell are part of what came.
func (d *doctor) shell(ctx context.Context, asked string) (out string, v Verdict, err error) {
	printed, err := d.phone.device.Output(ctx, d.line(asked))
	out = strings.TrimSuffix(string(printed), "\n")
	if err == nil && out == "" {
		return "nothing", Missing, nil
	}
	return out, Good, err
}

// discreet is what went wrong, without names.
func (d *doctor) discreet(err error) (came string, verdict Verdict) {
	verdict = Odd
	failure := (*adb.Failure)(nil)
	if errors.As(err, &failure) {
		came = failure.Text
		if strings.Contains(came, "not found") || strings.Contains(came, "nknown command") || strings.HasPrefix(came, "exit 127") {
			verdict = Missing
		}
	} else if phone := (*PhoneError)(nil); errors.As(err, &phone) {
		came = phone.State.Error()
	} else {
		came = fmt.Sprint(err)
	}
	return d.short(came), verdict
}

// short cuts a text and takes the sample's name out of it.
func (d *doctor) short(text string) string {
	if d.file.Path != "" {
		_, name := splitPath(d.file.Path)
		for _, secret := range []string{remote(d.file.Path), d.file.Path, Printable(d.file.Path), name} {
			text = strings.ReplaceAll(text, secret, "FILE")
		}
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	const most = 160
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
