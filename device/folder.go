package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// errThrough is what a path through a symlink gets: beneath one may lie anything.
var errThrough = errors.New("a symlink or a file stands where a folder should be")

// maxFolders is how many folders no one uses at the moment are kept open.
const maxFolders = 16

// folder is an open folder below the root, shared by those who work in it.
type folder struct {
	root  *os.Root
	path  string
	users int // guarded by the cache
	cache *folderCache
	used  uint64 // when last, by the cache's count
}

// done gives the folder back.
func (f *folder) done() {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	f.users--
	f.cache.trim()
}

// folderCache keeps recent folders open, since files come folder by folder and
// each way down is checked part by part.
type folderCache struct {
	root *os.Root

	mu    sync.Mutex
	open  map[string]*folder
	count uint64
}

// get opens the folder at path, "" being the root, without passing a symlink.
func (c *folderCache) get(path string) (*folder, error) {
	return c.find(path, enter)
}

// make is get, but makes what is missing and reports each folder it made a name in.
func (c *folderCache) make(path string, made func(parent string)) (*folder, error) {
	done := ""
	return c.find(path, func(parent *os.Root, name string) (*os.Root, error) {
		err := parent.Mkdir(name, 0o755)
		if err == nil {
			made(done)
		} else if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		done = joinPath(done, name)
		return enter(parent, name)
	})
}

func (c *folderCache) find(path string, step func(*os.Root, string) (*os.Root, error)) (*folder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	if f := c.open[path]; f != nil {
		f.users++
		f.used = c.count
		return f, nil
	}
	root, err := descend(c.root, path, step)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, path: path, users: 1, cache: c, used: c.count}
	if c.open == nil {
		c.open = make(map[string]*folder)
	}
	c.open[path] = f
	c.trim()
	return f, nil
}

// trim closes the longest unused folders. The caller holds mu.
func (c *folderCache) trim() {
	for len(c.open) > maxFolders {
		var oldest *folder
		for _, f := range c.open {
			if f.users == 0 && (oldest == nil || f.used < oldest.used) {
				oldest = f
			}
		}
		if oldest == nil {
			return
		}
		_ = oldest.root.Close()
		delete(c.open, oldest.path)
	}
}

// forget closes the folders that no one uses.
func (c *folderCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, f := range c.open {
		if f.users == 0 {
			_ = f.root.Close()
			delete(c.open, path)
		}
	}
}

// close closes all folders, in use or not.
func (c *folderCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, f := range c.open {
		_ = f.root.Close()
		delete(c.open, path)
	}
}

func descend(root *os.Root, path string, step func(*os.Root, string) (*os.Root, error)) (*os.Root, error) {
	at, err := root.OpenRoot(".")
	if err != nil || path == "" {
		return at, err
	}
	for name := range strings.SplitSeq(path, "/") {
		next, err := step(at, name)
		_ = at.Close()
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

// enter opens the folder name. os.Root would follow a symlink that stays inside;
// here it is refused, also one put there between the look and the opening.
func enter(parent *os.Root, name string) (*os.Root, error) {
	info, err := parent.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: %w", Printable(name), errThrough)
	}
	sub, err := parent.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	now, err := sub.Stat(".")
	if err == nil && !os.SameFile(info, now) {
		err = fmt.Errorf("%s: %w", Printable(name), errThrough)
	}
	if err != nil {
		_ = sub.Close()
		return nil, err
	}
	return sub, nil
}
