// Package pack is the form of one pack: many sealed chunks and the sealed directory that says where each lies;
// and it compresses where that pays. It does not know stores, nor who looks a chunk up.
//
// A pack, byte by byte (all numbers little-endian; docs/format.md has worked examples):
//
//	"shoepak1" (8) | zero (8) | sealed chunks, back to back | sealed directory | trailer (64)
//
// Trailer: salt (32) | sealed offset of the directory (8 + 16) | "shoeend" (7) | suite (1). Directory, before
// sealing: class (1) | number of entries (4) | entries (42 each) | zeros. The zeros pad the whole pack to
// a multiple of 4,096 bytes and hide, with the sealing, how long and how many its chunks are.
package pack

import (
	"encoding/binary"
	"fmt"

	"shoebox/chunk"
	"shoebox/repo/crypt"
)

// Class says what a pack holds. Two classes never share a pack, so that browsing reads little.
type Class uint8

// The classes.
const (
	Data Class = 1 // the bodies of pictures and videos
	Meta Class = 2 // heads, pages: what listing and browsing read
)

// ClassOf gives the class in which chunks of a kind are kept.
func ClassOf(k chunk.Kind) Class {
	if k == chunk.Body {
		return Data
	}
	return Meta
}

// The bounds of format version 1, in bytes.
const (
	MaxSize  = 64 << 20 // of a pack
	MinSize  = header + entriesAt + tag + trailer
	MaxChunk = 32 << 20 // of the plaintext of a chunk
	align    = 4096     // packs are a multiple of this, so that they can be written past the page cache

	header      = 16
	trailer     = 64
	tag         = 16
	entryLength = 42
	entriesAt   = 5 // in the directory: class and number of entries stand before
	magic       = "shoepak1"
	endMagic    = "shoeend"

	directoryPart, trailerPart = "directory", "trailer"
)

// Encoding is how a chunk is stored: the compression in the low four bits, the suite in the high four.
type Encoding uint8

// EncodingOf puts an encoding together.
func EncodingOf(c Compression, s crypt.Suite) Encoding { return Encoding(uint8(c) | uint8(s)<<4) }

// Compression is the compression used.
func (e Encoding) Compression() Compression { return Compression(e & 15) }

// Suite is how the chunk is sealed.
func (e Encoding) Suite() crypt.Suite { return crypt.Suite(e >> 4) }

// Entry is the line of one chunk in a pack's directory.
type Entry struct {
	Kind     chunk.Kind
	Encoding Encoding
	ID       chunk.ID
	Offset   uint32 // in the pack; not stored in the directory: chunks lie back to back
	Stored   uint32 // length in the pack
	Plain    uint32 // length of the plaintext
}

// Place is what the chunk is sealed for.
func (e Entry) Place() crypt.Place {
	return crypt.Place{Suite: e.Encoding.Suite(), Kind: e.Kind, Compression: uint8(e.Encoding.Compression()), ID: e.ID}
}

// AppendEntries appends the lines of the directory, 42 bytes each, to dst.
func AppendEntries(dst []byte, entries []Entry) []byte {
	for _, e := range entries {
		dst = append(dst, byte(e.Kind), byte(e.Encoding))
		dst = append(dst, e.ID[:]...)
		dst = binary.LittleEndian.AppendUint32(dst, e.Stored)
		dst = binary.LittleEndian.AppendUint32(dst, e.Plain)
	}
	return dst
}

// ParseEntries reads what AppendEntries wrote, and checks every line: the chunks must lie back to back
// within a pack of the given size.
func ParseEntries(lines []byte, packSize int64) ([]Entry, error) {
	if packSize > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes is no length of a pack", crypt.ErrDamaged, packSize)
	}
	if len(lines)%entryLength != 0 {
		return nil, fmt.Errorf("%w: a directory of %d bytes is cut off", crypt.ErrDamaged, len(lines))
	}
	entries := make([]Entry, 0, len(lines)/entryLength)
	offset := int64(header)
	for ; len(lines) > 0; lines = lines[entryLength:] {
		e := Entry{Kind: chunk.Kind(lines[0]), Encoding: Encoding(lines[1]), ID: chunk.ID(lines[2:34]), Offset: uint32(offset),
			Stored: binary.LittleEndian.Uint32(lines[34:]), Plain: binary.LittleEndian.Uint32(lines[38:])}
		if err := e.check(); err != nil {
			return nil, err
		}
		if offset += int64(e.Stored); offset > packSize-trailer-tag-entriesAt {
			return nil, fmt.Errorf("%w: its directory speaks of more bytes than it has", crypt.ErrDamaged)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// check holds what one line promises without looking at the others.
func (e Entry) check() error {
	if e.Plain == 0 || e.Plain > MaxChunk || e.Stored < crypt.Overhead || e.Stored > e.Plain+crypt.Overhead {
		return fmt.Errorf("%w: a chunk of %d bytes stored in %d", crypt.ErrDamaged, e.Plain, e.Stored)
	}
	if err := e.Encoding.Suite().Check(); err != nil {
		return err
	}
	return e.Encoding.Compression().check()
}
