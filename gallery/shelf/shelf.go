// Package shelf keeps small things sealed in a folder, bounded in size, for as long as there is room: thumbnails, and what was learned of a
// library. It does not know what they show. All of it may be deleted at any time.
package shelf

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Shelf keeps bytes by name. It may be used by many goroutines at once, and by several processes: each then keeps to the bound by itself.
type Shelf struct {
	dir   string
	names []byte // keys the names of files, which tell nothing
	seal  cipher.AEAD
	limit int64 // bytes

	mu     sync.Mutex
	held   map[string]*thing
	bytes  int64
	clock  int64 // counts uses, to tell which was longest ago
	loaded chan struct{}
}

type thing struct {
	size int64
	used int64
}

// maxThing bounds one thing, in bytes.
const maxThing = 256 << 20

// Open opens a shelf in a folder, which is made when it is missing. What lies there is looked through in the background; Close waits for
// that. key is of this use alone. limit is the number of bytes that may lie there; what was used longest ago goes first.
func Open(dir string, key [32]byte, limit int64) (*Shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the gallery's cache: %w", err)
	}
	sealing, err := hkdf.Expand(sha256.New, key[:], "shoebox gallery: seal", 32)
	if err != nil {
		return nil, err
	}
	names, err := hkdf.Expand(sha256.New, key[:], "shoebox gallery: names", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, err
	}
	s := &Shelf{dir: dir, names: names, limit: limit, held: make(map[string]*thing), loaded: make(chan struct{})}
	if s.seal, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	go s.look()
	return s, nil
}

// Close waits until nothing is done in the background any more.
func (s *Shelf) Close() error {
	<-s.loaded
	return nil
}

// look finds out what lies there, and clears away what a crash left.
func (s *Shelf) look() {
	defer close(s.loaded)
	_ = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what cannot be listed is not on the shelf
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if strings.HasPrefix(d.Name(), temporary) {
			if time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(path) // another process may be writing younger ones
			}
			return nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[d.Name()] == nil {
			s.held[d.Name()] = &thing{size: info.Size()}
			s.bytes += info.Size()
		}
		return nil
	})
}

const temporary = ".tmp-"

// file is the name of the file that holds a thing.
func (s *Shelf) file(name string) string {
	h := hmac.New(sha256.New, s.names)
	h.Write([]byte(name))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (s *Shelf) path(file string) string { return filepath.Join(s.dir, file[:2], file) }

// Has tells whether a thing lies there, as far as is known.
func (s *Shelf) Has(name string) bool {
	file := s.file(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[file] != nil
}

// Get gives a thing, if it is there and whole.
func (s *Shelf) Get(name string) ([]byte, bool) {
	file := s.file(name)
	info, err := os.Stat(s.path(file))
	if err != nil || info.Size() > maxThing {
		s.forget(file)
		return nil, false
	}
	sealed, err := os.ReadFile(s.path(file))
	if err != nil || len(sealed) < s.seal.NonceSize() {
		s.forget(file)
		return nil, false
	}
	nonce, sealed := sealed[:s.seal.NonceSize()], sealed[s.seal.NonceSize():]
	data, err := s.seal.Open(sealed[:0], nonce, sealed, []byte(file))
	if err != nil {
		_ = os.Remove(s.path(file)) // damaged, or of another key: it is made again
		s.forget(file)
		return nil, false
	}
	s.use(file, info.Size())
	return data, true
}

// Put lays a thing on the shelf: whole, or not at all. It is not synced, as it can be made again.
func (s *Shelf) Put(name string, data []byte) error {
	file := s.file(name)
	nonce := make([]byte, s.seal.NonceSize(), s.seal.NonceSize()+len(data)+s.seal.Overhead())
	rand.Read(nonce) // never fails, says crypto/rand
	sealed := s.seal.Seal(nonce, nonce, data, []byte(file))
	if err := s.write(file, sealed); err != nil {
		return fmt.Errorf("keep something in the gallery's cache: %w", err)
	}
	s.use(file, int64(len(sealed)))
	s.makeRoom()
	return nil
}

func (s *Shelf) write(file string, data []byte) error {
	dir := filepath.Dir(s.path(file))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path(file))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error that counts is the first
	}
	return err
}

func (s *Shelf) use(file string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	if old := s.held[file]; old != nil {
		s.bytes -= old.size
	}
	s.held[file] = &thing{size, s.clock}
	s.bytes += size
}

func (s *Shelf) forget(file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.held[file]; old != nil {
		s.bytes -= old.size
		delete(s.held, file)
	}
}

// makeRoom takes away what was used longest ago, a tenth more than is needed, so that it is not done for every thing.
func (s *Shelf) makeRoom() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes <= s.limit {
		return
	}
	files := make([]string, 0, len(s.held))
	for f := range s.held {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b string) int { return int(s.held[a].used - s.held[b].used) })
	for _, f := range files[:len(files)-1] { // never the newest
		if s.bytes <= s.limit-s.limit/10 {
			return
		}
		_ = os.Remove(s.path(f)) // gone or not, it is no longer counted on
		s.bytes -= s.held[f].size
		delete(s.held, f)
	}
}

// Bytes is how much lies there, as far as is known.
func (s *Shelf) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}
