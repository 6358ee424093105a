package crypt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/zeebo/blake3"

	"shoebox/repo/guard"
)

// The envelope of a record:
//
//	magic "shoerec1" (8) | suite (1) | zero (7) | salt (32) | sealed | BLAKE3 of all before it (32)
//
// What is sealed is the length of the plaintext (4, little-endian), the plaintext, and zeros up to a
// multiple of recordStep, so that the length of a record tells little.
const (
	recordMagic  = "shoerec1"
	recordHeader = 48
	recordSum    = 32
	recordStep   = 512
)

// MaxRecord bounds the plaintext of a record, in bytes.
const MaxRecord = 64 << 20

// SealRecord puts plain into an envelope that opens only in this repository, as this kind, under this name.
// A record whose name is the hash of the envelope has no name yet: it is sealed under "".
func (k *Keys) SealRecord(kind, name string, plain []byte) ([]byte, error) {
	if len(plain) > MaxRecord {
		return nil, fmt.Errorf("seal %s/%s: %d bytes are more than a record may hold (%d)", kind, name, len(plain), MaxRecord)
	}
	out := make([]byte, recordHeader, recordHeader+len(plain)+recordStep+Tag+recordSum+4)
	copy(out, recordMagic)
	out[8] = byte(k.Suite)
	salt := out[16:48]
	if _, err := io.ReadFull(k.Random, salt); err != nil {
		return nil, fmt.Errorf("seal %s/%s: draw a salt: %w", kind, name, err)
	}
	padded := make([]byte, (4+len(plain)+recordStep-1)/recordStep*recordStep)
	binary.LittleEndian.PutUint32(padded, uint32(len(plain)))
	copy(padded[4:], plain)

	key := k.recordKey(Salt(salt), kind, name)
	aead, err := k.Suite.aead(&key)
	if err != nil {
		return nil, fmt.Errorf("seal %s/%s: %w", kind, name, err)
	}
	out = aead.Seal(out, noNonce[:], padded, k.recordData(out[:recordHeader]))
	sum := blake3.Sum256(out)
	return append(out, sum[:]...), nil
}

// OpenRecord gives back what SealRecord was given. The error wraps ErrDamaged when the envelope is not
// whole, or was sealed for another repository, kind or name.
func (k *Keys) OpenRecord(kind, name string, sealed []byte) ([]byte, error) {
	plain, err := k.openRecord(kind, name, sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s/%s: %w", kind, name, err)
	}
	return plain, nil
}

func (k *Keys) openRecord(kind, name string, sealed []byte) ([]byte, error) {
	if len(sealed) < recordHeader+recordStep+Tag+recordSum || len(sealed) > MaxRecord+recordHeader+recordStep+Tag+recordSum {
		return nil, fmt.Errorf("%w: %d bytes is no length of a record", ErrDamaged, len(sealed))
	}
	body, sum := sealed[:len(sealed)-recordSum], sealed[len(sealed)-recordSum:]
	if got := blake3.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, fmt.Errorf("%w: its checksum does not fit", ErrDamaged)
	}
	if string(body[:8]) != recordMagic || !zero(body[9:16]) {
		return nil, fmt.Errorf("%w: it does not begin as a record of format 1", ErrDamaged)
	}
	suite := Suite(body[8])
	key := k.recordKey(Salt(body[16:48]), kind, name)
	aead, err := suite.aead(&key)
	if err != nil {
		return nil, err
	}
	padded, err := aead.Open(nil, noNonce[:], body[recordHeader:], k.recordData(body[:recordHeader]))
	if err != nil {
		return nil, ErrDamaged
	}
	n := binary.LittleEndian.Uint32(padded)
	if len(padded)%recordStep != 0 || int64(n) > int64(len(padded)-4) || !zero(padded[4+n:]) {
		return nil, fmt.Errorf("%w: its inner length does not fit", ErrDamaged)
	}
	return padded[4 : 4+n : 4+n], nil
}

// recordKey binds a record to its kind, its name and its salt.
func (k *Keys) recordKey(salt Salt, kind, name string) [32]byte {
	text := append([]byte(nil), salt[:]...)
	if !guard.On(guard.Binding) {
		kind, name = "", ""
	}
	for _, s := range []string{kind, name} {
		text = binary.LittleEndian.AppendUint32(text, uint32(len(s)))
		text = append(text, s...)
	}
	return keyed(&k.records, text)
}

// recordData is authenticated with a record: its header in clear, and the repository.
func (k *Keys) recordData(header []byte) []byte {
	return append(append([]byte(nil), header...), k.Repository[:]...)
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
