// Package repo keeps streams of bytes (each chunk once) and small records, sealed, in a store.
// It does not know files, dates or phones.
//
// Writing goes through a Batch: Put cuts a stream, names its chunks, and packs those the repository does
// not have yet; Commit makes everything durable in the one order that needs no repair afterwards (packs, then
// segment, then the record) and takes part in the protocol that lets a prune run at the same time. Reading goes
// through NewReader and Records. What is on disk is laid down in docs/format.md.
package repo

import (
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"shoebox/chunk"
	"shoebox/chunk/arena"
	"shoebox/index"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/storage"
	"shoebox/repo/vault"
	"shoebox/repo/wire"
)

// Options are what a repository needs from the machine it is used on. The zero value works: an index in memory.
type Options struct {
	CacheDir string           // where the local index lies, in a folder named after the repository; "" keeps it in memory
	Random   io.Reader        // of keys, salts and names; nil for crypto/rand
	Now      func() time.Time // nil for the system's clock
	Suite    crypt.Suite      // what new things are sealed with; 0 for the fastest here
}

// Repo is an open repository. It may be used by many goroutines at once.
type Repo struct {
	store    storage.Store // the vault
	vault    *vault.Vault  // over the store that was given
	keys     *crypt.Keys
	config   Config
	options  Options
	cutter   *chunk.Cutter
	compress pack.Compressor
	codec    wire.Codec

	mu     sync.Mutex
	index  *index.Index // opened when first needed
	mended mended       // the damaged pack that was read last

	memory memories     // of readers
	shared *arena.Arena // of those that are closed
}

// Part is a chunk in its place in a stream.
type Part struct {
	_    struct{} `cbor:",toarray"`
	Kind chunk.Kind
	ID   chunk.ID
	Size uint32 // of the plaintext, in bytes
}

// MaxChunk bounds the plain bytes of a part.
const MaxChunk = pack.MaxChunk

// Content is a stream as its parts, in order.
type Content []Part

// Size is the length of the stream in bytes.
func (c Content) Size() (n int64) {
	for _, p := range c {
		n += int64(p.Size)
	}
	return n
}

// ID tells this repository from every other.
func (r *Repo) ID() crypt.RepositoryID { return r.keys.Repository }

// Config says how the repository was set up.
func (r *Repo) Config() Config { return r.config }

// CacheDir is the folder on this machine that holds what may be remembered of this repository; "" when nothing is.
func (r *Repo) CacheDir() string {
	if r.options.CacheDir == "" {
		return ""
	}
	return filepath.Join(r.options.CacheDir, r.keys.Repository.String())
}

// Key derives the key for a purpose.
func (r *Repo) Key(p crypt.Purpose) [32]byte { return r.keys.Derive(p) }

// Close lets go of the local index.
func (r *Repo) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.index == nil {
		return nil
	}
	err := r.index.Close()
	r.index = nil
	return err
}

// The folders of a repository.
const (
	keysDir     = "keys/"
	configDir   = "config/"
	packsDir    = "packs/"
	segmentsDir = "segments/"
	sessionsDir = "sessions/"
	marksDir    = "marks/"
)

func packPath(n pack.Name) string {
	name := hex.EncodeToString(n[:])
	return packsDir + name[:2] + "/" + name
}

// parseHash reads the last part of a path as the 64 hexadecimal digits of a hash.
func parseHash(path string) (h [32]byte, err error) {
	name := path[strings.LastIndexByte(path, '/')+1:]
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("%s is not named as a pack or segment is", path)
	}
	return [32]byte(b), nil
}

// newName draws the name of a record or a session: 32 hexadecimal digits.
func (r *Repo) newName() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(r.keys.Random, b[:]); err != nil {
		return "", fmt.Errorf("draw a name: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}
