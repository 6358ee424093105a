package proof_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"shoebox/bench/proof"
	"shoebox/device"
	"shoebox/repo/storage"
	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot"
)

// fullDisk is a small file system with a file that takes its room.
type fullDisk struct {
	t   *testing.T
	dir string
}

func (d fullDisk) path(name string) string { return filepath.Join(d.dir, name) }

// leave takes all room but so many bytes.
func (d fullDisk) leave(room int64) {
	d.t.Helper()
	d.free()
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &s); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(d.path("ballast"), make([]byte, max(0, int64(s.Bavail)*s.Bsize-room)), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d fullDisk) free() {
	d.t.Helper()
	if err := os.Remove(d.path("ballast")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
}

// folder holds a copy of a store.
func (d fullDisk) folder(from storage.Store) *storage.Folder {
	d.t.Helper()
	if err := os.RemoveAll(d.path("repo")); err != nil {
		d.t.Fatal(err)
	}
	f, err := storage.CreateFolder(d.path("repo"))
	if err != nil {
		d.t.Fatal(err)
	}
	for o, err := range from.List(d.t.Context(), "") {
		var data []byte
		if err == nil {
			data, err = from.Get(d.t.Context(), o.Name, 0, -1)
		}
		if err == nil {
			err = f.Put(d.t.Context(), o.Name, data)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	return f
}

// On a disk that is really full a backup fails cleanly wherever it is, a restore names what it could not write and leaves no half
// file, and once there is room everything goes on.
func TestClass07_FullDisk(t *testing.T) {
	dir := storagetest.SmallDisk(t, 2<<20)
	if dir == "" {
		return
	}
	d, base := fullDisk{t, dir}, proof.New(t, new(storage.Memory))
	if _, err := base.Backup(base.Store, proof.FirstRoll(), nil); err != nil {
		t.Fatal(err)
	}
	full, half := 0, 0
	rounds := proof.Pick(t, 8, 60, 1_000)
	for i := range rounds {
		room := rand.New(rand.NewPCG(uint64(i), 7)).Int64N(80 << 10)
		f := d.folder(base.Store)
		w := base.In(f)
		d.leave(room)
		night := proof.FirstRoll().Night(1)
		_, err := w.Backup(f, night, proof.Often)
		if err != nil {
			if full++; !errors.Is(err, storage.ErrFull) {
				t.Errorf("room for %d bytes: %v", room, err)
			}
		}
		if d.restoreInto(w, room) {
			half++
		}
		d.free()
		if err := w.Prove(night); err != nil {
			t.Errorf("room for %d bytes; the backup said %v: %v", room, err, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d backups and %d restores found the disk full", full, half)
	if full == 0 || half == 0 || full == rounds {
		t.Error("the disk was always full, or never")
	}
	proof.Count(t, 7, rounds)
}

// Every job fails cleanly on a disk that is really full, or is done; a prune is always done where there is a sidecar to give up.
func TestClass07_JobsOnAFullDisk(t *testing.T) {
	dir := storagetest.SmallDisk(t, 4<<20)
	if dir == "" {
		return
	}
	d, full, rounds := fullDisk{t, dir}, 0, proof.Pick(t, 1, 4, 60)
	jobs := slices.DeleteFunc(proof.Jobs(), func(j proof.Job) bool { return j.Empty })
	for _, j := range jobs {
		base := proof.Empty(t, new(storage.Memory))
		base.Parity = j.Parity
		if err := errors.Join(base.SetUp(base.Store), j.Begin(base)); err != nil {
			t.Fatal(err)
		}
		for i := range rounds {
			// None, or up to as much as the greatest of the jobs needs.
			room := rand.New(rand.NewPCG(uint64(i), 77)).Int64N(60<<10) * int64(min(i, 1))
			what := fmt.Sprintf("%s with room for %d bytes", j.Name, room)
			err := d.job(base, j, room)
			if errors.Is(err, storage.ErrFull) && !(j.Parity && strings.HasPrefix(j.Name, "prune")) {
				full, err = full+1, nil
			}
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	t.Logf("%d of %d found the disk full", full, rounds*len(jobs))
	if full == 0 || full == rounds*len(jobs) {
		t.Error("the disk was always full, or never")
	}
	proof.Count(t, 7, rounds*len(jobs))
}

// job does one in a copy of a world on the small disk, and once more when there is room. The error is what the job said on the full disk,
// or what the oracle has against what it left.
func (d fullDisk) job(base *proof.World, j proof.Job, room int64) error {
	d.t.Helper()
	f := d.folder(base.Store)
	defer f.Close()
	w := base.In(f)
	d.leave(room)
	said := j.Do(w, f)
	d.free()
	left, err := proof.Copy(f)
	if err != nil {
		return err
	}
	if err := w.In(left).Prove(j.MayBe...); err != nil {
		return fmt.Errorf("said %v, and left: %w", said, err)
	}
	again := j.Again
	if again == nil {
		again = j.Do
	}
	if err := again(w, f); err != nil {
		return fmt.Errorf("said %v, and again, with room: %w", said, err)
	}
	if err := w.Prove(j.MayBe...); err != nil {
		return fmt.Errorf("said %v, and done again: %w", said, err)
	}
	return said
}

// restoreInto restores a snapshot to the disk while it has little room, and tells whether that was too little.
func (d fullDisk) restoreInto(w *proof.World, room int64) (short bool) {
	d.t.Helper()
	out := d.path("out")
	if err := os.Mkdir(out, 0o700); err != nil {
		d.t.Fatal(err)
	}
	defer os.RemoveAll(out)
	d.leave(room)
	r, err := w.Open(w.Store)
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Close()
	all, _, err := snapshot.List(d.t.Context(), r)
	if err != nil {
		d.t.Fatal(err)
	}
	to, err := device.NewDir(out, device.DirOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	defer to.Close()
	done, err := snapshot.Restore(d.t.Context(), r, all[0], to, snapshot.RestoreOptions{})
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		d.t.Errorf("restore with room for %d bytes: %v", room, err)
	}
	if err := wholeFiles(out, w.Truth[all[0].Name], done); err != nil {
		d.t.Errorf("restore with room for %d bytes: %v", room, err)
	}
	return len(done.Failed) > 0
}

// wholeFiles says whether all that was restored is whole, all that is not was named, and nothing else is there.
func wholeFiles(dir string, want proof.Roll, done snapshot.Restored) error {
	found := 0
	err := filepath.WalkDir(dir, func(full string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		path, err := filepath.Rel(dir, full)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(full)
		if err != nil {
			return err
		}
		if was, ok := want[path]; !ok || !bytes.Equal(data, was) {
			return fmt.Errorf("%s holds %d bytes that it should not", path, len(data))
		}
		found++
		return nil
	})
	if err == nil && (found != int(done.Files) || found+len(done.Failed) != len(want)) {
		err = fmt.Errorf("%d files are there, %d were said to be, %d failed, of %d", found, done.Files, len(done.Failed), len(want))
	}
	return err
}
