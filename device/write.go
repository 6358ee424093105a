package device

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

const (
	temporaryHead = ".shoebox-"
	temporaryTail = ".tmp"
)

func isTemporary(name string) bool {
	return strings.HasPrefix(name, temporaryHead) && strings.HasSuffix(name, temporaryTail)
}

// Write puts a file at f.Path, whole or not at all: the bytes go to a temporary
// name in the same folder, which takes the real name once they are complete, on
// disk, and have their mode and time. Missing folders are made. r must give
// exactly f.Size bytes; it is nil for a symlink, which is made and never followed.
// A Mode of 0 is written as 0o644.
//
// A file that is there already is fs.ErrExist, unless DirOptions.Replace says to
// replace it; a file this Dir wrote under another name (they differ only in
// case, say, where case does not count) is fs.ErrExist always.
//
// The name itself is on disk for certain only after Flush.
func (d *Dir) Write(ctx context.Context, f File, r io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkPath(f.Path); err != nil {
		return pathError("write", f.Path, err)
	}
	dir, name := splitPath(f.Path)
	folder, err := d.folders.make(dir, d.touch)
	if err != nil {
		return pathError("write", f.Path, err)
	}
	defer folder.done()
	if err := d.checkFree(folder.root, f.Path, name); err != nil {
		return pathError("write", f.Path, err)
	}
	if err := d.write(ctx, folder.root, name, f, r); err != nil {
		return pathError("write", f.Path, err)
	}
	d.touch(dir)
	return nil
}

// write makes the file under a temporary name and renames it.
func (d *Dir) write(ctx context.Context, folder *os.Root, name string, f File, r io.Reader) error {
	temporary := temporaryHead + randomHex() + temporaryTail
	err := d.makeAs(ctx, folder, temporary, f, r)
	if err == nil {
		err = d.place(folder, temporary, name)
	}
	if err != nil {
		_ = folder.Remove(temporary)
		return err
	}
	d.wrote(folder, f.Path, name)
	return nil
}

func randomHex() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func (d *Dir) makeAs(ctx context.Context, folder *os.Root, temporary string, f File, r io.Reader) error {
	switch f.Type {
	case Symlink:
		return folder.Symlink(f.Target, temporary)
	case Regular:
		return d.fill(ctx, folder, temporary, f, r)
	}
	return fmt.Errorf("%w: file type %d", fs.ErrInvalid, f.Type)
}

// checkFree looks at what is under the name before any byte is written.
func (d *Dir) checkFree(folder *os.Root, path, name string) error {
	info, err := folder.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%w: a folder", fs.ErrExist)
	case !d.replace:
		return fs.ErrExist
	}
	if d.wroteAs(path, info) {
		return fmt.Errorf("%w: just written from another name that is the same one here", fs.ErrExist)
	}
	return nil
}

// place gives the file its name. Without leave to replace, a link fails where a
// rename would not; file systems without links get a look and a rename.
func (d *Dir) place(folder *os.Root, temporary, name string) error {
	if d.replace {
		return folder.Rename(temporary, name)
	}
	err := folder.Link(temporary, name)
	switch {
	case err == nil:
		return folder.Remove(temporary)
	case errors.Is(err, fs.ErrExist):
		return fs.ErrExist
	}
	if _, err := folder.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return folder.Rename(temporary, name)
}

var foldSeed = maphash.MakeSeed()

// writtenKey is what the file system calls a file; where that is not known, its
// path without case.
func writtenKey(path string, info fs.FileInfo) uint64 {
	if id := identity(info); id != 0 {
		return id
	}
	return maphash.String(foldSeed, strings.ToLower(path))
}

// wrote remembers a file that Write made. Without leave to replace there is no need.
func (d *Dir) wrote(folder *os.Root, path, name string) {
	if !d.replace {
		return
	}
	info, err := folder.Lstat(name)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written[writtenKey(path, info)] = maphash.String(foldSeed, path)
}

// wroteAs says whether Write made this file under another path.
func (d *Dir) wroteAs(path string, info fs.FileInfo) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	other, ok := d.written[writtenKey(path, info)]
	return ok && other != maphash.String(foldSeed, path)
}

// touch remembers that a name in the folder changed.
func (d *Dir) touch(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.touched[dir] = true
}

// Flush puts the names written so far on disk: each folder once. Call it after
// the last Write, before saying that anything is restored. A folder that fails
// stays to be flushed.
func (d *Dir) Flush(ctx context.Context) error {
	d.mu.Lock()
	dirs := slices.Sorted(maps.Keys(d.touched))
	d.mu.Unlock()
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.mu.Lock()
		delete(d.touched, dir) // before the sync: a later Write sets it again
		d.mu.Unlock()
		if err := d.flush(dir); err != nil {
			d.touch(dir)
			return pathError("flush", dir, err)
		}
	}
	return nil
}

func (d *Dir) flush(dir string) error {
	folder, err := d.folders.get(dir)
	if err != nil {
		return err
	}
	defer folder.done()
	return syncFolder(folder.root)
}
