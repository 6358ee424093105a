package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/sys/cpu"

	"shoebox/chunk"
)

// Suite is how bytes are sealed; it stands in clear in the header of every pack and record.
type Suite uint8

// The suites of format version 1. Every reader knows both.
const (
	AES256GCM        Suite = 1
	ChaCha20Poly1305 Suite = 2
)

// Tag is how many bytes either suite adds to what it seals.
const Tag = 16

// ErrDamaged is wrapped by every error that says: these are not the bytes that were sealed here.
var ErrDamaged = errors.New("damaged, or not sealed for this place")

// FastestSuite is AES-256-GCM where the processor has instructions for it, else ChaCha20-Poly1305.
func FastestSuite() Suite {
	switch {
	case cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ,
		cpu.ARM64.HasAES && cpu.ARM64.HasPMULL,
		runtime.GOOS == "darwin" && runtime.GOARCH == "arm64":
		return AES256GCM
	}
	return ChaCha20Poly1305
}

// Check refuses suites this version does not know.
func (s Suite) Check() error {
	if s != AES256GCM && s != ChaCha20Poly1305 {
		return fmt.Errorf("sealed with suite %d, which this version of shoebox does not know: use a newer one", s)
	}
	return nil
}

func (s Suite) aead(key *[32]byte) (cipher.AEAD, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s == ChaCha20Poly1305 {
		return chacha20poly1305.New(key[:])
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// noNonce is the nonce of every seal: each key seals one plaintext only.
var noNonce [12]byte

// Salt makes the keys of one record, or of one pack's directory, their own. It is random and stands in clear.
type Salt [32]byte

// Place is what a sealed chunk is bound to besides the repository: opened as anything else, it fails.
type Place struct {
	Suite       Suite
	Kind        chunk.Kind
	Compression uint8
	ID          chunk.ID
}

// A sealed chunk begins with its own salt, so that one read of a pack opens it; see
// docs/decisions/0004-salt-per-chunk.md.
const chunkSalt = 16

// Overhead is how many bytes sealing adds to a chunk, with either suite: the salt, and the tag.
const Overhead = chunkSalt + Tag

// chunkKey is used for one plaintext only. The id alone would not do: the same chunk compressed by two
// versions of the compressor would be two plaintexts under one key.
func (k *Keys) chunkKey(salt []byte, p Place) (key [32]byte) {
	var text [chunkSalt + 34]byte
	n := copy(text[:], salt)
	text[n], text[n+1] = byte(p.Kind), p.Compression
	copy(text[n+2:], p.ID[:])
	return keyed(&k.seal, text[:])
}

// SealChunk appends the sealed bytes to dst: len(plain) + Overhead of them. dst may not overlap plain.
func (k *Keys) SealChunk(dst []byte, p Place, plain []byte) ([]byte, error) {
	n := len(dst)
	dst = append(dst, make([]byte, chunkSalt)...)
	if _, err := io.ReadFull(k.Random, dst[n:]); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	key := k.chunkKey(dst[n:], p)
	aead, err := p.Suite.aead(&key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(dst, noNonce[:], plain, k.Repository[:]), nil
}

// OpenChunk appends to dst what was sealed for exactly this place. The error wraps ErrDamaged when it was
// not. dst may be sealed[Overhead-16:Overhead-16], to open in place.
func (k *Keys) OpenChunk(dst []byte, p Place, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, ErrDamaged
	}
	key := k.chunkKey(sealed[:chunkSalt], p)
	aead, err := p.Suite.aead(&key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(dst, noNonce[:], sealed[chunkSalt:], k.Repository[:])
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

// SealPart appends plain, sealed as the named part of a pack (its directory, its trailer), to dst: len(plain) + 16
// bytes. Each (salt, part) may be used once.
func (k *Keys) SealPart(dst []byte, s Suite, salt Salt, part string, plain []byte) ([]byte, error) {
	aead, err := s.aead(k.partKey(salt, part))
	if err != nil {
		return nil, err
	}
	return aead.Seal(dst, noNonce[:], plain, k.Repository[:]), nil
}

// OpenPart gives back what SealPart was given.
func (k *Keys) OpenPart(s Suite, salt Salt, part string, sealed []byte) ([]byte, error) {
	aead, err := s.aead(k.partKey(salt, part))
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, noNonce[:], sealed, k.Repository[:])
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

func (k *Keys) partKey(salt Salt, part string) *[32]byte {
	key := keyed(&k.parts, append(salt[:len(salt):len(salt)], part...))
	return &key
}

// keyed is BLAKE3 under a key, as chunks are named: there the hashers are kept, of 11 KB each.
func keyed(key *[32]byte, text []byte) [32]byte { return [32]byte((*chunk.Key)(key).ID(text)) }
