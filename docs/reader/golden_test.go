package reader_test

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"shoebox/device"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/storage"
	"shoebox/snapshot"
)

// file is what a snapshot knows of a file.
type file struct {
	hash    [32]byte // BLAKE3; zero for links
	link    string   // target
	mode    fs.FileMode
	changed time.Time // UTC
}

type filesOf map[string]file // by path

// text has a line for each file, in order of path.
func (f filesOf) text() string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(f)) {
		what := fmt.Sprintf("%x", f[path].hash)
		if f[path].link != "" {
			what = fmt.Sprintf("-> %q", f[path].link)
		}
		fmt.Fprintf(&b, "%q %04o %s %s\n", path, f[path].mode, f[path].changed.Format(time.RFC3339Nano), what)
	}
	return b.String()
}

// goldens are repositories in testdata that earlier versions of shoebox made. Nothing in them is ever changed: what they hold must be
// readable for ever. Each is a folder of repository/, key.txt which opens it, and truth.txt.
//
// To make one for a new version: go test ./docs/reader -run TestGolden -update; then name it here.
var goldens = []string{"golden-v1"}

func TestGolden(t *testing.T) {
	for _, name := range goldens {
		wantGolden(t, filepath.Join("testdata", name))
	}
}

// wantGolden holds what shoebox reads against truth.txt.
func wantGolden(t *testing.T, folder string) {
	t.Helper()
	var key, truth []byte
	var err error
	if key, err = os.ReadFile(filepath.Join(folder, "key.txt")); err != nil {
		t.Fatal(err)
	}
	if truth, err = os.ReadFile(filepath.Join(folder, "truth.txt")); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, filepath.Join(folder, "repository"), string(key)); got != string(truth) {
		t.Errorf("%s holds\n%swant\n%s", folder, got, truth)
	}
}

// readAll reads every file of every snapshot of a repository through shoebox itself, in the form of truth.txt.
func readAll(t *testing.T, folder, secret string) string {
	t.Helper()
	store, err := storage.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	key, err := crypt.IdentitySecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Open(t.Context(), store, []crypt.Secret{key}, repo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	snapshots, damaged, err := snapshot.List(t.Context(), r)
	if err != nil || len(damaged) > 0 {
		t.Fatal(err, damaged)
	}
	var b strings.Builder
	for _, s := range snapshots {
		found := filesOf{}
		for e, err := range snapshot.Entries(t.Context(), r, s) {
			if err != nil {
				t.Fatal(err)
			}
			found[e.Path] = fileOf(t, r, e)
		}
		fmt.Fprintf(&b, "snapshot %s\n%s", s.Name, found.text())
	}
	return b.String()
}

func fileOf(t *testing.T, r *repo.Repo, e snapshot.Entry) file {
	t.Helper()
	f := file{link: e.Target, mode: fs.FileMode(e.Mode), changed: e.ModTime.UTC()}
	if e.Type == device.Regular {
		h := blake3.New()
		if _, err := io.Copy(h, snapshot.Open(t.Context(), r, e)); err != nil {
			t.Fatal(err)
		}
		h.Sum(f.hash[:0])
	}
	return f
}
