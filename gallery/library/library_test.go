package library_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/device"
	"shoebox/gallery/library"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
	"shoebox/snapshot/photo/phototest"
)

// read makes a library of some files: path -> when taken.
func read(t *testing.T, files map[string]time.Time) (*library.Library, *repo.Repo, []snapshot.Snapshot) {
	t.Helper()
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Create(t.Context(), new(storage.Memory), repo.Setup{Slots: map[string]crypt.Lock{"p": lock}, Chunks: chunk.Sizes{Min: 64 << 10, Max: 256 << 10, Bits: 16}}, repo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	dir, seed := t.TempDir(), uint64(0)
	for path, taken := range files {
		seed++
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		data := phototest.JPEG(phototest.Rand(seed), phototest.Picture{Bytes: 2000, Tags: phototest.Tags{Taken: taken, Make: "Google", Model: "Pixel 8"}})
		if err := os.WriteFile(full, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src, err := device.NewDir(dir, device.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := snapshot.Backup(t.Context(), r, src, snapshot.BackupOptions{Device: snapshot.Device{Kind: "phone", Name: "anna", ID: "1"}}); err != nil {
		t.Fatal(err)
	}
	all, _, err := snapshot.List(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	l, err := library.Read(t.Context(), r, all, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return l, r, all
}

func names(l *library.Library, v *library.View) (all string) {
	for _, i := range v.Items {
		all += l.Pictures[i].Name() + " "
	}
	return all
}

func TestSearch(t *testing.T) {
	l, r, _ := read(t, map[string]time.Time{
		"DCIM/Camera/IMG_1.jpg": time.Date(2024, 8, 12, 10, 0, 0, 0, time.UTC), "DCIM/Zürich/See.jpg": time.Date(2023, 8, 1, 0, 0, 0, 0, time.UTC),
		"Pictures/Screenshots/2019.jpg": time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC),
	})
	for text, want := range map[string]string{
		"": "IMG_1.jpg See.jpg 2019.jpg ", "img_1": "IMG_1.jpg ", "IMG CAMERA": "IMG_1.jpg ", "zürich": "See.jpg ", "august": "IMG_1.jpg See.jpg ", "aug 2023": "See.jpg ",
		"2024-08-12": "IMG_1.jpg ", "2024-08-13": "", "2019": "2019.jpg ", "date:2019": "", "date:1969-12-31": "2019.jpg ", "type:screenshot": "2019.jpg ", "type:video": "", "type:jpeg": "IMG_1.jpg See.jpg 2019.jpg ",
		"camera:pixel": "IMG_1.jpg See.jpg 2019.jpg ", "camera:canon": "", "folder:camera": "IMG_1.jpg ", "name:camera": "", "name:": "IMG_1.jpg See.jpg 2019.jpg ",
	} {
		v, err := l.View(t.Context(), r, library.Query{Text: text}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(l, v); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	for _, q := range []library.Query{{AsOf: "yesterday"}, {Snapshot: "none"}} {
		if _, err := l.View(context.Background(), r, q, time.UTC); err == nil {
			t.Errorf("%+v shows something", q)
		}
	}
}

// What was kept is read again as it was; of other snapshots, of another zone, changed or cut off, it is refused.
func TestKept(t *testing.T) {
	files := make(map[string]time.Time)
	for i := range 50 {
		files[fmt.Sprintf("DCIM/%d.jpg", i)] = time.Date(2024, 1, 1+i, 0, 0, 0, 0, time.UTC)
	}
	l, _, all := read(t, files)
	data, err := l.Encode(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	again, fresh, err := library.Decode(data, all, time.UTC)
	if err != nil || !fresh || fmt.Sprint(again.Pictures) != fmt.Sprint(l.Pictures) {
		t.Errorf("another library came back: fresh %v, %v", fresh, err)
	}
	if _, _, err := library.Decode(data, nil, time.UTC); err == nil {
		t.Error("a library of snapshots that are gone")
	}
	if _, _, err := library.Decode(data, all, time.FixedZone("east", 3600)); err == nil {
		t.Error("a library of another zone")
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 { // nothing breaks, whatever it is
		changed := bytes.Clone(data)
		changed[rng.IntN(len(changed))] ^= byte(1 + rng.IntN(255))
		_, _, _ = library.Decode(changed[:len(changed)-rng.IntN(2)*rng.IntN(len(changed))], all, time.UTC)
	}
}
