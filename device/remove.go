package device

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"shoebox/device/adb"
)

// ErrNotRemoved is wrapped when a phone left a file where it is, though it is the file that was meant.
var ErrNotRemoved = errors.New("the phone did not remove it")

// Remove deletes a file from the phone only if at that moment it is still a regular file of f.Size bytes, of the second of f.ModTime, and of the
// SHA-256 sum. The phone looks at all of it and deletes in one command. A phone without sha256sum is read instead, and then deletes
// only what has not changed since, to the nanosecond where its stat tells them. A symlink is never followed and a folder never removed. nil
// means that the phone was asked again and says that the file is gone.
//
// Errors wrap ErrChanged (another file is there now), fs.ErrNotExist (it is gone already) or ErrNotRemoved (it is there). After any other, a
// *PhoneError or the end of ctx as a rule, the file may be gone or there, but gone only if it was the one that was meant.
func (p *Phone) Remove(ctx context.Context, f File, sum [32]byte) error {
	err := p.remove(ctx, f, sum)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if err = reachError(p.pullError(err), p.Name(), nil); errors.As(err, new(*PhoneError)) {
		return err
	}
	return pathError("remove", f.Path, err)
}

func (p *Phone) remove(ctx context.Context, f File, sum [32]byte) error {
	if err := checkPath(f.Path); err != nil {
		return err
	}
	if f.Type != Regular || f.Size < 0 {
		return fmt.Errorf("%w: only a regular file is removed", fs.ErrInvalid)
	}
	root, at := storageOf(f.Path), remote(f.Path)
	err := p.device.RemoveProven(ctx, root, at, adb.Proof{Size: f.Size, ModTime: f.ModTime, Sum: sum})
	if errors.Is(err, adb.ErrNoSum) && ctx.Err() == nil {
		err = p.removeRead(ctx, root, at, f, sum)
	}
	return p.removed(ctx, at, err)
}

// removeRead removes a file whose bytes were pulled and hashed here, from a phone that cannot hash them.
func (p *Phone) removeRead(ctx context.Context, root, at string, f File, sum [32]byte) error {
	stamp, err := p.device.Stamp(ctx, at)
	if err != nil {
		return err
	}
	is, err := sumOf(ctx, p, f) // which fails unless size and time are as listed, after the last byte
	if err != nil {
		return err
	}
	if is != sum {
		return fmt.Errorf("%w: its SHA-256 is another", ErrChanged)
	}
	return p.device.RemoveProven(ctx, root, at, adb.Proof{Size: f.Size, ModTime: f.ModTime, Stamp: stamp})
}

// removed asks whether a file is gone, whatever the command said, and says in the words of this package how it went.
func (p *Phone) removed(ctx context.Context, at string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, adb.ErrBroken) || errors.Is(err, adb.ErrStalled) { // the phone may still be at it
		return reachError(err, p.Name(), ErrPhoneGone)
	}
	st, asked := p.stat(ctx, at)
	switch {
	case errors.Is(asked, fs.ErrNotExist) && err == nil:
		return nil
	case errors.Is(asked, fs.ErrNotExist):
		return vanished(asked)
	case asked != nil:
		return asked
	case errors.Is(err, adb.ErrAnother), errors.Is(err, ErrChanged):
		return fmt.Errorf("%w: %w", ErrChanged, err)
	case st.Type() != adb.ModeRegular:
		return fmt.Errorf("%w: it is no regular file any more", ErrChanged)
	case err == nil:
		return fmt.Errorf("%w: it says so, but the file is there", ErrNotRemoved)
	case errors.As(err, new(*PhoneError)):
		return err
	}
	return fmt.Errorf("%w: %v", ErrNotRemoved, err) // err may say that it does not exist, and it does
}

// stat asks about one path of the phone itself.
func (p *Phone) stat(ctx context.Context, at string) (st adb.Stat, err error) {
	lost := p.device.Stats(ctx, []string{at}, func(_ string, s adb.Stat, e error) { st, err = s, e })
	err = errors.Join(lost, err)
	if adb.Unreachable(err) && ctx.Err() == nil {
		return st, reachError(err, p.Name(), ErrPhoneGone)
	}
	if err == nil {
		err = st.Err()
	}
	return st, err
}

// storageOf is the root of the storage on which a path, as in File, lies.
func storageOf(path string) string {
	if card, _, ok := cutCard(path); ok {
		return joinPath(cards, card)
	}
	return primary
}
