//go:build linux

package reader_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"shoebox/chunk"
	"shoebox/repo"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/snapshot"
)

// Two chunks are damaged, a head and a body: the files that need them are named and not written, all others are right.
func TestDamagedChunks(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	m.withoutRedundancy(t)
	first := m.contents(t, m.names[0])
	bad := []chunk.ID{first["DCIM/Camera/IMG_1.jpg"][0].ID, first["Documents/zeros"][1].ID}
	for _, id := range bad {
		m.spoil(t, id)
	}
	for _, name := range m.names {
		want := maps.Clone(m.truth[name])
		for path, content := range m.contents(t, name) {
			if slices.ContainsFunc(content, func(p repo.Part) bool { return slices.Contains(bad, p.ID) }) {
				delete(want, path)
			}
		}
		target := filepath.Join(t.TempDir(), "all")
		_, complaint, status := m.read(t, "restore", name, target)
		if lost := len(m.truth[name]) - len(want); lost == 0 || status != 1 || strings.Count(complaint, "\n") != lost {
			t.Errorf("%d files are lost, the reader ends with status %d and says:\n%s", lost, status, complaint)
		}
		for _, line := range regexp.MustCompile(`(?m)^damaged: (.*?): chunk [0-9a-f]{64} in pack [0-9a-f]{64}: damaged`).FindAllStringSubmatch(complaint, -1) {
			if path := unescaped(line[1]); want[path] != (file{}) || m.truth[name][path] == (file{}) {
				t.Errorf("%q is named, and is whole", path)
			}
		}
		wantSame(t, target, want)
	}
	if _, complaint, status := m.read(t, "verify"); status != 1 || strings.Count(complaint, "the bytes are not those of its name") == 0 {
		t.Errorf("verify ends with status %d:\n%s", status, complaint)
	}
}

// The same where packs have sidecars: nothing is lost, and the damage is told of.
func TestHealedChunks(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	first := m.contents(t, m.names[0])
	for _, id := range []chunk.ID{first["DCIM/Camera/IMG_1.jpg"][0].ID, first["Documents/zeros"][1].ID} {
		m.spoil(t, id)
	}
	target := filepath.Join(t.TempDir(), "all")
	_, complaint, status := m.read(t, "restore", m.names[0], target)
	if status != 1 || strings.Count(complaint, "healed from its sidecar") == 0 || strings.Count(complaint, "\n") != strings.Count(complaint, "healed from its sidecar") {
		t.Errorf("status %d, %s", status, complaint)
	}
	wantSame(t, target, m.truth[m.names[0]])
}

func (m *made) withoutRedundancy(t *testing.T) {
	t.Helper()
	for _, folder := range []string{"copies", "parity"} {
		if err := os.RemoveAll(filepath.Join(m.folder, folder)); err != nil {
			t.Fatal(err)
		}
	}
}

// contents are the parts of each file of a snapshot.
func (m *made) contents(t *testing.T, name string) map[string]repo.Content {
	t.Helper()
	r := m.open(t, 0)
	snapshots, _, err := snapshot.List(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]repo.Content{}
	for _, s := range snapshots {
		if s.Name != name {
			continue
		}
		for e, err := range snapshot.Entries(t.Context(), r, s) {
			if err != nil {
				t.Fatal(err)
			}
			found[e.Path] = e.Content
		}
	}
	return found
}

// spoil damages a chunk in every pack that holds it.
func (m *made) spoil(t *testing.T, id chunk.ID) {
	t.Helper()
	master, repository, err := crypt.OpenSlot(slurp(t, filepath.Join(m.folder, "keys", "recovery.age")), m.secrets(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	keys, homes := crypt.NewKeys(master, repository, crypt.AES256GCM, nil), 0
	for _, name := range m.glob(t, "packs/*/*") {
		data := slurp(t, name)
		directory, err := pack.ReadDirectory(keys, int64(len(data)), func(off, n int64) ([]byte, error) { return data[off : off+n], nil })
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range directory.Entries {
			if e.ID == id {
				flip(t, name, int64(e.Offset)+20)
				homes++
			}
		}
	}
	if homes == 0 {
		t.Fatalf("%x is in no pack", id)
	}
}

// Whatever single object is damaged in its middle, the reader gives no wrong byte, and says so where something is missing.
func TestDamagedObjects(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	m.withoutRedundancy(t)
	objects := slices.Concat(m.glob(t, "config/*"), m.glob(t, "snapshots/*")[:1], m.glob(t, "segments/*")[:1], m.glob(t, "packs/*/*")[:2], m.glob(t, "keys/*"))
	for _, object := range objects {
		whole := slurp(t, object)
		flip(t, object, int64(len(whole)/2))
		target := filepath.Join(t.TempDir(), "all")
		_, complaint, status := m.read(t, "restore", m.names[2], target)
		if (status == 0) != (complaint == "") {
			t.Errorf("%s: status %d, %q", object, status, complaint)
		}
		if status != 2 {
			m.wantNothingWrong(t, object, target, status)
		}
		if err := os.WriteFile(object, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Small objects that are damaged or gone are read from their second copies, which is told of.
func TestSecondCopies(t *testing.T) {
	t.Parallel()
	m := makeRepository(t, t.TempDir())
	m.forget(t)
	for _, name := range slices.Concat(m.glob(t, "config/*"), m.glob(t, "segments/*"), m.glob(t, "tombstones/*"), m.glob(t, "keys/phrase.age")) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Concat(m.glob(t, "snapshots/*"), m.glob(t, "keys/recovery.age")) {
		flip(t, name, 300)
	}
	for i, name := range m.names {
		target := filepath.Join(t.TempDir(), "all")
		_, complaint, status := m.read(t, append([]string{"-k"}[:i%2], "restore", name, target)...)
		if status != 1 || !strings.Contains(complaint, "damaged: snapshots/"+name+": ") || !strings.Contains(complaint, "; read from its second copy") {
			t.Errorf("status %d, %s", status, complaint)
		}
		wantSame(t, target, m.truth[name])
	}
	if out, _, _ := m.read(t, "list"); strings.Count(out, "\n") != len(m.names) {
		t.Errorf("listed are\n%swant %q", out, m.names)
	}
}

func (m *made) wantNothingWrong(t *testing.T, object, target string, status int) {
	t.Helper()
	got, want := tree(t, target), m.truth[m.names[2]]
	for path, f := range got {
		if f != want[path] {
			t.Errorf("%s is damaged, and so is %q", object, path)
		}
	}
	if status == 0 && len(got) != len(want) {
		t.Errorf("%s is damaged, and %d of %d files are restored without a word", object, len(got), len(want))
	}
}

func flip(t *testing.T, name string, at int64) {
	t.Helper()
	data := slurp(t, name)
	data[at] ^= 0x10
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// unescaped undoes the escapes of what the reader prints.
func unescaped(shown string) string {
	return regexp.MustCompile(`\\(\\|x[0-9a-f]{2})`).ReplaceAllStringFunc(shown, func(e string) string {
		if e == `\\` {
			return `\`
		}
		n, _ := strconv.ParseUint(e[2:], 16, 8)
		return string([]byte{byte(n)})
	})
}
