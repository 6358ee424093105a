package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"shoebox/device/adb"
)

// PhoneOptions says which phone, and what of it.
type PhoneOptions struct {
	Serial  string   // which phone: a serial, an Identity or PhoneInfo.Select; "" is the only one there
	Roots   []string // folders to list, such as "DCIM/Camera"; none: the usual places of pictures
	Exclude []string // patterns of paths not to list, as in DirOptions

	Connections int                                              // for reading files; 0 is 6, see docs/decisions/0007-connections.md
	Among       func() int                                       // how many phones are read just now, which share so many connections; nil: this alone
	Scanned     func(folders, files int)                         // is told how far the listing is, after each folder
	Sleep       func(ctx context.Context, d time.Duration) error // nil for the clock's
}

// Phone is a phone as a source of files. Paths are relative to its own storage
// (DCIM/Camera/x.jpg); a card's begin with "storage/" and the card's name. It is
// safe for use by several goroutines.
type Phone struct {
	PhoneInfo
	device  *adb.Device
	puller  *adb.Puller
	policy  policy
	scanned func(folders, files int)
	sleep   func(ctx context.Context, d time.Duration) error
}

// OpenPhone finds the phone that is meant. Every way in which that can fail is a
// *PhoneError.
func OpenPhone(ctx context.Context, server *adb.Server, o PhoneOptions) (*Phone, error) {
	policy, err := newPolicy(o.Roots, o.Exclude)
	if err != nil {
		return nil, err
	}
	phones, err := Phones(ctx, server)
	if err != nil {
		return nil, err
	}
	info, err := choosePhone(phones, o.Serial)
	if err != nil {
		return nil, err
	}
	d, err := server.Open(ctx, info.info)
	if err != nil {
		return nil, reachError(err, info.Name(), ErrPhoneGone)
	}
	p := &Phone{PhoneInfo: info, device: d, policy: policy, scanned: o.Scanned, sleep: o.Sleep}
	if p.scanned == nil {
		p.scanned = func(int, int) {}
	}
	if p.sleep == nil {
		p.sleep = Sleep
	}
	if o.Connections <= 0 {
		o.Connections = 6
	}
	p.puller = d.Puller(o.Connections)
	p.puller.Among = o.Among
	return p, nil
}

// Close ends the connections to the phone; streams still open fail.
func (p *Phone) Close() error { return p.puller.Close() }

const (
	primary = "/sdcard"
	cards   = "/storage"
)

// remote is the path on the phone of a path as in File.
func remote(path string) string {
	if _, _, ok := cutCard(path); ok {
		return "/" + path
	}
	return joinPath(primary, path)
}

// Open opens a file that Files listed; see the package's words on opening.
func (p *Phone) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for part := range strings.SplitSeq(f.Path, "/") {
		if err := checkName(part); err != nil {
			return nil, pathError("open", f.Path, err)
		}
	}
	if f.Type != Regular {
		return nil, pathError("open", f.Path, fmt.Errorf("%w: only a regular file has content", fs.ErrInvalid))
	}
	pull, err := p.puller.Open(ctx, remote(f.Path), f.Size)
	if err != nil {
		if err = p.pullError(err); errors.As(err, new(*PhoneError)) || ctx.Err() != nil {
			return nil, err
		}
		return nil, pathError("open", f.Path, err)
	}
	from := pulled{pull, p}
	return &stream{ctx: ctx, file: f, from: from, after: func() error { return from.unchanged(f) }}, nil
}

// pulled is a file on its way from a phone.
type pulled struct {
	*adb.Pull
	phone *Phone
}

func (r pulled) Read(b []byte) (int, error) {
	n, err := r.Pull.Read(b)
	if err != nil && err != io.EOF {
		err = r.phone.pullError(err)
	}
	return n, err
}

func (r pulled) unchanged(f File) error { return r.phone.asListed(r.After(), f) }

// asListed compares the file as it is with its listing, as far as the phone can tell: an
// old one tells 32 bits of size and time.
func (p *Phone) asListed(st adb.Stat, f File) error {
	if err := st.Err(); err != nil {
		return vanished(err)
	}
	if st.Type() != adb.ModeRegular {
		return fmt.Errorf("%w: it is no regular file any more", ErrChanged)
	}
	f.ModTime = f.ModTime.Truncate(1e9)
	if !p.device.Has("stat_v2") {
		f.Size &= 1<<32 - 1
	}
	return same(st.Size, st.ModTime, f)
}

// pullError tells the end of the phone from the trouble of one file.
func (p *Phone) pullError(err error) error {
	if lost := (*adb.Lost)(nil); errors.As(err, &lost) {
		return reachError(err, p.Name(), ErrPhoneGone)
	}
	if errors.Is(err, adb.ErrAnother) {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return vanished(err)
}
