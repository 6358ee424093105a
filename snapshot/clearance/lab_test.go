package clearance_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// today is the day on which things leave the phone.
var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// onPhone is a file on a phone in memory.
type onPhone struct {
	data     []byte
	modified time.Time
}

// phone is a phone in memory: it is listed, read, hashed, emptied, and files are put back onto it.
type phone struct {
	mu     sync.Mutex
	files  map[string]onPhone
	mute   map[string]bool         // of these the phone cannot tell the hash
	unread []string                // folders that cannot be listed
	meet   func(call string) error // before each call; nil for none
}

func newPhone(files map[string]onPhone) *phone { return &phone{files: maps.Clone(files)} }

func (p *phone) call(what string) error {
	if p.meet == nil {
		return nil
	}
	return p.meet(what)
}

// file lists a path. The lock is held.
func (p *phone) file(path string) device.File {
	f := p.files[path]
	return device.File{Path: path, Size: int64(len(f.data)), ModTime: f.modified, Mode: 0o644}
}

func (p *phone) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		p.mu.Lock()
		paths := slices.Sorted(maps.Keys(p.files))
		p.mu.Unlock()
		for _, path := range paths {
			p.mu.Lock()
			f := p.file(path)
			p.mu.Unlock()
			if !yield(f, nil) {
				return
			}
		}
		for _, dir := range p.unread {
			if !yield(device.File{Path: dir}, &device.Problem{Path: dir, Err: errors.New("permission denied")}) {
				return
			}
		}
	}
}

func (p *phone) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return io.NopCloser(bytes.NewReader(p.files[f.Path].data)), nil
}

func (p *phone) Sum(_ context.Context, f device.File) ([32]byte, error) {
	if err := p.call("sum " + f.Path); err != nil {
		return [32]byte{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mute[f.Path] {
		return [32]byte{}, errors.New("input/output error")
	}
	return sha256.Sum256(p.files[f.Path].data), nil
}

func (p *phone) Remove(_ context.Context, f device.File, sum [32]byte) error {
	if err := p.call("remove " + f.Path); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	is, ok := p.files[f.Path]
	switch {
	case !ok:
		return fs.ErrNotExist
	case int64(len(is.data)) != f.Size || !is.modified.Equal(f.ModTime) || sha256.Sum256(is.data) != sum:
		return device.ErrChanged
	}
	delete(p.files, f.Path)
	return p.call("removed " + f.Path)
}

func (p *phone) Forget(context.Context, []device.File) ([]string, error) {
	return nil, p.call("forget")
}

func (p *phone) Stat(_ context.Context, path string) (device.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.files[path]; !ok {
		return device.File{}, fs.ErrNotExist
	}
	return p.file(path), nil
}

func (p *phone) Same(_ context.Context, _, f device.File, content io.Reader) (bool, error) {
	data, err := io.ReadAll(content)
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Equal(data, p.files[f.Path].data), err
}

func (p *phone) Write(_ context.Context, f device.File, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[f.Path] = onPhone{data, f.ModTime}
	return nil
}

func (p *phone) Flush(context.Context) error { return nil }

// pictures are n pictures, one a day, the last taken days before today.
func pictures(n, days int) map[string]onPhone {
	all := make(map[string]onPhone, n)
	for i := range n {
		taken := today.AddDate(0, 0, i+1-n-days)
		all[fmt.Sprintf("DCIM/Camera/IMG_%s_%03d.jpg", taken.Format("20060102"), i)] = onPhone{phototest.JPEG(phototest.Rand(uint64(i)), phototest.Picture{Bytes: 9_000, Tags: phototest.Tags{Taken: taken}}), taken}
	}
	return all
}

// lab is a repository in memory.
type lab struct {
	t     testing.TB
	store *storage.Memory
}

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{t, new(storage.Memory)}
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 4 << 10, Max: 16 << 10, Bits: 12}, PageBits: 1}
	r, err := repo.Create(t.Context(), l.store, setup, repo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) tryOpen(store storage.Store) (*repo.Repo, error) {
	secret, err := crypt.PassphraseSecret("p")
	if err != nil {
		l.t.Fatal(err)
	}
	return repo.Open(context.Background(), store, []crypt.Secret{secret}, repo.Options{})
}

func (l *lab) open(store storage.Store) *repo.Repo {
	l.t.Helper()
	r, err := l.tryOpen(store)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

func labDevice(r *repo.Repo) snapshot.Device {
	return snapshot.Device{Kind: "phone", Name: "anna", ID: snapshot.DeviceID(r, "lab")}
}

// backup takes a snapshot of a phone.
func (l *lab) backup(p *phone, adjust func(*repo.Repo, *snapshot.BackupOptions)) snapshot.Snapshot {
	l.t.Helper()
	r := l.open(l.store)
	defer r.Close()
	o := snapshot.BackupOptions{Device: labDevice(r), Host: "here", Workers: 2, Ahead: 2, Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
	if adjust != nil {
		adjust(r, &o)
	}
	s, err := snapshot.Backup(l.t.Context(), r, p, o)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// backupOf takes a snapshot of any source.
func (l *lab) backupOf(src snapshot.Source) {
	l.t.Helper()
	r := l.open(l.store)
	defer r.Close()
	o := snapshot.BackupOptions{Device: labDevice(r), Host: "here", Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
	if _, err := snapshot.Backup(l.t.Context(), r, src, o); err != nil {
		l.t.Fatal(err)
	}
}

// copied is the same repository in a store of its own.
func (l *lab) copied() *lab {
	l.t.Helper()
	to := new(storage.Memory)
	for o, err := range l.store.List(l.t.Context(), "") {
		if err != nil {
			l.t.Fatal(err)
		}
		data, err := l.store.Get(l.t.Context(), o.Name, 0, -1)
		if err == nil {
			err = to.Put(l.t.Context(), o.Name, data)
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
	return &lab{l.t, to}
}

// damage turns a bit in every pack of pictures.
func (l *lab) damage() {
	l.t.Helper()
	for o, err := range l.store.List(l.t.Context(), "packs/") {
		if err != nil {
			l.t.Fatal(err)
		}
		data, err := l.store.Get(l.t.Context(), o.Name, 0, -1)
		if err != nil {
			l.t.Fatal(err)
		}
		if len(data) > 12_000 { // pictures, not pages
			data[len(data)/2] ^= 1
			if err := l.store.Put(l.t.Context(), o.Name, data); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}
