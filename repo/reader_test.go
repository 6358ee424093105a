package repo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"shoebox/chunk"
	"shoebox/chunk/arena"
	"shoebox/repo/storage"
)

// sharing is a repository of longer chunks, whose streams share room for three of them, and a stream of each kind in it.
func sharing(t *testing.T, store storage.Store) (r *Repo, streams [][]byte, contents []Content) {
	t.Helper()
	r = createdWith(t, store, chunk.Sizes{Min: 64 << 10, Max: 1 << 20, Bits: 19})
	t.Cleanup(func() { r.Close() })
	b, err := r.Begin(t.Context(), BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range []int{0, 1, 200 << 10, 600 << 10, 1 << 20, 5 << 20} {
		streams = append(streams, noise(uint64(i), n))
		c, _, err := b.Put(t.Context(), bytes.NewReader(streams[i]))
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, c)
	}
	p := &play{t: t, repo: r}
	if err := p.commit(b, slices.Concat(contents...)); err != nil {
		t.Fatal(err)
	}
	r.shared = arena.New(storage.AlignedBuffer, 3*roomOf(r.config.ChunkMax))
	return r, streams, contents
}

// Who opens a stream is shown all of its bytes in order, however many streams share the memory, and with the last of them at the latest.
func TestOpenReaderShowsWhatIsRead(t *testing.T) {
	r, streams, contents := sharing(t, new(storage.Memory))
	var all sync.WaitGroup
	for i := range 60 {
		want, c := streams[i%len(streams)], contents[i%len(contents)]
		all.Go(func() {
			var seen bytes.Buffer
			s := r.OpenReader(t.Context(), c, func(part []byte) { seen.Write(part) })
			defer s.Close()
			if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, want) || !bytes.Equal(seen.Bytes(), want) {
				t.Errorf("%d bytes and %d shown, of %d: %v", len(got), seen.Len(), len(want), err)
			}
		})
	}
	all.Wait()
	if n := r.shared.Lent(); n != 0 {
		t.Errorf("%d bytes are still lent", n)
	}
}

// A stream that is closed before its end, or breaks, has nothing shown to anybody afterwards, and gives all of its memory back.
func TestOpenReaderEndsEarly(t *testing.T) {
	r, _, contents := sharing(t, new(storage.Memory))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range 20 {
		shown, closed := 0, false
		s := r.OpenReader(ctx, contents[5], func(part []byte) {
			if shown += len(part); closed {
				t.Error("shown after Close")
			}
		})
		if _, err := io.ReadFull(s, make([]byte, 1500<<10)); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if closed = true; shown < 1500<<10 {
			t.Errorf("%d bytes were shown", shown)
		}
	}
	s := r.OpenReader(ctx, contents[5], func([]byte) {})
	if _, err := s.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := io.ReadAll(s); !errors.Is(err, context.Canceled) {
		t.Errorf("read on after the end of its context: %v", err)
	}
	s.Close()
	if n := r.shared.Lent(); n != 0 {
		t.Errorf("%d bytes are still lent", n)
	}
}
