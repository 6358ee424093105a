package adbtest

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Node is what a phone says of one path.
type Node struct {
	Name  string
	Mode  uint32 // Unix: type and permission bits
	Size  int64
	Time  time.Time
	Errno uint32 // sent in place of the rest when not 0
}

// Tree is the content of a storage. Paths are relative, "" is its root.
type Tree interface {
	Stat(path string) (Node, error) // of a symlink itself; errors are syscall.Errno
	List(path string) ([]Node, error)
	Open(path string) (io.ReadCloser, error)
}

// DirTree is a folder of this computer.
type DirTree string

func (d DirTree) path(path string) string { return filepath.Join(string(d), filepath.FromSlash(path)) }

// Stat implements Tree.
func (d DirTree) Stat(path string) (Node, error) {
	info, err := os.Lstat(d.path(path))
	if err != nil {
		return Node{}, err
	}
	return nodeOf(info), nil
}

func nodeOf(info os.FileInfo) Node {
	mode := uint32(info.Mode().Perm())
	switch info.Mode().Type() {
	case 0:
		mode |= 0o100000
	case os.ModeDir:
		mode |= 0o040000
	case os.ModeSymlink:
		mode |= 0o120000
	case os.ModeNamedPipe:
		mode |= 0o010000
	case os.ModeSocket:
		mode |= 0o140000
	default:
		mode |= 0o020000
	}
	return Node{Name: info.Name(), Mode: mode, Size: info.Size(), Time: info.ModTime()}
}

// List implements Tree.
func (d DirTree) List(path string) ([]Node, error) {
	entries, err := os.ReadDir(d.path(path))
	if err != nil {
		return nil, err
	}
	var nodes []Node
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			nodes = append(nodes, nodeOf(info))
		}
	}
	return nodes, nil
}

// Open implements Tree.
func (d DirTree) Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(d.path(path))
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		f.Close()
		return nil, syscall.EISDIR
	}
	return f, nil
}

// MemTree is a made-up storage. Names are whatever is put in, valid or not. It
// is safe for use by several goroutines.
type MemTree struct {
	mu    sync.Mutex
	nodes map[string]*memNode
}

type memNode struct {
	Node
	names []string // of a folder, in the order of making
	data  []byte   // of a file; nil: made from the path
	real  int64    // bytes it really gives when read; -1 is Size
}

// NewMemTree makes an empty storage.
func NewMemTree() *MemTree {
	return &MemTree{nodes: map[string]*memNode{"": {Node: Node{Mode: 0o040771, Time: memTime}}}}
}

var memTime = time.Unix(1700000000, 0)

// Add puts a file of the given bytes at path, making folders on the way.
func (m *MemTree) Add(path string, data []byte) {
	m.put(path, &memNode{Node: Node{Mode: 0o100660, Size: int64(len(data)), Time: memTime}, data: data, real: -1})
}

// AddSize puts a file whose bytes follow from its path and size.
func (m *MemTree) AddSize(path string, size int64) {
	m.put(path, &memNode{Node: Node{Mode: 0o100660, Size: size, Time: memTime}, real: -1})
}

// AddLying puts a file that says size and gives real bytes.
func (m *MemTree) AddLying(path string, size, real int64) {
	m.put(path, &memNode{Node: Node{Mode: 0o100660, Size: size, Time: memTime}, real: real})
}

// AddNode puts anything at path; a file then has no bytes.
func (m *MemTree) AddNode(path string, n Node) { m.put(path, &memNode{Node: n, real: 0}) }

// Mkdir makes a folder.
func (m *MemTree) Mkdir(path string) {
	m.put(path, &memNode{Node: Node{Mode: 0o040771, Time: memTime}})
}

// AddEntry puts a node with a name of any bytes, '/' included, into a folder's
// listing only.
func (m *MemTree) AddEntry(dir string, n Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.link(dir, n.Name)
	m.nodes[dir+"/\x00"+n.Name] = &memNode{Node: n}
}

// Remove takes a file out.
func (m *MemTree) Remove(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.nodes, path)
	dir, name := split(path)
	if n := m.nodes[dir]; n != nil {
		n.names = slices.DeleteFunc(n.names, func(s string) bool { return s == name })
	}
}

// Touch sets a file's time.
func (m *MemTree) Touch(path string, t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes[path].Time = t
}

func split(path string) (dir, name string) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path
	}
	return path[:at], path[at+1:]
}

func (m *MemTree) put(path string, n *memNode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name := split(path)
	n.Name = name
	if m.nodes[path] == nil {
		m.link(dir, name)
	}
	m.nodes[path] = n
}

// link enters a name into its folder, making the folder. The caller holds mu.
func (m *MemTree) link(dir, name string) {
	n := m.nodes[dir]
	if n == nil {
		parent, own := split(dir)
		m.link(parent, own)
		n = &memNode{Node: Node{Name: own, Mode: 0o040771, Time: memTime}}
		m.nodes[dir] = n
	}
	n.names = append(n.names, name)
}

// Stat implements Tree.
func (m *MemTree) Stat(path string) (Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[path]
	if n == nil {
		return Node{}, syscall.ENOENT
	}
	return n.Node, nil
}

// List implements Tree.
func (m *MemTree) List(path string) ([]Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir := m.nodes[path]
	if dir == nil {
		return nil, syscall.ENOENT
	}
	if dir.Mode&0o170000 != 0o040000 {
		return nil, syscall.ENOTDIR
	}
	var nodes []Node
	for _, name := range dir.names {
		n := m.nodes[strings.TrimPrefix(path+"/"+name, "/")]
		if n == nil {
			n = m.nodes[path+"/\x00"+name]
		}
		nodes = append(nodes, n.Node)
	}
	return nodes, nil
}

// Open implements Tree.
func (m *MemTree) Open(path string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[path]
	switch {
	case n == nil:
		return nil, syscall.ENOENT
	case n.Mode&0o170000 == 0o040000:
		return nil, syscall.EISDIR
	case n.data != nil:
		return io.NopCloser(strings.NewReader(string(n.data))), nil
	}
	size := n.Size
	if n.real >= 0 {
		size = n.real
	}
	return io.NopCloser(Content(path, size)), nil
}

// noise is what made-up files are cut from.
var noise = sync.OnceValue(func() []byte {
	b := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
})

// Content gives the bytes of a made-up file, which depend on its path and size:
// a header of its own, then noise from a place of its own.
func Content(path string, size int64) io.Reader {
	h := fnv.New64a()
	_, _ = io.WriteString(h, path)
	head := binary.LittleEndian.AppendUint64(nil, h.Sum64())
	head = binary.LittleEndian.AppendUint64(head, uint64(size))
	return io.LimitReader(&content{head: head, at: int(h.Sum64() % (1 << 20))}, size)
}

type content struct {
	head []byte
	at   int
}

func (c *content) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	n := copy(p, noise()[c.at:])
	c.at = (c.at + n) % len(noise())
	return n, nil
}

// Screenshots is a storage of n made-up pictures of about 200 KB each.
func Screenshots(n int) *MemTree {
	m := NewMemTree()
	for i := range n {
		m.AddSize("Pictures/Screenshots/Screenshot_"+itoa(i)+".png", int64(150_000+(i*7919)%100_000))
	}
	return m
}

func itoa(i int) string {
	s := strconv.Itoa(i)
	return strings.Repeat("0", max(0, 5-len(s))) + s
}
