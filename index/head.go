package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"shoebox/chunk"
)

const (
	headFile = "head"
	packFile = "packs"
	maxHead  = 64 << 20 // bytes: two million segments
)

// head is the one file that says what the slot holds. What it does not list does not count.
type head struct {
	NextTable uint32
	Packs     uint32   // names in the pack file
	PackSum   []byte   // of these names
	Runs      [][]info // oldest first
	Segments  []byte   // names of 32 bytes
	Cache     cacheHead
}

// info is what is known of one table: enough to refuse a changed file before badger reads it.
type info struct {
	ID   uint32
	Keys uint32
	Size int64  // of the file, in bytes
	Tail int64  // of its directory, filter and footer, at the end
	Sum  []byte // of the tail
}

func (h *head) segments() map[Name]struct{} {
	all := make(map[Name]struct{}, len(h.Segments)/32)
	for rest := h.Segments; len(rest) >= 32; rest = rest[32:] {
		all[Name(rest[:32])] = struct{}{}
	}
	return all
}

// seal binds the head to schema, repository and key.
func (h *head) seal(o *Options) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	sum := headSum(o, text)
	return append(text, sum[:]...), nil
}

func headSum(o *Options, text []byte) chunk.ID {
	const schema = "shoebox index 1\n" // change it with anything that is written here
	key := chunk.Key(o.Key)
	return key.ID(append(append([]byte(schema), o.Repository[:]...), text...))
}

var errHead = errors.New("damaged, or of another repository or version")

func readHead(root *os.Root, o *Options) (*head, error) {
	data, err := readSmall(root, headFile, maxHead)
	if err != nil {
		return nil, err
	}
	if len(data) < 32 {
		return nil, errHead
	}
	text := data[:len(data)-32]
	if headSum(o, text) != chunk.ID(data[len(text):]) {
		return nil, errHead
	}
	h := new(head)
	if err := json.Unmarshal(text, h); err != nil {
		return nil, errHead
	}
	return h, nil
}

func readSmall(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is too large: %w", name, errHead)
	}
	return data, nil
}

// writeHead replaces the head in one step.
func writeHead(root *os.Root, h *head, o *Options) error {
	data, err := h.seal(o)
	if err != nil {
		return err
	}
	if err := writeFile(root, headFile+".new", data); err != nil {
		return err
	}
	return root.Rename(headFile+".new", headFile)
}

// writeFile writes and syncs a whole file; nothing of it stays if that fails.
func writeFile(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = root.Remove(name)
	}
	return err
}
