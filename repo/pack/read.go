package pack

import (
	"encoding/binary"
	"fmt"

	"shoebox/repo/crypt"
)

// Directory is what a pack says of itself.
type Directory struct {
	Class   Class
	Entries []Entry
}

// tailLength is how much of a pack's end the first read takes: most directories fit.
const tailLength = 32 << 10

// ReadDirectory reads the directory of a pack of the given size. get reads a stretch of it. Nothing else
// than the end of the pack is read, and nothing is believed before it has been opened with the keys.
func ReadDirectory(keys *crypt.Keys, size int64, get func(off, n int64) ([]byte, error)) (Directory, error) {
	if size < MinSize || size > MaxSize {
		return Directory{}, fmt.Errorf("%w: %d bytes is no length of a pack", crypt.ErrDamaged, size)
	}
	n := min(size, tailLength)
	tail, err := get(size-n, n)
	if err != nil {
		return Directory{}, err
	}
	at, salt, suite, err := openTrailer(keys, tail[len(tail)-trailer:], size)
	if err != nil {
		return Directory{}, err
	}
	if at < size-n {
		if tail, err = get(at, size-at); err != nil {
			return Directory{}, err
		}
		n = size - at
	}
	sealed := tail[n-(size-at) : n-trailer]
	plain, err := keys.OpenPart(suite, salt, directoryPart, sealed)
	if err != nil {
		return Directory{}, fmt.Errorf("its directory is %w", err)
	}
	return parseDirectory(plain, size)
}

func openTrailer(keys *crypt.Keys, b []byte, size int64) (at int64, salt crypt.Salt, suite crypt.Suite, err error) {
	copy(salt[:], b)
	suite = crypt.Suite(b[trailer-1])
	if string(b[56:63]) != endMagic {
		return 0, salt, suite, fmt.Errorf("%w: it does not end as a pack of format 1", crypt.ErrDamaged)
	}
	if err := suite.Check(); err != nil { // it stands in clear: more likely a damaged byte than a newer version
		return 0, salt, suite, fmt.Errorf("%w: its trailer is %w", crypt.ErrDamaged, err)
	}
	offset, err := keys.OpenPart(suite, salt, trailerPart, b[32:56])
	if err != nil {
		return 0, salt, suite, fmt.Errorf("its trailer is %w", err)
	}
	at = int64(binary.LittleEndian.Uint64(offset))
	if at < header || at > size-trailer-tag-entriesAt {
		return 0, salt, suite, fmt.Errorf("%w: its directory cannot lie at %d", crypt.ErrDamaged, at)
	}
	return at, salt, suite, nil
}

func parseDirectory(plain []byte, size int64) (Directory, error) {
	n := int64(binary.LittleEndian.Uint32(plain[1:]))
	if n*entryLength > int64(len(plain)-entriesAt) {
		return Directory{}, fmt.Errorf("%w: its directory cannot hold %d entries", crypt.ErrDamaged, n)
	}
	entries, err := ParseEntries(plain[entriesAt:entriesAt+n*entryLength], size)
	return Directory{Class: Class(plain[0]), Entries: entries}, err
}
