package adb

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// Bounds on what a phone may announce.
const (
	MaxPath    = 1024      // bytes of a path in a request; a longer one is refused by the phone
	MaxData    = 1 << 20   // bytes in one DATA frame; the Android sources say 64 KiB
	MaxName    = 64 << 10  // bytes of a name in a listing; a file system holds 255
	MaxEntries = 1 << 20   // entries of one folder
	maxNames   = 128 << 20 // bytes of all names of one folder
	maxEmpty   = 1024      // DATA frames without data in one file, shell packets without text in one answer, dots in one folder
)

// Stat is what a phone says of one path, itself, never what a symlink leads to.
type Stat struct {
	Mode    uint32 // Unix: type and permission bits
	Size    int64  // bytes; of a phone without stat_v2 only the lowest 32 bits are known
	ModTime time.Time
	Errno   uint32 // the phone's errno when it could not tell; 0 without stat_v2
}

// Kinds of file in Stat.Mode.
const (
	ModeType    = 0o170000
	ModeDir     = 0o040000
	ModeRegular = 0o100000
	ModeLink    = 0o120000
)

// Type is the kind of file.
func (s Stat) Type() uint32 { return s.Mode & ModeType }

// Err is why the phone could not tell, or nil. A phone without stat_v2 answers
// zeros for a path that is missing and for one it may not see.
func (s Stat) Err() error {
	switch {
	case s.Errno != 0:
		return phoneErrno(s.Errno)
	case s.Mode == 0:
		return fs.ErrNotExist
	}
	return nil
}

// phoneErrno turns Linux's numbers, which are the phone's, into Go's errors on
// whatever system this runs.
func phoneErrno(n uint32) error {
	switch n {
	case 1, 13: // EPERM, EACCES
		return fs.ErrPermission
	case 2, 20: // ENOENT, ENOTDIR
		return fs.ErrNotExist
	}
	return fmt.Errorf("error %d on the phone (%w)", n, syscall.EIO)
}

// Entry is one line of a folder's listing.
type Entry struct {
	Name string // bytes as the phone sent them: check before use
	Stat
}

// appendRequest appends one sync request. The caller has checked the length.
func appendRequest(b []byte, id, path string) []byte {
	b = append(b, id...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(path)))
	return append(b, path...)
}

// checkPath refuses what would break the framing or be refused by the phone.
func checkPath(path string) error {
	if len(path) > MaxPath {
		return fmt.Errorf("%w: a path of %d bytes, at most %d", ErrTooLong, len(path), MaxPath)
	}
	for i := range len(path) {
		if path[i] == 0 {
			return fmt.Errorf("%w: a zero byte in a path", fs.ErrInvalid)
		}
	}
	return nil
}

// Sizes of what follows the id, in bytes.
const (
	statV1 = 12 // mode size mtime, 32 bits each
	statV2 = 68 // error dev ino mode nlink uid gid size atime mtime ctime
)

func decodeStatV1(b []byte) Stat {
	le := binary.LittleEndian
	return Stat{
		Mode:    le.Uint32(b),
		Size:    int64(le.Uint32(b[4:])),
		ModTime: time.Unix(int64(le.Uint32(b[8:])), 0),
	}
}

func decodeStatV2(b []byte) Stat {
	le := binary.LittleEndian
	return Stat{
		Errno:   le.Uint32(b),
		Mode:    le.Uint32(b[20:]),
		Size:    int64(le.Uint64(b[36:])),
		ModTime: time.Unix(int64(le.Uint64(b[52:])), 0),
	}
}

// frames reads sync answers. It is over an io.Reader so that it can be fuzzed.
type frames struct {
	in interface {
		io.Reader
		Peek(int) ([]byte, error)
		Discard(int) (int, error)
	}
	v2List, v2Stat bool
	path           string // the path asked about, for errors
}

// take returns the next n bytes, valid until the next call. n is at most 80.
func (f *frames) take(n int) ([]byte, error) {
	b, err := f.in.Peek(n)
	if err != nil {
		return nil, readError(err)
	}
	_, err = f.in.Discard(n)
	return b, err
}

func (f *frames) id() (string, error) {
	b, err := f.take(4)
	return string(b), err
}

// length reads a 32-bit length and refuses one above most.
func (f *frames) length(what string, most uint32) (int, error) {
	b, err := f.take(4)
	if err != nil {
		return 0, err
	}
	n := binary.LittleEndian.Uint32(b)
	if n > most {
		return 0, fmt.Errorf("%w: %s of %d bytes", ErrProtocol, what, n)
	}
	return int(n), nil
}

// fail reads the text after FAIL.
func (f *frames) fail(op string) error {
	n, err := f.length("an error text", MaxName)
	if err != nil {
		return err
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(f.in, text); err != nil {
		return readError(err)
	}
	return &Failure{Op: op, Name: f.path, Text: plain(text)}
}

func (f *frames) unexpected(op, id string) error {
	if id == "FAIL" {
		return f.fail(op)
	}
	return fmt.Errorf("%w: %q in answer to %s", ErrProtocol, id, op)
}

// stat reads the answer to STAT or LST2.
func (f *frames) stat() (Stat, error) {
	want, size, decode := "STAT", statV1, decodeStatV1
	if f.v2Stat {
		want, size, decode = "LST2", statV2, decodeStatV2
	}
	id, err := f.id()
	if err != nil {
		return Stat{}, err
	}
	if id != want {
		return Stat{}, f.unexpected("stat", id)
	}
	b, err := f.take(size)
	if err != nil {
		return Stat{}, err
	}
	return checkStat(decode(b))
}

// checkStat refuses a size no file can have: it would be a length to come.
func checkStat(s Stat) (Stat, error) {
	if s.Size < 0 {
		return s, fmt.Errorf("%w: a size of %d", ErrProtocol, s.Size)
	}
	return s, nil
}

// list reads the answer to LIST or LIS2, without "." and "..", and says whether
// those came: a folder that could be read has them, one that could not has nothing.
func (f *frames) list() (entries []Entry, dots bool, err error) {
	want, size, decode := "DENT", statV1, decodeStatV1
	if f.v2List {
		want, size, decode = "DNT2", statV2, decodeStatV2
	}
	for names, dotted := 0, 0; ; {
		id, err := f.id()
		if err != nil {
			return nil, false, err
		}
		if id == "DONE" {
			if _, err := f.take(size + 4); err != nil {
				return nil, false, err
			}
			return entries, dots, nil
		}
		if id != want {
			return nil, false, f.unexpected("list", id)
		}
		entry, err := f.entry(size, decode)
		if err != nil {
			return nil, false, err
		}
		if entry.Name == "." || entry.Name == ".." {
			dots = true
			if dotted++; dotted > maxEmpty {
				return nil, false, fmt.Errorf("%w: a folder without end (of dots)", ErrProtocol)
			}
			continue
		}
		entries = append(entries, entry)
		if names += len(entry.Name); names > maxNames || len(entries) > MaxEntries {
			return nil, false, fmt.Errorf("%w: a folder without end (%d entries)", ErrProtocol, len(entries))
		}
	}
}

func (f *frames) entry(size int, decode func([]byte) Stat) (Entry, error) {
	b, err := f.take(size)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Stat: decode(b)}
	n, err := f.length("a name", MaxName)
	if err != nil {
		return Entry{}, err
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(f.in, name); err != nil {
		return Entry{}, readError(err)
	}
	e.Name = string(name)
	return e, nil
}

// data reads the head of the next part of a file: how many bytes follow, or that
// the file is done.
func (f *frames) data() (n int, done bool, err error) {
	id, err := f.id()
	if err != nil {
		return 0, false, err
	}
	switch id {
	case "DATA":
		n, err = f.length("a piece of a file", MaxData)
		return n, false, err
	case "DONE":
		_, err = f.take(4)
		return 0, true, err
	}
	return 0, false, f.unexpected("pull", id)
}
