package vault

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/zeebo/blake3"
)

// A second copy:
//
//	magic "shoecpy1" (8) | length of the original (8) | BLAKE3 of its name (32) | BLAKE3 of the original (32) | the original
//
// So `tail -c +81` gives the original back, and a copy that was moved to another name does not pass.
const (
	copyMagic  = "shoecpy1"
	copyHeader = 80
)

// maxSmall bounds an object that has a copy: the longest record, rounded up.
const maxSmall = 68 << 20

func sealCopy(name string, data []byte) []byte {
	of, sum := blake3.Sum256([]byte(name)), blake3.Sum256(data)
	out := make([]byte, 0, copyHeader+len(data))
	out = append(out, copyMagic...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(data)))
	out = append(append(out, of[:]...), sum[:]...)
	return append(out, data...)
}

// openCopy gives the original that lay under name. The error wraps ErrDamaged.
func openCopy(name string, sealed []byte) ([]byte, error) {
	length, err := copyLength(name, sealed)
	if err != nil {
		return nil, err
	}
	data := sealed[copyHeader:]
	if int64(len(data)) != length || blake3.Sum256(data) != [32]byte(sealed[48:80]) {
		return nil, fmt.Errorf("%w: its bytes are not those of %s", ErrDamaged, name)
	}
	if err := whole(name, data); err != nil {
		return nil, fmt.Errorf("it holds a copy of what was wrong already: %w", err)
	}
	return data, nil
}

// copyLength reads how long the original is.
func copyLength(name string, header []byte) (int64, error) {
	of := blake3.Sum256([]byte(name))
	if len(header) < copyHeader || string(header[:8]) != copyMagic || [32]byte(header[16:48]) != of {
		return 0, fmt.Errorf("%w: it does not begin as the copy of %s", ErrDamaged, name)
	}
	length := binary.LittleEndian.Uint64(header[8:])
	if length > maxSmall {
		return 0, fmt.Errorf("%w: a copy of %d bytes is too long", ErrDamaged, length)
	}
	return int64(length), nil
}

// Copy returns what the second copy of a small object holds. The error wraps fs.ErrNotExist where there is none, and ErrDamaged
// where it is not whole. Key slots cannot be checked without a key: who cannot open one asks for its copy.
func (v *Vault) Copy(ctx context.Context, name string) ([]byte, error) {
	if !kindOf(name).copied() {
		return nil, fmt.Errorf("%s has no second copy: %w", name, fs.ErrNotExist)
	}
	path := copyName(name)
	head, err := v.store.Get(ctx, path, 0, copyHeader)
	if err != nil {
		return nil, fmt.Errorf("the second copy: %w", cutOff(err))
	}
	length, err := copyLength(name, head)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	data, err := v.store.Get(ctx, path, copyHeader, length)
	if err != nil {
		return nil, fmt.Errorf("the second copy: %w", cutOff(err))
	}
	data, err = openCopy(name, append(head, data...))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// cutOff calls an object that is too short damaged.
func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// The envelope of a record, as far as it can be checked without a key: docs/format.md, section 4.
const (
	recordMagic = "shoerec1"
	recordLeast = 48 + 512 + 16 + 32
	recordStep  = 512
	recordSum   = 32
)

// whole tells, without a key, why the bytes of an object that has a name and perhaps a copy are not whole. Of key slots and of
// shoebox.json it knows no more than how they begin: damage there shows only beside their copy.
func whole(name string, data []byte) error {
	switch k := kindOf(name); k {
	case packKind, segmentKind:
		if blake3.Sum256(data) != packHash(name) {
			return fmt.Errorf("%w: its bytes are not those it is named by", ErrDamaged)
		}
		if k == segmentKind {
			return wholeRecord(data)
		}
	case recordKind, changingKind, momentKind:
		return wholeRecord(data)
	case slotKind:
		if !strings.HasPrefix(string(data[:min(len(data), 32)]), "age-encryption.org/v1\n") {
			return fmt.Errorf("%w: it does not begin as an age file", ErrDamaged)
		}
	case hintKind:
		if !json.Valid(data) {
			return fmt.Errorf("%w: it is not JSON", ErrDamaged)
		}
	}
	return nil
}

func wholeRecord(data []byte) error {
	if len(data) < recordLeast || (len(data)-recordLeast)%recordStep != 0 || string(data[:8]) != recordMagic {
		return fmt.Errorf("%w: it is not a record", ErrDamaged)
	}
	if body := data[:len(data)-recordSum]; blake3.Sum256(body) != [32]byte(data[len(body):]) {
		return fmt.Errorf("%w: its checksum does not fit", ErrDamaged)
	}
	return nil
}
