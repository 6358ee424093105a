package repo

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
)

// onFolder is a repository on a disk in memory, of which before hears each call.
func onFolder(t *testing.T, before func(call string) error) (*Repo, *storagetest.Disk) {
	t.Helper()
	disk := new(storagetest.Disk)
	r := createdIn(t, storage.NewFolder(&storagetest.WatchedDisk{Disk: disk, Before: before}, rand.Reader))
	t.Cleanup(func() { r.Close() })
	return r, disk
}

func isPiece(call string) bool { return strings.HasPrefix(call, "write packs/.tmp-") }

// A pack is with the store for the most part before it is full, and what was begun leaves nothing when the batch is given up.
func TestPacksAreWrittenAhead(t *testing.T) {
	var pieces atomic.Int64
	r, disk := onFolder(t, func(call string) error {
		if isPiece(call) {
			pieces.Add(1)
		}
		return nil
	})
	b, err := r.Begin(t.Context(), BatchOptions{DataPack: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Abort()
	for i := uint64(0); pieces.Load() == 0; i++ {
		if i == 25 { // 1 MB, in two packs: neither is full
			t.Fatal("nothing of 1 MB was written")
		}
		if _, _, err := b.Put(t.Context(), strings.NewReader(string(noise(i, 40_000)))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := b.Count().Packs; n != 0 {
		t.Errorf("%d packs are stored already", n)
	}
	b.Abort()
	if left := disk.Leftovers(); len(left) > 0 {
		t.Error(left)
	}
}

// A piece that could not be written is an error of the pack, and nothing of it stays.
func TestPieceThatCannotBeWritten(t *testing.T) {
	for _, begin := range []bool{true, false} {
		r, disk := onFolder(t, func(call string) error {
			if isPiece(call) && !begin || strings.HasPrefix(call, "create packs/.tmp-") && begin {
				return syscall.EIO
			}
			return nil
		})
		b, err := r.Begin(t.Context(), BatchOptions{DataPack: 128 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for i := uint64(0); i < 100 && err == nil; i++ {
			_, _, err = b.Put(t.Context(), strings.NewReader(string(noise(i, 40_000))))
		}
		if err == nil {
			err = b.Flush(context.Background())
		}
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("begin %v: %v", begin, err)
		}
		b.Abort()
		if left := disk.Leftovers(); len(left) > 0 {
			t.Error(left)
		}
	}
}

// A pack that is full and that nobody began to store yet leaves nothing either when the batch is given up.
func TestFullPackThatIsNotStored(t *testing.T) {
	stuck, release := make(chan struct{}), make(chan struct{})
	isStuck := sync.OnceFunc(func() { close(stuck) })
	var begun atomic.Int64
	r, disk := onFolder(t, func(call string) error {
		switch {
		case strings.HasPrefix(call, "create packs/.tmp-"):
			begun.Add(1)
		case strings.HasPrefix(call, "sync packs/.tmp-") && begun.Load() >= 2:
			isStuck()
			<-release
		}
		return nil
	})
	b, err := r.Begin(t.Context(), BatchOptions{DataPack: 128 << 10, Uploads: 1, InMemory: 1})
	if err != nil {
		t.Fatal(err)
	}
	put := make(chan error)
	go func() {
		var err error
		for i := uint64(0); err == nil; i++ {
			_, _, err = b.Put(t.Context(), strings.NewReader(string(noise(i, 10_000))))
		}
		put <- err
	}()
	<-stuck
	waits := func() bool { // beside the one that is being stored
		b.packer.mu.Lock()
		defer b.packer.mu.Unlock()
		return len(b.packer.flying) >= 2
	}
	for !waits() {
		time.Sleep(time.Millisecond)
	}
	aborted := make(chan struct{})
	go func() { b.Abort(); close(aborted) }()
	if err := <-put; !errors.Is(err, context.Canceled) {
		t.Errorf("a batch that was given up takes more: %v", err)
	}
	close(release)
	<-aborted
	if left := disk.Leftovers(); len(left) > 0 {
		t.Error(left)
	}
}
