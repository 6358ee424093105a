package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"
)

// batch is how many entries of a folder are asked of the system at once.
const batch = 1024

// item is one entry of a folder, kept small since a folder may hold many.
type item struct {
	name string
	size int64
	sec  int64
	nsec int32
	mode fs.FileMode
}

// Files lists every file below the folder. Memory is that of the entries of one
// folder and its parents.
func (d *Dir) Files(ctx context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		d.folders.forget() // one may have been replaced since the last listing
		w := dirWalk{dir: d, ctx: ctx, yield: yield}
		w.folder("")
	}
}

type dirWalk struct {
	dir   *Dir
	ctx   context.Context
	yield func(File, error) bool
}

// folder lists one folder and what is below; false ends the walk.
func (w *dirWalk) folder(path string) bool {
	if err := w.ctx.Err(); err != nil {
		w.yield(File{}, err)
		return false
	}
	items, err := w.dir.read(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && path != "" {
			return true // gone since its parent was read
		}
		if !w.problem(path, err) {
			return false
		}
	}
	for _, it := range items {
		if !w.item(path, it) {
			return false
		}
	}
	return true
}

func (w *dirWalk) item(dir string, it item) bool {
	path := joinPath(dir, it.name)
	if w.dir.exclude.match(path) {
		return true
	}
	switch it.mode.Type() {
	case fs.ModeDir:
		return w.folder(path)
	case fs.ModeSymlink:
		return w.link(path, it)
	case 0:
		return w.yield(it.file(path), nil)
	}
	return true
}

func (it item) file(path string) File {
	return File{Path: path, Size: it.size, ModTime: time.Unix(it.sec, int64(it.nsec)), Mode: uint32(it.mode.Perm())}
}

func (w *dirWalk) link(path string, it item) bool {
	dir, name := splitPath(path)
	folder, err := w.dir.folders.get(dir)
	if err != nil {
		return w.problem(path, err)
	}
	defer folder.done()
	f := it.file(path)
	f.Type = Symlink
	f.Target, err = folder.root.Readlink(name)
	if err != nil {
		return w.problem(path, err)
	}
	f.Size = int64(len(f.Target))
	return w.yield(f, nil)
}

func (w *dirWalk) problem(path string, err error) bool {
	return w.yield(File{Path: path}, &Problem{Path: path, Err: pathError("read", path, err)})
}

// read returns the entries of one folder in order; with an error those that
// came before it.
func (d *Dir) read(path string) ([]item, error) {
	folder, err := d.folders.get(path)
	if err != nil {
		return nil, err
	}
	defer folder.done()
	f, err := folder.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	items, err := readItems(f)
	slices.SortFunc(items, func(a, b item) int { return compareItems(&a, &b) })
	return items, err
}

func readItems(f *os.File) (items []item, err error) {
	for {
		entries, err := f.ReadDir(batch)
		for _, e := range entries {
			info, err := e.Info() // asked by handle: f was opened below a Root
			if err != nil {
				continue // gone meanwhile
			}
			if isTemporary(info.Name()) {
				continue
			}
			t := info.ModTime()
			items = append(items, item{info.Name(), info.Size(), t.Unix(), int32(t.Nanosecond()), info.Mode()})
		}
		if err == io.EOF {
			return items, nil
		}
		if err != nil {
			return items, fmt.Errorf("cut off after %d entries: %w", len(items), err)
		}
	}
}

// compareItems orders items so that whole paths come in byte order: what lies in
// a folder has a '/' after its name, so a folder sorts as if it ended in one.
func compareItems(a, b *item) int {
	if !a.mode.IsDir() && !b.mode.IsDir() {
		return strings.Compare(a.name, b.name)
	}
	n := min(len(a.name), len(b.name))
	if c := strings.Compare(a.name[:n], b.name[:n]); c != 0 {
		return c
	}
	return cmp.Compare(a.byteAt(n), b.byteAt(n))
}

// byteAt is the byte at n of the name so ended, or -1 behind its end; n is at most the name's length.
func (i *item) byteAt(n int) int {
	switch {
	case n < len(i.name):
		return int(i.name[n])
	case i.mode.IsDir():
		return '/'
	}
	return -1
}
