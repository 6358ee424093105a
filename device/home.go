package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"shoebox/device/adb"
)

// HomeOptions say how files are given back to a phone. The zero value replaces nothing.
type HomeOptions struct {
	Replace bool                                             // Write replaces a file that is there; else it is fs.ErrExist
	Log     func(line string)                                // told what a person may want to know
	Sleep   func(ctx context.Context, d time.Duration) error // nil for the clock's
}

// Home is a phone as the place where files are given back. It is safe for use by several goroutines.
type Home struct {
	phone   *Phone
	options HomeOptions
	cards   []string // the phone has now

	mu      sync.Mutex
	written map[string]string // by path in small letters: phones do not tell them apart
	moved   map[string]bool   // cards of other phones that were said to go elsewhere
	unseen  []string
}

// Home opens a phone to give files back to.
func (p *Phone) Home(ctx context.Context, o HomeOptions) (*Home, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Sleep == nil {
		o.Sleep = Sleep
	}
	h := &Home{phone: p, options: o, written: make(map[string]string), moved: make(map[string]bool)}
	err := p.device.Walk(ctx, []string{cards}, func(_ string, entries []adb.Entry, _ error) []string {
		for _, e := range entries { // a phone that lists nothing there has no card
			if cardID.MatchString(e.Name) {
				h.cards = append(h.cards, e.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, p.pullError(err)
	}
	slices.Sort(h.cards)
	return h, nil
}

// Sleep waits for a time, unless ctx ends first: then it gives the reason.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// place is where on this phone a path of a snapshot belongs. What lay on a card that is not in this phone goes to the one that is, or else to the phone's
// own storage.
func (h *Home) place(path string) string {
	card, rest, ok := cutCard(path)
	if !ok || slices.Contains(h.cards, card) {
		return remote(path)
	}
	to := primary
	if len(h.cards) > 0 {
		to = joinPath(cards, h.cards[0])
	}
	h.mu.Lock()
	said := h.moved[card]
	h.moved[card] = true
	h.mu.Unlock()
	if !said {
		h.options.Log(fmt.Sprintf("the card %s is not in this phone: what was on it goes to %s", card, to))
	}
	return joinPath(to, rest)
}

// Stat tells what is at the place of a path; fs.ErrNotExist when nothing is. A folder is an error wrapping fs.ErrInvalid.
func (h *Home) Stat(ctx context.Context, path string) (File, error) {
	if err := checkPath(path); err != nil {
		return File{}, pathError("stat", path, err)
	}
	st, err := h.phone.stat(ctx, h.place(path))
	if err != nil {
		return File{}, h.pathError("stat", path, err)
	}
	if st.Type() != adb.ModeRegular {
		return File{}, pathError("stat", path, fmt.Errorf("%w: it is no regular file", fs.ErrInvalid))
	}
	return File{Path: path, Size: st.Size, ModTime: st.ModTime, Mode: st.Mode & 0o777}, nil
}

// pathError names the path, but for errors that are about the phone.
func (h *Home) pathError(op, path string, err error) error {
	if err = reachError(h.phone.pullError(err), h.phone.Name(), nil); errors.As(err, new(*PhoneError)) {
		return err
	}
	return pathError(op, path, err)
}

// Same tells whether what is at f's place has the bytes of content, which is read to its end when the sizes agree. The phone says
// its hash, or the file is pulled.
func (h *Home) Same(ctx context.Context, there, f File, content io.Reader) (bool, error) {
	if there.Type != Regular || f.Type != Regular || there.Size != f.Size {
		return false, nil
	}
	want, err := hashOf(content)
	if err != nil {
		return false, err
	}
	is, err := h.sum(ctx, h.place(f.Path), f.Size)
	if err != nil {
		return false, h.pathError("compare", f.Path, err)
	}
	return is == want, nil
}

// sum is the SHA-256 of a file on the phone.
func (h *Home) sum(ctx context.Context, at string, size int64) (sum [32]byte, err error) {
	sum, err = h.phone.device.Sum(ctx, at)
	if err == nil || ctx.Err() != nil {
		return sum, err
	}
	pull, err := h.phone.puller.Open(ctx, at, size) // it has no sha256sum, or is too slow for it
	if err != nil {
		return sum, err
	}
	defer pull.Close()
	return hashOf(io.LimitReader(pull, size+1)) // a byte too many is another file
}

// Write puts a file at its place, whole or not at all: the bytes go to a temporary name in the same folder, are hashed there by the phone, and take the
// real name. r must give exactly f.Size bytes. What is there already is fs.ErrExist, unless HomeOptions.Replace says to replace it. A
// *PhoneError ends it all; any other error is about this file.
func (h *Home) Write(ctx context.Context, f File, r io.Reader) error {
	err := h.write(ctx, f, r)
	if err != nil && ctx.Err() == nil {
		return h.pathError("write", f.Path, err)
	}
	return err
}

func (h *Home) write(ctx context.Context, f File, r io.Reader) error {
	if err := checkPath(f.Path); err != nil {
		return err
	}
	if f.Type != Regular {
		return fmt.Errorf("%w: a phone's storage holds regular files only", fs.ErrInvalid)
	}
	at := h.place(f.Path)
	if err := h.checkFree(ctx, f.Path, at); err != nil {
		return err
	}
	temporary := temporaryFor(at)
	err := h.fill(ctx, temporary, f, r)
	if err == nil {
		err = h.phone.device.Rename(ctx, temporary, at, h.options.Replace)
	}
	if err == nil {
		err = h.arrived(ctx, at, f.Size)
	}
	if err != nil {
		h.forget(ctx, temporary)
		return err
	}
	h.mu.Lock()
	h.written[strings.ToLower(at)] = at
	h.mu.Unlock()
	return nil
}

// temporaryFor is the same whenever the same file is given back: what a restore that was cut off left there is overwritten by the next.
func temporaryFor(at string) string {
	dir, _ := splitPath(at)
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, at)
	return joinPath(dir, fmt.Sprintf("%s%016x%s", temporaryHead, hash.Sum64(), temporaryTail))
}

// checkFree looks at what is there before any byte is sent.
func (h *Home) checkFree(ctx context.Context, path, at string) error {
	h.mu.Lock()
	other, ours := h.written[strings.ToLower(at)]
	h.mu.Unlock()
	if ours && other != at {
		return fmt.Errorf("%w: just written from another name that is the same one here", fs.ErrExist)
	}
	st, err := h.phone.stat(ctx, at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !h.options.Replace, st.Type() != adb.ModeRegular:
		return fs.ErrExist
	}
	return nil
}

// fill pushes a file and sees that the phone has it.
func (h *Home) fill(ctx context.Context, at string, f File, r io.Reader) error {
	mode := f.Mode
	if mode == 0 {
		mode = 0o644
	}
	hash := sha256.New()
	n, err := h.phone.device.Push(ctx, at, mode, f.ModTime, io.TeeReader(r, hash))
	if err != nil {
		return err
	}
	if n != f.Size {
		return fmt.Errorf("%w: it has %d bytes and should have %d", ErrChanged, n, f.Size)
	}
	if err := h.arrived(ctx, at, f.Size); err != nil {
		return err
	}
	is, err := h.sum(ctx, at, f.Size)
	if err != nil {
		return fmt.Errorf("hash what was pushed: %w", err)
	}
	if !bytes.Equal(is[:], hash.Sum(nil)) {
		return fmt.Errorf("%w: its SHA-256 on the phone is another", ErrNotStored)
	}
	return nil
}

// arrived asks whether a file is there, whatever was said of it: an old phone tells 32 bits of its size.
func (h *Home) arrived(ctx context.Context, at string, whole int64) error {
	st, err := h.phone.stat(ctx, at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: it says so, but the file is not there", ErrNotStored)
	case err != nil:
		return fmt.Errorf("look at what was pushed: %w", err)
	case st.Size != whole && (h.phone.device.Has("stat_v2") || st.Size != whole&(1<<32-1)):
		return fmt.Errorf("%w: the phone has %d bytes of %d", ErrNotStored, st.Size, whole)
	}
	return nil
}

// ErrNotStored is wrapped when a phone has other bytes than it was given.
var ErrNotStored = errors.New("the phone did not store what it was given")

// lastCall is how long a temporary file may take to be removed after an error.
const lastCall = 5 * time.Second

func (h *Home) forget(ctx context.Context, temporary string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCall)
	defer cancel()
	_ = h.phone.device.Remove(ctx, temporary) // the next restore overwrites it
}
