package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/zeebo/blake3"
	"golang.org/x/crypto/scrypt"
	"golang.org/x/sync/errgroup"

	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
)

// A floor is the least that a work needs: the same calls of the system with nothing of ours in between.

const (
	floorDepth = 8        // files or packs in flight,
	giveDepth  = 14       // and files that are given back
	floorPack  = 16 << 20 // bytes of a buffer and of a file that is written
	floorPage  = 4096     // what direct reads and writes are aligned to
	floorSyncs = 100      // files of the floor fsync
	floorBlock = 8        // scrypt's r, as age has it
)

func (b *bench) floorRead(dir string) command {
	return command{program: floorRead, args: []string{b.self, "-floor", "read", dir}, reads: []string{dir}}
}

func (b *bench) floorCopy(dir string) command { return b.floorTo(floorCopy, "copy", dir) }

// floorTo is one that writes into a folder of its own.
func (b *bench) floorTo(name, what, dir string) command {
	to := filepath.Join(b.work, "floor")
	return command{program: name, args: []string{b.self, "-floor", what, dir, to}, reads: []string{dir},
		before: func() error { return remake(to) }, after: func() error { return os.RemoveAll(to) }}
}

// floorSeal is floorCopy with what the promises of the format ask of each byte on the way: three hashes, and a cipher.
func (b *bench) floorSeal(dir string) command { return b.floorTo(floorSeal, "seal", dir) }

func find(dir string) command {
	return command{program: floorFind, args: []string{"find", dir, "-printf", `%P %s %T@ %m\n`}}
}

// start is a shoebox that does nothing.
func (b *bench) start() command {
	return command{program: floorStart, args: []string{b.shoebox, "version"}}
}

// key is the cost of a guess at a password, which shoebox pays once whenever it is given one.
func (b *bench) key() command {
	return command{program: floorKey, args: []string{b.self, "-floor", "key"}}
}

// floors measures what everything else stands on.
func (b *bench) floors() error {
	dir := filepath.Join(b.work, "synced")
	syncs := command{program: fmt.Sprintf("write and fsync of 4 KiB, %d times", floorSyncs), args: []string{b.self, "-floor", "fsync", dir}, before: func() error { return remake(dir) }}
	start := b.start()
	start.program = "shoebox version"
	empty := command{program: "true", args: []string{"true"}}
	self := command{program: "a Go program that does nothing", args: []string{b.self, "-floor", "nothing"}}
	if err := b.compare(row{Work: "start of a process"}, start, empty, self); err != nil {
		return err
	}
	return b.compare(row{Work: "a small file made safe"}, syncs)
}

// runFloor does the least that a work needs.
func runFloor(what string, args []string) error {
	switch {
	case what == "nothing":
		return nil
	case what == "key":
		_, err := scrypt.Key([]byte("bench"), make([]byte, 16), 1<<crypt.DefaultWork, floorBlock, 1, 32)
		return err
	case what == "read" && len(args) == 1:
		return directly(args[0], "", nil)
	case what == "copy" && len(args) == 2:
		return directly(args[0], args[1], nil)
	case what == "move" && len(args) == 3:
		return moveOut(args[0], args[1], args[2])
	case what == "seal" && len(args) == 2:
		repo.MakeRoomToWait()
		return directly(args[0], args[1], func(_ string, buf []byte) error { return sealed(buf, 3) })
	case what == "protect" && len(args) == 2:
		repo.MakeRoomToWait()
		return directly(args[0], args[1], func(path string, buf []byte) error { return errors.Join(sealed(buf, 3), protect(path, buf)) })
	case what == "give" && len(args) == 2:
		return giveBack(args[0], args[1])
	case what == "fsync" && len(args) == 1:
		return syncMany(args[0])
	}
	return fmt.Errorf("there is no floor %q of %q", what, args)
}

// span is a stretch of a file.
type span struct {
	path string
	from int64
	n    int
}

// directly reads the files of a folder past the page cache, in the order of their paths; with a folder to, it writes as many bytes there in files of
// 16 MiB, each safe before its buffer is used again. between, which may be nil, deals with the bytes of each in between.
func directly(dir, to string, between func(path string, data []byte) error) error {
	var names atomic.Int64
	err := severalAtOnce(floorDepth, func(take func([]span) error) error { return spans(dir, 1<<62, take) },
		func(batch []span, buf []byte) error {
			path := ""
			if to != "" {
				path = filepath.Join(to, fmt.Sprint(names.Add(1)))
			}
			_, err := carry(batch, buf, path, between)
			return err
		})
	if err != nil || to == "" {
		return err
	}
	return syncDir(to)
}

// severalAtOnce works on what is dealt out, so many at a time, each with a buffer of its own, until one of them fails.
func severalAtOnce[T any](workers int, deal func(take func(T) error) error, work func(one T, buf []byte) error) error {
	g, ctx := errgroup.WithContext(context.Background())
	dealt := make(chan T)
	g.Go(func() error {
		defer close(dealt)
		return deal(func(one T) error {
			select {
			case dealt <- one:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	})
	for range workers {
		g.Go(func() error {
			buf := storage.AlignedBuffer(floorPack)[:floorPack]
			for one := range dealt {
				if err := work(one, buf); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// spans hands out most bytes, as much at a time as fits into one buffer, each span on a border of its own.
func spans(dir string, most int64, take func([]span) error) error {
	var batch []span
	room := floorPack
	flush := func() error {
		full := batch
		batch, room = nil, floorPack
		if len(full) == 0 {
			return nil
		}
		return take(full)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		for at := int64(0); at < info.Size() && most > 0; {
			n := int(min(int64(room), info.Size()-at, roundUp(most)))
			batch = append(batch, span{path, at, n})
			at, most, room = at+int64(n), most-int64(n), room-int(roundUp(int64(n)))
			if room == 0 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, flush())
}

func roundUp(n int64) int64 {
	if n > 1<<61 {
		return n
	}
	return (n + floorPage - 1) / floorPage * floorPage
}

// sealed hashes bytes as often as said, as the id of a chunk, the sum of a file and the name of a pack, and seals them where they
// are.
func sealed(buf []byte, hashes int) error {
	for range hashes {
		blake3.Sum256(buf)
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	gcm.Seal(buf[:0], make([]byte, gcm.NonceSize()), buf[:len(buf)-gcm.Overhead()], nil)
	return nil
}

// carry reads a batch and writes it to a new file, if there is a path for one. It tells how much of buf that took.
func carry(batch []span, buf []byte, path string, between func(path string, data []byte) error) (used int, err error) {
	for _, s := range batch {
		if err := s.read(buf[used : used+int(roundUp(int64(s.n)))]); err != nil {
			return used, err
		}
		used += int(roundUp(int64(s.n)))
	}
	if between != nil {
		if err := between(path, buf[:used]); err != nil {
			return used, err
		}
	}
	if path == "" {
		return used, nil
	}
	f, err := openDirect(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return used, err
	}
	_, err = f.Write(buf[:used])
	return used, errors.Join(err, f.Sync(), f.Close())
}

func (s span) read(buf []byte) error {
	f, err := openDirect(s.path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := f.ReadAt(buf, s.from)
	if err == io.EOF {
		err = nil
	}
	if err == nil && n < s.n {
		err = fmt.Errorf("%s: %d of %d bytes", s.path, n, s.n)
	}
	return err
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncMany makes small files safe, one after the other.
func syncMany(dir string) error {
	data := make([]byte, floorPage)
	for i := range floorSyncs {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
