package report_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
	"shoebox/snapshot/report"
)

// file is a file of a roll; broken ones cannot be read.
type file struct {
	data   []byte
	time   time.Time
	broken bool
}

// roll is what a device holds, by path. It is a snapshot.Source.
type roll map[string]file

func (r roll) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for _, path := range slices.Sorted(maps.Keys(r)) {
			if !yield(device.File{Path: path, Size: int64(len(r[path].data)), ModTime: r[path].time, Mode: 0o644}, nil) {
				return
			}
		}
	}
}

func (r roll) Open(_ context.Context, f device.File) (io.ReadCloser, error) {
	if r[f.Path].broken {
		return nil, errors.New("the card has a bad place under " + f.Path)
	}
	return io.NopCloser(bytes.NewReader(r[f.Path].data)), nil
}

// lab is a repository in memory, and a clock.
type lab struct {
	testing.TB
	store *storage.Memory
	repo  *repo.Repo
	now   time.Time

	recheck float64 // share of unchanged files that are read again
}

var someday = time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)

func newLab(t testing.TB) *lab {
	t.Helper()
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{TB: t, store: new(storage.Memory), now: someday}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 4 << 10, Max: 16 << 10, Bits: 12}, PageBits: 4}
	if l.repo, err = repo.Create(t.Context(), l.store, setup, repo.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.repo.Close() })
	return l
}

func (l *lab) backup(name, kind string, r snapshot.Source) snapshot.Snapshot {
	l.Helper()
	o := snapshot.BackupOptions{Device: snapshot.Device{Kind: kind, Name: name, ID: snapshot.DeviceID(l.repo, name)}, Host: "here",
		Now: func() time.Time { return l.now }, Recheck: l.recheck, Batch: repo.BatchOptions{DataPack: 64 << 10, MetaPack: 64 << 10}}
	s, err := snapshot.Backup(l.Context(), l.repo, r, o)
	if err != nil && !errors.Is(err, snapshot.ErrLost) {
		l.Fatal(err)
	}
	return s
}

func (l *lab) read(o report.Options) *report.Report {
	l.Helper()
	if o.Now.IsZero() {
		o.Now = l.now.Add(time.Hour)
	}
	r, err := report.Read(l.Context(), l.repo, o)
	if err != nil {
		l.Fatal(err)
	}
	return r
}

func jpeg(seed uint64) []byte {
	return phototest.JPEG(phototest.Rand(seed), phototest.Picture{Width: 64, Height: 48})
}

func movie(seed uint64) []byte {
	return phototest.MP4(phototest.Rand(seed), phototest.Video{Bytes: 5000})
}

// phone is a camera roll of n pictures.
func phone(n int) roll {
	r := make(roll)
	for i := range n {
		r[picture(i)] = file{data: jpeg(uint64(i)), time: someday.Add(-time.Duration(i+1) * time.Hour)}
	}
	return r
}

func picture(i int) string {
	return "DCIM/Camera/secretname_" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ".jpg"
}

func of(t testing.TB, r *report.Report, name string) report.Device {
	t.Helper()
	i := slices.IndexFunc(r.Devices, func(d report.Device) bool { return d.Name == name })
	if i < 0 {
		t.Fatalf("there is no report on %s", name)
	}
	return r.Devices[i]
}
