package snapshot_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// roll is a camera roll in memory: the bytes of each path. It is a Source.
type roll map[string][]byte

func (r roll) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for _, path := range slices.Sorted(maps.Keys(r)) {
			if !yield(r.file(path), nil) {
				return
			}
		}
	}
}

// file lists a path. Its time follows from its bytes, so that what differs looks changed.
func (r roll) file(path string) device.File {
	sum := blake3.Sum256(r[path])
	return device.File{Path: path, Size: int64(len(r[path])), ModTime: someday.Add(time.Duration(binary.LittleEndian.Uint32(sum[:])) * time.Second), Mode: 0o644}
}

func (r roll) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	data, ok := r[f.Path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// firstRoll and nightRoll are small: a first backup is about twenty calls to the store. Pictures take long to make up.
func firstRoll() roll { return maps.Clone(madeFirst()) }
func nightRoll() roll { return maps.Clone(madeNight()) }

var madeFirst = sync.OnceValue(func() roll {
	r := roll{"empty": nil, "notes.txt": bytes.Repeat([]byte("shopping list "), 300)}
	for i := range 7 {
		r[fmt.Sprintf("DCIM/IMG_%04d.jpg", i)] = jpeg(uint64(i), 9_000)
	}
	return r
})

var madeFresh = sync.OnceValue(func() []byte { return jpeg(200, 5_000) })

var madeNight = sync.OnceValue(func() roll {
	r := firstRoll()
	delete(r, "DCIM/IMG_0002.jpg")
	r["DCIM/IMG_0100.jpg"] = jpeg(100, 9_000)
	r["DCIM/IMG_0003.jpg"] = phototest.JPEG(phototest.Rand(3), phototest.Picture{Bytes: 9_500})
	return r
})

// lab is a repository in memory, and what each reported snapshot must give back.
type lab struct {
	t     testing.TB
	store storage.Store
	repo  *repo.Repo
	truth map[string]roll
}

var labSizes = chunk.Sizes{Min: 4 << 10, Max: 16 << 10, Bits: 12}

func labLock(t testing.TB, password string) crypt.Lock {
	t.Helper()
	lock, err := crypt.Passphrase(password, 1)
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

func labSecret(t testing.TB, password string) []crypt.Secret {
	t.Helper()
	s, err := crypt.PassphraseSecret(password)
	if err != nil {
		t.Fatal(err)
	}
	return []crypt.Secret{s}
}

func newLab(t testing.TB) *lab {
	t.Helper()
	return newLabOf(t, nil)
}

// newLabOf draws the keys from random, so that pages end at the same paths each time.
func newLabOf(t testing.TB, random io.Reader) *lab {
	t.Helper()
	l := &lab{t: t, store: new(storage.Memory), truth: make(map[string]roll)}
	var err error
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": labLock(t, "p")}, Chunks: labSizes, PageBits: 1}
	if l.repo, err = repo.Create(t.Context(), l.store, setup, repo.Options{Random: random}); err != nil {
		t.Fatal(err)
	}
	return l
}

// copied is the same repository in a store of its own, opened anew.
func (l *lab) copied() *lab {
	return &lab{t: l.t, store: copyStore(l.t, l.store), truth: maps.Clone(l.truth)}
}

func copyStore(t testing.TB, from storage.Store) *storage.Memory {
	t.Helper()
	to := new(storage.Memory)
	ctx := context.Background()
	for o, err := range from.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := from.Get(ctx, o.Name, 0, -1)
		if err == nil {
			err = to.Put(ctx, o.Name, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func openStore(t testing.TB, store storage.Store) (*repo.Repo, error) {
	t.Helper()
	return repo.Open(context.Background(), store, labSecret(t, "p"), repo.Options{})
}

func labOptions(r *repo.Repo) snapshot.BackupOptions {
	return snapshot.BackupOptions{Device: snapshot.Device{Kind: "folder", Name: "lab", ID: snapshot.DeviceID(r, "lab")}, Host: "here",
		Workers: 2, Ahead: 2, Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
}

// backup opens the repository through a store and takes a snapshot. What was reported becomes a truth.
func (l *lab) backup(store storage.Store, src roll, adjust func(*snapshot.BackupOptions)) (snapshot.Snapshot, error) {
	l.t.Helper()
	r, err := openStore(l.t, store)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	defer r.Close()
	o := labOptions(r)
	if adjust != nil {
		adjust(&o)
	}
	s, err := snapshot.Backup(context.Background(), r, src, o)
	if err == nil {
		l.truth[s.Name] = src
	}
	return s, err
}

// prove is the oracle: what was reported is listed and gives back every byte; what else is listed is one of the
// rolls that may be; check finds no damage; a fresh backup succeeds.
func (l *lab) prove(mayBe ...roll) {
	l.t.Helper()
	if err := l.proof(mayBe...); err != nil {
		l.t.Error(err)
	}
}

func (l *lab) proof(mayBe ...roll) error {
	r, err := openStore(l.t, l.store)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer r.Close()
	if err := l.proveListed(r, mayBe); err != nil {
		return err
	}
	if err := whole(r); err != nil {
		return err
	}
	fresh := firstRoll()
	fresh["fresh.jpg"] = madeFresh()
	s, err := snapshot.Backup(context.Background(), r, fresh, labOptions(r))
	if err != nil {
		return fmt.Errorf("a fresh backup: %w", err)
	}
	l.truth[s.Name] = fresh
	return errors.Join(gives(r, s, fresh), whole(r))
}

func whole(r *repo.Repo) error {
	report, err := snapshot.Check(context.Background(), r, snapshot.CheckOptions{Read: repo.Budget{All: true}})
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if len(report.Damage) > 0 {
		return fmt.Errorf("check: %v", report.Damage)
	}
	return nil
}

func (l *lab) proveListed(r *repo.Repo, mayBe []roll) error {
	listed, damaged, err := snapshot.List(context.Background(), r)
	if err != nil || len(damaged) > 0 {
		return fmt.Errorf("list: %v, %w", damaged, err)
	}
	found := 0
	for _, s := range listed {
		if want, ok := l.truth[s.Name]; ok {
			found++
			if err := gives(r, s, want); err != nil {
				return fmt.Errorf("a reported snapshot: %w", err)
			}
			continue
		}
		if !slices.ContainsFunc(mayBe, func(m roll) bool { return gives(r, s, m) == nil }) {
			return fmt.Errorf("snapshot %s is listed and nobody took it", s.Name)
		}
	}
	if found != len(l.truth) {
		return fmt.Errorf("%d of %d reported snapshots are listed", found, len(l.truth))
	}
	return nil
}

// gives reads a snapshot whole and compares.
func gives(r *repo.Repo, s snapshot.Snapshot, want roll) error {
	ctx := context.Background()
	n := 0
	for e, err := range snapshot.Entries(ctx, r, s) {
		if err != nil {
			return fmt.Errorf("snapshot %s: %w", s.Name, err)
		}
		data, ok := want[e.Path]
		if !ok {
			return fmt.Errorf("snapshot %s: %q should not be there", s.Name, e.Path)
		}
		got, err := io.ReadAll(snapshot.Open(ctx, r, e))
		if err != nil {
			return fmt.Errorf("snapshot %s: %q: %w", s.Name, e.Path, err)
		}
		if !bytes.Equal(got, data) {
			return fmt.Errorf("snapshot %s: %q came back with other bytes", s.Name, e.Path)
		}
		n++
	}
	if n != len(want) {
		return fmt.Errorf("snapshot %s: %d of %d files", s.Name, n, len(want))
	}
	return nil
}

// cutOff is a store that dies at the call number At of those that change it: before the call takes effect or
// after. From then on every call fails.
type cutOff struct {
	storage.Store
	at    int
	after bool

	mu    sync.Mutex
	calls int
	dead  bool
}

var errCut = errors.New("the process was killed here")

// strike tells whether to do the call and whether it fails.
func (c *cutOff) strike(changes bool) (do bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false, errCut
	}
	if !changes {
		return true, nil
	}
	if c.calls++; c.calls == c.at {
		c.dead = true
		return c.after, errCut
	}
	return true, nil
}

func (c *cutOff) struck() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *cutOff) Put(ctx context.Context, name string, data []byte) error {
	do, err := c.strike(true)
	if do {
		err = errors.Join(err, c.Store.Put(ctx, name, data))
	}
	return err
}

func (c *cutOff) Delete(ctx context.Context, name string) error {
	do, err := c.strike(true)
	if do {
		err = errors.Join(err, c.Store.Delete(ctx, name))
	}
	return err
}

func (c *cutOff) Get(ctx context.Context, name string, off, n int64) ([]byte, error) {
	if _, err := c.strike(false); err != nil {
		return nil, err
	}
	return c.Store.Get(ctx, name, off, n)
}

func (c *cutOff) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		if _, err := c.strike(false); err != nil {
			yield(storage.Object{}, err)
			return
		}
		c.Store.List(ctx, prefix)(yield)
	}
}

// long tells whether larger counts are wanted.
func long() bool { return os.Getenv("SHOEBOX_LONG") != "" }
