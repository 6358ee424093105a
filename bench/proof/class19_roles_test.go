package proof_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"shoebox/bench/proof"
	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/garbage"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// What follows runs in processes of their own, whose memory is measured: WHAT DIR NUMBER KIND. The repository lies in DIR/repo, its
// local index in DIR/cache, as the program has it.

// measured does one thing and says how much memory it took at most.
func measured(args []string) error {
	do, ok := map[string]func(load) error{
		"backup": load.backup, "check": load.check, "prune": load.prune, "restore": load.restore, "fill": load.fill, "prune-chunks": load.pruneChunks,
	}[args[0]]
	if !ok {
		return fmt.Errorf("there is no %s", args[0])
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	garbage.Bound(garbage.Room) // as the program does
	stop := watchHeap()
	if err := do(load{args[1], n, args[3]}); err != nil {
		return err
	}
	stop()
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	return say(map[string]any{"message_type": "summary", "peak": peak})
}

// watchHeap writes heap profiles into the folder that SHOEBOX_HEAP names, each when the heap has grown by a quarter: for whoever wants to
// know what takes the memory.
func watchHeap() (stop func()) {
	dir := os.Getenv("SHOEBOX_HEAP")
	if dir == "" {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		most := uint64(32 << 20)
		for {
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
			}
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapInuse > most*5/4 {
				most = m.HeapInuse
				if f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%05d.heap", os.Args[1], most>>20))); err == nil {
					_ = errors.Join(pprof.WriteHeapProfile(f), f.Close()) // only a help
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

// peakMemory is the most that was resident of this process, in bytes, as Linux tells it.
func peakMemory() (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "VmHWM:" {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.Join(errors.New("/proc/self/status names no VmHWM"), lines.Err())
}

// load is how much there is of what, and where.
type load struct {
	dir    string
	number int
	kind   string // of files: "folders" or "one" folder, made up; or "real", from DIR/photos. Of chunks: which are live, see isLive
}

func (l load) in(do func(ctx context.Context, r *repo.Repo) error) error {
	ctx := context.Background()
	store, err := storage.OpenFolder(filepath.Join(l.dir, "repo"))
	if err != nil {
		return err
	}
	secret, err := crypt.PassphraseSecret(crypt.PublishedPassphrase)
	if err != nil {
		return err
	}
	r, err := repo.Open(ctx, store, []crypt.Secret{secret}, repo.Options{CacheDir: filepath.Join(l.dir, "cache")})
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, r), r.Close())
}

// Files makes a listing up. In order of path.
func (l load) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for i := range l.number {
			path := fmt.Sprintf("DCIM/IMG_%08d.jpg", i)
			if l.kind == "folders" {
				path = fmt.Sprintf("DCIM/%06d/IMG_%08d.jpg", i/1000, i)
			}
			f := device.File{Path: path, Size: 12, ModTime: time.Unix(1_700_000_000+int64(i), 0), Mode: 0o644}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// Open gives each file other bytes: twelve.
func (l load) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader([]byte(f.Path[len(f.Path)-12:]))), nil
}

func (l load) backup() error {
	var source snapshot.Source = l
	if l.kind == "real" {
		dir, err := device.NewDir(filepath.Join(l.dir, "photos"), device.DirOptions{})
		if err != nil {
			return err
		}
		defer dir.Close()
		source = dir
	}
	return l.in(func(ctx context.Context, r *repo.Repo) error {
		o := snapshot.BackupOptions{Device: snapshot.Device{Kind: "folder", Name: "many", ID: snapshot.DeviceID(r, "many")}, Host: "here"}
		s, err := snapshot.Backup(ctx, r, source, o)
		if err == nil && s.Count.Files != int64(l.number) {
			err = fmt.Errorf("%d of %d files are safe", s.Count.Files, l.number)
		}
		return err
	})
}

func (l load) check() error {
	return l.in(func(ctx context.Context, r *repo.Repo) error {
		report, err := snapshot.Check(ctx, r, snapshot.CheckOptions{Read: repo.Budget{All: true}})
		if err == nil && (len(report.Damage) > 0 || report.Snapshots == 0) {
			err = fmt.Errorf("check: %+v", report)
		}
		return err
	})
}

func (l load) prune() error {
	return l.in(func(ctx context.Context, r *repo.Repo) error {
		_, err := snapshot.Prune(ctx, r, snapshot.PruneOptions{})
		return err
	})
}

func (l load) restore() error {
	return l.in(func(ctx context.Context, r *repo.Repo) error {
		listed, _, err := snapshot.List(ctx, r)
		if err != nil {
			return err
		}
		path := filepath.Join(l.dir, "back")
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
		to, err := device.NewDir(path, device.DirOptions{})
		if err != nil {
			return err
		}
		defer to.Close()
		did, err := snapshot.Restore(ctx, r, listed[len(listed)-1], to, snapshot.RestoreOptions{})
		if err == nil && did.Files != int64(l.number) {
			err = fmt.Errorf("%d of %d files came back: %v", did.Files, l.number, did.Failed)
		}
		return err
	})
}

// chunkOf is the content of one of many chunks.
func chunkOf(i int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(i)) }

// livePart names it.
func livePart(r *repo.Repo, i int) repo.Part { return r.Part(chunk.Body, chunkOf(i)) }

// isLive tells which chunks are needed. They lie in packs in their order, so whole packs are dead or half dead in a "mixed" one; in a
// "sparse" one four of ten of every pack are dead, and each is written anew.
func (l load) isLive(i int) bool {
	if l.kind == "sparse" {
		return i%10 >= 4
	}
	switch i * 20 / l.number {
	case 3, 9:
		return false
	case 5, 12:
		return i%2 == 0
	}
	return true
}

// fill stores so many chunks.
func (l load) fill() error {
	return l.in(func(ctx context.Context, r *repo.Repo) error {
		b, err := r.Begin(ctx, repo.BatchOptions{DataPack: min(5<<20, 3*l.number)}) // few enough, or large enough, not to be small to a prune
		if err != nil {
			return err
		}
		defer b.Abort()
		for i := range l.number {
			if _, _, err := b.PutChunk(ctx, chunk.Body, chunkOf(i)); err != nil {
				return err
			}
			if i%(1<<18) == 0 {
				if err := b.Flush(ctx); err != nil {
					return err
				}
			}
		}
		_, err = b.Commit(ctx, "snapshots", nil, func(context.Context) iter.Seq2[repo.Part, error] {
			return func(func(repo.Part, error) bool) {}
		})
		return err
	})
}

// chunkRoots keep what isLive says.
type chunkRoots struct {
	load
	repo  *repo.Repo
	again bool
}

func (c *chunkRoots) Parts(context.Context, func(chunk.ID) bool) iter.Seq2[repo.Part, error] {
	return func(yield func(repo.Part, error) bool) {
		if c.again {
			return
		}
		c.again = true
		for i := range c.number {
			if c.isLive(i) && !yield(livePart(c.repo, i), nil) {
				return
			}
		}
	}
}

func (c *chunkRoots) Drop(context.Context) error { return nil }

func (l load) pruneChunks() error {
	return l.in(func(ctx context.Context, r *repo.Repo) error {
		report, err := r.Prune(ctx, &chunkRoots{load: l, repo: r}, repo.PruneOptions{})
		if err != nil {
			return err
		}
		if report.Deleted == 0 || report.MovedPacks == 0 {
			return fmt.Errorf("there was nothing to do: %+v", report)
		}
		fmt.Fprintf(os.Stderr, "%+v\n", *report)
		return l.sample(ctx, r)
	})
}

// sample looks at some of what must still be there.
func (l load) sample(ctx context.Context, r *repo.Repo) error {
	for i := 0; i < l.number; i += l.number/1000 + 1 {
		if !l.isLive(i) {
			continue
		}
		if got, err := r.Chunk(ctx, livePart(r, i)); err != nil || !bytes.Equal(got, chunkOf(i)) {
			return fmt.Errorf("chunk %d: %x, %w", i, got, err)
		}
	}
	return nil
}

// newLoad makes a repository in a folder.
func newLoad(dir string) error {
	store, err := storage.CreateFolder(filepath.Join(dir, "repo"))
	if err != nil {
		return err
	}
	return proof.CreatePublic(store)
}
