// Package storage keeps named, immutable objects: in a folder, in memory, later in a bucket.
// It does not know what the bytes mean.
//
// A Store needs four calls, and everything above it relies on just these:
//
//   - Put is durable when it returns nil. It never leaves a torn object under a name.
//   - Get gives exactly the bytes asked for, or an error.
//   - List that fails says so; it never ends early in silence.
//   - Delete is durable when it returns nil.
//
// Names are small paths such as "packs/3f/3f09...": see CheckName.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
)

// Object is one line of a listing.
type Object struct {
	Name string
	Size int64 // bytes
}

// Store keeps named objects. All implementations may be used by several goroutines at once, and
// by several processes on the same folder or bucket.
type Store interface {
	// Put keeps data under name, replacing what was there in one step. When it returns nil the
	// object is whole and durable. After an error the name holds what it held before, or the new
	// object whole (the error came after the fact): putting it again is always right.
	// Put does not keep data after it returns.
	Put(ctx context.Context, name string, data []byte) error

	// Get returns n bytes from off, or everything from off when n < 0, in memory of the caller's
	// own. Fewer bytes than asked for is an error that wraps io.ErrUnexpectedEOF; a missing object
	// wraps fs.ErrNotExist; more than MaxGet bytes wraps ErrTooLarge before memory is taken.
	Get(ctx context.Context, name string, off, n int64) ([]byte, error)

	// List yields every object below prefix, which is empty (all) or a directory such as
	// "packs/", at any depth and in no promised order. Files that are no objects (temporary ones,
	// names that CheckName refuses) are left out. After an error nothing more is yielded, and what
	// was yielded before is not the whole.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Delete removes name, durably. To delete nothing is no error.
	Delete(ctx context.Context, name string) error
}

// Settler is a Store whose listings may show names that a power cut still takes away: those of a writer that died between giving a file its
// name and making the name durable. Who is about to rely on what somebody else wrote, and to promise something because of it, settles first.
type Settler interface {
	// Settle makes durable every name below prefix that a listing has shown.
	Settle(ctx context.Context, prefix string) error
}

// Settle settles a store, if that needs it.
func Settle(ctx context.Context, s Store, prefix string) error {
	if s, ok := s.(Settler); ok {
		return s.Settle(ctx, prefix)
	}
	return nil
}

// Stager is a Store that is done with the bytes of an object before the object is durable, so that the caller has its memory back meanwhile.
type Stager interface {
	// Stage writes data, and does not keep it after it returns. No name shows it yet. What it answers with is committed or discarded, once.
	Stage(ctx context.Context, name string, data []byte) (Staged, error)
}

// Staged is an object on its way.
type Staged interface {
	// Commit does what is left of Put: when it returns nil the object is whole and durable under its name.
	Commit(ctx context.Context) error
	// Discard takes it back, as far as that goes.
	Discard()
}

// Stage stages an object where the store can; elsewhere the object is put at once, and there is nothing left to commit.
func Stage(ctx context.Context, s Store, name string, data []byte) (Staged, error) {
	if s, ok := s.(Stager); ok {
		return s.Stage(ctx, name, data)
	}
	if err := s.Put(ctx, name, data); err != nil {
		return nil, err
	}
	return Durable{}, nil
}

// Durable is what was put already: there is nothing left to commit, and nothing is taken back.
type Durable struct{}

// Commit does nothing.
func (Durable) Commit(context.Context) error { return nil }

// Discard does nothing.
func (Durable) Discard() {}

// Drafter is a Store that takes the first bytes of an object before there are more, and before its name is known: that of a pack is a hash of all of it.
type Drafter interface {
	// Draft begins an object that will stand below dir; nil when it would gain nothing. Each ends with Stage or Discard, once.
	Draft(ctx context.Context, dir string) (Draft, error)
}

// Draft is an object that is being written. One goroutine uses it at a time.
type Draft interface {
	// Write adds bytes, and does not keep them after it returns. An error is an end too: only Discard may follow.
	Write(data []byte) (int, error)
	// Stage is that of Stager for all of the object, beginning with what was written. After an error nothing stays.
	Stage(ctx context.Context, name string, all []byte) (Staged, error)
	// Discard takes it back, as far as that goes.
	Discard()
}

// BeginDraft begins a draft where the store can; elsewhere it is nil.
func BeginDraft(ctx context.Context, s Store, dir string) (Draft, error) {
	if s, ok := s.(Drafter); ok {
		return s.Draft(ctx, dir)
	}
	return nil, nil
}

// MaxGet is the most that one Get returns, in bytes: sixteen of the largest packs.
const MaxGet = 256 << 20

var (
	// ErrName is wrapped when a name or a prefix is refused.
	ErrName = errors.New("not a name for a store")
	// ErrTooLarge is wrapped when a Get asks for more than MaxGet bytes.
	ErrTooLarge = errors.New("more bytes than one read may return")
	// ErrFull is wrapped when there is no space left for a Put; nothing of it stays behind.
	ErrFull = errors.New("no space left in the store")
)

// Span turns off and n of a Get into a checked count of bytes, for an object of size bytes. It is for
// those who make a Store or a Disk.
func Span(size, off, n int64) (int64, error) {
	if off < 0 {
		return 0, fmt.Errorf("offset %d is negative: %w", off, fs.ErrInvalid)
	}
	if off > size || n > size-off {
		return 0, fmt.Errorf("%d bytes long, asked for %d from %d: %w", size, n, off, io.ErrUnexpectedEOF)
	}
	if n < 0 {
		n = size - off
	}
	if n > MaxGet {
		return 0, fmt.Errorf("%d bytes: %w", n, ErrTooLarge)
	}
	return n, nil
}
