//go:build linux

package reader_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
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

// made is a repository in a folder, and what its snapshots must give back.
type made struct {
	folder, passwordFile, keyFile string
	secret                        string             // of the key file
	names                         []string           // of the snapshots, oldest first
	truth                         map[string]filesOf // by name of the snapshot
	now                           time.Time
}

const password = "geheim ü "

// newRepository makes one that can be opened with a password and with a key file. Chunks and pages are small, so that there are many.
func newRepository(t *testing.T, folder string) *made {
	t.Helper()
	secret, identity, err := crypt.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	phrase, err := crypt.Passphrase(password, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := &made{folder: folder, passwordFile: write(t, password+"\n"), keyFile: write(t, "# a key file\n"+secret+"\n"), secret: secret,
		truth: map[string]filesOf{}, now: time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)}
	store, err := storage.CreateFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	setup := repo.Setup{Slots: map[string]crypt.Lock{"phrase": phrase, "recovery": identity}, Chunks: chunk.Sizes{Min: 2 << 10, Max: 8 << 10, Bits: 11}, PageBits: 1, Parity: true}
	r, err := repo.Create(t.Context(), store, setup, repo.Options{Suite: crypt.AES256GCM})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *made) secrets(t *testing.T) []crypt.Secret {
	t.Helper()
	s, err := crypt.IdentitySecret(m.secret)
	if err != nil {
		t.Fatal(err)
	}
	return []crypt.Secret{s}
}

// open opens it until the end of the test.
func (m *made) open(t *testing.T, suite crypt.Suite) *repo.Repo {
	t.Helper()
	store, err := storage.OpenFolder(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Open(t.Context(), store, m.secrets(t), repo.Options{Suite: suite})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// take takes a snapshot, a night after the one before, sealed with that suite.
func (m *made) take(t *testing.T, suite crypt.Suite, source snapshot.Source, name string) (snapshotName string) {
	t.Helper()
	r := m.open(t, suite)
	m.now = m.now.Add(24 * time.Hour)
	s, err := snapshot.Backup(t.Context(), r, source, snapshot.BackupOptions{
		Device: snapshot.Device{Kind: "folder", Name: name, ID: snapshot.DeviceID(r, name)},
		Host:   "host", Roots: []string{"DCIM"}, Tags: []string{"tag"}, Program: "reader_test", Now: func() time.Time { return m.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	m.names = append(m.names, s.Name)
	return s.Name
}

// makeRepository makes one of three nights: pictures, videos, links, names and times that are odd; sealed with one suite, the other, both.
func makeRepository(t *testing.T, folder string) *made {
	t.Helper()
	m := newRepository(t, folder)
	camera := t.TempDir()
	files := map[string][]byte{
		"DCIM/Camera/IMG_1.jpg":                 picture(1, "before"),
		"DCIM/Camera/IMG_2.jpg":                 phototest.MotionPhoto(phototest.Rand(2), phototest.Picture{Bytes: 6_000}, phototest.Video{Bytes: 6_000}),
		"DCIM/Camera/VID_3.mp4":                 phototest.MP4(phototest.Rand(3), phototest.Video{Bytes: 40_000, Taken: m.now}),
		"DCIM/Camera/PXL_4.dng":                 phototest.PNG(phototest.Rand(4), phototest.Picture{Bytes: 5_000}),
		"DCIM/line\nbreak \xff\\ \u202e":        []byte("odd"),
		"DCIM/empty":                            nil,
		"DCIM/one":                              {0},
		"Documents/zeros":                       make([]byte, 100_000),
		"Documents/notes.txt":                   bytes.Repeat([]byte("shopping list "), 2_000),
		"Documents/" + strings.Repeat("ü", 100): []byte("a long name"),
	}
	for i := range 12 {
		files[fmt.Sprintf("Documents/many/%02d", i)] = fmt.Appendf(nil, "file %d", i)
	}
	for path, data := range files {
		put(t, camera, path, data)
	}
	for name, target := range map[string]string{"DCIM/link": "Camera/IMG_1.jpg", "DCIM/away": "/nowhere/at/all", "DCIM/odd": "\xfe\n"} {
		if err := os.Symlink(target, filepath.Join(camera, name)); err != nil {
			t.Fatal(err)
		}
	}
	m.night(t, crypt.AES256GCM, camera)

	put(t, camera, "DCIM/Camera/IMG_1.jpg", picture(1, "a person wrote this"))
	put(t, camera, onlySecond, phototest.JPEG(phototest.Rand(5), phototest.Picture{Bytes: 20_000}))
	if err := os.Remove(filepath.Join(camera, "DCIM/one")); err != nil {
		t.Fatal(err)
	}
	m.night(t, crypt.ChaCha20Poly1305, camera)

	put(t, camera, "DCIM/new", []byte("the last night"))
	if err := os.Remove(filepath.Join(camera, onlySecond)); err != nil {
		t.Fatal(err)
	}
	m.night(t, crypt.AES256GCM, camera)
	return m
}

const onlySecond = "DCIM/Camera/IMG_5.jpg" // of the second night

// forget forgets the second night. What only it holds goes to an attic.
func (m *made) forget(t *testing.T) {
	t.Helper()
	now := func() time.Time { return m.now.Add(time.Hour) }
	done, err := snapshot.Forget(t.Context(), m.open(t, 0), m.names[1:2], snapshot.ForgetOptions{Host: "host", Program: "reader_test", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Attics) != 1 {
		t.Fatalf("%d attics were made", len(done.Attics))
	}
	attic := done.Attics[0].Name
	m.truth[attic] = filesOf{onlySecond: m.truth[m.names[1]][onlySecond]}
	m.names = []string{m.names[0], m.names[2], attic}
}

func picture(seed uint64, said string) []byte {
	tags := phototest.Tags{Taken: time.Date(2024, 8, 12, 17, 4, 5, 0, time.UTC), Offset: "+02:00", Orientation: 6, Make: "Maker", Model: "One", Description: said}
	return phototest.JPEG(phototest.Rand(seed), phototest.Picture{Bytes: 9_000, Tags: tags})
}

// put writes a file whose mode and time follow from its path and length.
func put(t *testing.T, folder, path string, data []byte) {
	t.Helper()
	full := filepath.Join(folder, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(full, []fs.FileMode{0o644, 0o600, 0o755, 0o444}[len(path)%4]); err != nil {
		t.Fatal(err)
	}
	changed := time.Date(1965+len(path), 1, 2, 3, 4, 5, 123456789+len(data), time.UTC)
	if err := os.Chtimes(full, changed, changed); err != nil {
		t.Fatal(err)
	}
}

// night backs a folder up.
func (m *made) night(t *testing.T, suite crypt.Suite, folder string) {
	t.Helper()
	source, err := device.NewDir(folder, device.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	m.truth[m.take(t, suite, source, "camera")] = tree(t, folder)
}

// tree is what a folder holds.
func tree(t *testing.T, folder string) filesOf {
	t.Helper()
	found := filesOf{}
	err := filepath.WalkDir(folder, func(full string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := file{mode: info.Mode().Perm(), changed: info.ModTime().UTC()}
		if d.Type() == fs.ModeSymlink {
			f.link, err = os.Readlink(full)
		} else {
			f.hash = blake3.Sum256(slurp(t, full))
		}
		path, _ := filepath.Rel(folder, full)
		found[path] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantSame(t *testing.T, folder string, want filesOf) {
	t.Helper()
	if got := tree(t, folder).text(); got != want.text() {
		t.Errorf("restored is\n%swant\n%s", got, want.text())
	}
}

func (m *made) glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(m.folder, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return found
}

func slurp(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// write writes a file of its own and gives its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// forged is a source of files that no device has.
type forged []device.File

func (f forged) Files(context.Context) iter.Seq2[device.File, error] {
	return func(yield func(device.File, error) bool) {
		for _, file := range f {
			if file.Mode = 0o644; !yield(file, nil) {
				return
			}
		}
	}
}

func (f forged) Open(context.Context, device.File) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(nil)), nil
}
