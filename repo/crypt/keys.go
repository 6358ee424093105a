// Package crypt holds the keys of a repository, seals what is written and opens what is read.
// It does not know where anything is stored, nor what a sealed byte means.
//
// One random master key stands behind everything. It is kept in slots (age files, see Slot); from it
// every other key is derived with BLAKE3's key derivation, one purpose each and bound to the repository.
// Chunks are sealed under single-use keys (SealChunk), small things in an envelope (SealRecord).
// The bytes are laid down in docs/format.md.
package crypt

import (
	"encoding/hex"
	"fmt"
	"io"

	"github.com/zeebo/blake3"

	"shoebox/chunk"
)

// RepositoryID tells one repository from every other. It is random and no secret.
type RepositoryID [16]byte

// String gives the id as 32 hexadecimal digits.
func (id RepositoryID) String() string { return hex.EncodeToString(id[:]) }

// ParseRepositoryID reads what String wrote.
func ParseRepositoryID(s string) (id RepositoryID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%.40q is not a repository id: 32 hexadecimal digits are wanted", s)
	}
	return RepositoryID(b), nil
}

// Master is the secret everything else is derived from. Who has it can read the whole repository.
type Master [32]byte

// NewMaster draws a master key.
func NewMaster(random io.Reader) (m Master, err error) {
	if _, err = io.ReadFull(random, m[:]); err != nil {
		return m, fmt.Errorf("draw a master key: %w", err)
	}
	return m, nil
}

// Purpose names what a derived key is for; no two uses share one.
type Purpose string

// The purposes known to format version 1. Their text goes into the derivation and never changes.
const (
	chunkIDs Purpose = "chunk ids, kind %d"
	seal     Purpose = "seal chunks"
	parts    Purpose = "seal parts of packs"
	records  Purpose = "seal records"
	Split    Purpose = "page split"      // where the entries of a snapshot are cut into pages
	Cache    Purpose = "local cache"     // tags of the local index
	Identity Purpose = "device identity" // hides serial numbers
)

// Keys are the keys derived from a master key for one repository. They may be used by many goroutines at once.
type Keys struct {
	Repository RepositoryID
	Suite      Suite     // what new things are sealed with; reading takes any known suite
	Random     io.Reader // where salts come from; safe for concurrent use

	material [48]byte
	ids      [usedKinds]chunk.Key
	seal     [32]byte
	parts    [32]byte
	records  [32]byte
}

// NewKeys derives the keys of the repository from its master key.
func NewKeys(m Master, repository RepositoryID, suite Suite, random io.Reader) *Keys {
	k := &Keys{Repository: repository, Suite: suite, Random: random}
	copy(k.material[:32], m[:])
	copy(k.material[32:], repository[:])
	k.seal = k.Derive(seal)
	k.parts = k.Derive(parts)
	k.records = k.Derive(records)
	for kind := range k.ids {
		k.ids[kind] = k.idKey(chunk.Kind(kind))
	}
	return k
}

// usedKinds bounds the kinds whose keys are derived at once; those of all others when they are asked for.
const usedKinds = 5

func (k *Keys) idKey(kind chunk.Kind) chunk.Key {
	return k.Derive(Purpose(fmt.Sprintf(string(chunkIDs), kind)))
}

// Derive gives the key for a purpose.
func (k *Keys) Derive(p Purpose) (key [32]byte) {
	blake3.DeriveKey("shoebox 2026-11 repository format 1: "+string(p), k.material[:], key[:])
	return key
}

// ChunkID names plaintext of the given kind.
func (k *Keys) ChunkID(kind chunk.Kind, plain []byte) chunk.ID {
	if kind < usedKinds {
		return k.ids[kind].ID(plain)
	}
	key := k.idKey(kind)
	return key.ID(plain)
}
