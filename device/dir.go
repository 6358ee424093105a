package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// DirOptions says what a Dir lists and how it writes.
type DirOptions struct {
	Exclude []string // patterns of paths not to list, see Exclude
	Replace bool     // Write replaces a file that is there; else it is fs.ErrExist
}

// Dir is a folder: a source, or the place to write to. It never leaves the
// folder, whatever symlinks are in it. It is safe for use by several goroutines.
type Dir struct {
	root    *os.Root
	exclude patterns
	replace bool
	folders folderCache
	pieces  pieces

	mu      sync.Mutex
	touched map[string]bool   // folders to be synced by Flush
	written map[uint64]uint64 // files Write made, and from which path (hashed): two names may be one file
}

// NewDir opens a folder, which must exist. A symlink at its very path is followed.
func NewDir(path string, o DirOptions) (*Dir, error) {
	exclude, err := parsePatterns(o.Exclude)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{root: root, exclude: exclude, replace: o.Replace}
	d.folders.root = root
	d.touched = make(map[string]bool)
	d.written = make(map[uint64]uint64)
	return d, nil
}

// Close gives the folder up. Streams already open stay so.
func (d *Dir) Close() error {
	d.folders.close()
	return d.root.Close()
}

// Stat tells what is at a path; fs.ErrNotExist when nothing is, also when a folder
// on the way is missing. A folder or something else that Files does not list is
// an error wrapping fs.ErrInvalid.
func (d *Dir) Stat(ctx context.Context, path string) (File, error) {
	if err := ctx.Err(); err != nil {
		return File{}, err
	}
	if err := checkPath(path); err != nil {
		return File{}, pathError("stat", path, err)
	}
	dir, name := splitPath(path)
	folder, err := d.folders.get(dir)
	if err != nil {
		return File{}, pathError("stat", path, err)
	}
	defer folder.done()
	info, err := folder.root.Lstat(name)
	if err != nil {
		return File{}, pathError("stat", path, err)
	}
	return fileOf(folder.root, path, name, info)
}

// Same takes the same size and time of change for the same bytes, and leaves content unread. A link is the same when it leads to the same place: it has
// no time of its own worth keeping, and Write gives it none.
func (d *Dir) Same(_ context.Context, there, f File, _ io.Reader) (bool, error) {
	if there.Type == Symlink && f.Type == Symlink {
		return there.Target == f.Target, nil
	}
	return there.Type == f.Type && there.Size == f.Size && there.ModTime.Equal(f.ModTime), nil
}

// fileOf makes a File of what lies at name in a folder.
func fileOf(folder *os.Root, path, name string, info fs.FileInfo) (File, error) {
	f := File{Path: path, Size: info.Size(), ModTime: info.ModTime(), Mode: uint32(info.Mode().Perm())}
	switch info.Mode().Type() {
	case 0:
		return f, nil
	case fs.ModeSymlink:
		target, err := folder.Readlink(name)
		if err != nil {
			return f, pathError("readlink", path, err)
		}
		f.Type, f.Target, f.Size = Symlink, target, int64(len(target))
		return f, nil
	}
	return f, pathError("stat", path, fmt.Errorf("%w: a %v is no file", fs.ErrInvalid, info.Mode().Type()))
}

// splitPath splits "a/b/c" into "a/b" and "c"; the folder of "c" is "".
func splitPath(path string) (dir, name string) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path
	}
	return path[:at], path[at+1:]
}

func joinPath(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// pathError names the path below the root, not the handle the system call used.
func pathError(op, path string, err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return &fs.PathError{Op: op, Path: Printable(path), Err: err}
}
