package proof

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zeebo/blake3"

	"shoebox/device"
	"shoebox/snapshot/photo/phototest"
)

// Roll is a camera roll in memory: the bytes of each path. It is a snapshot.Source.
type Roll map[string][]byte

// someday is when the oldest file of a roll was changed, about.
var someday = time.Date(2024, 8, 12, 15, 4, 5, 0, time.UTC)

// Files lists the roll in order of path.
func (r Roll) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for _, path := range slices.Sorted(maps.Keys(r)) {
			if !yield(r.file(path), nil) {
				return
			}
		}
	}
}

// file lists a path. Its time follows from its bytes, so that what differs looks changed.
func (r Roll) file(path string) device.File {
	sum := blake3.Sum256(r[path])
	later := time.Duration(binary.LittleEndian.Uint32(sum[:])) * time.Second
	return device.File{Path: path, Size: int64(len(r[path])), ModTime: someday.Add(later), Mode: 0o644}
}

// Open reads a path.
func (r Roll) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	data, ok := r[f.Path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Picture makes up a JPEG of about so many bytes; another seed, another picture.
func Picture(seed uint64, size int) []byte {
	tags := phototest.Tags{Taken: someday.Add(time.Duration(seed) * time.Hour), Make: "Maker", Model: "One"}
	return phototest.JPEG(phototest.Rand(seed), phototest.Picture{Bytes: size, Tags: tags})
}

// pictures take long to make up: a few serve all rolls. Each is about 5 kB.
var pictures = sync.OnceValue(func() (all [24][]byte) {
	for i := range all {
		all[i] = Picture(uint64(i), 3_000)
	}
	return all
})

// FirstRoll is small: its backup makes about twenty calls to a store.
func FirstRoll() Roll {
	r := Roll{"empty": nil, "notes.txt": bytes.Repeat([]byte("shopping list "), 100)}
	for i := range 4 {
		r[fmt.Sprintf("DCIM/IMG_%04d.jpg", i)] = pictures()[i]
	}
	return r
}

// Night is the roll one night later: a picture is new, one is edited, one deleted. nights are counted from 1.
func (r Roll) Night(night int) Roll {
	next, all := maps.Clone(r), pictures()
	paths := slices.Sorted(maps.Keys(next))
	delete(next, paths[night%len(paths)])
	next[paths[(night+1)%len(paths)]] = all[(3*night)%len(all)]
	next[fmt.Sprintf("DCIM/NIGHT_%04d.jpg", night)] = all[(3*night+1)%len(all)]
	return next
}

// freshRoll is what a phone that was never seen holds.
func freshRoll() Roll {
	return Roll{"fresh.jpg": pictures()[len(pictures())-1], "fresh.txt": []byte("was never stored before")}
}
