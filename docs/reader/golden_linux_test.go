package reader_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "make testdata/"+newest+", if it is not there")

const newest = "golden-v1"

const maxGolden = 300 << 10 // bytes

// The reader reads every golden repository, and one as it would be made today.
func TestGoldenInPython(t *testing.T) {
	today := t.TempDir()
	makeGolden(t, today)
	wantGolden(t, today)
	wantGoldenInPython(t, today)
	if *update {
		folder := filepath.Join("testdata", newest)
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s is there (%v), and is never made again", folder, err)
		}
		if err := os.CopyFS(folder, os.DirFS(today)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range goldens {
		wantGoldenInPython(t, filepath.Join("testdata", name))
	}
}

func makeGolden(t *testing.T, folder string) {
	t.Helper()
	m := makeRepository(t, filepath.Join(folder, "repository"))
	m.forget(t)
	var truth strings.Builder
	for _, name := range m.names {
		fmt.Fprintf(&truth, "snapshot %s\n%s", name, m.truth[name].text())
	}
	for name, text := range map[string]string{"truth.txt": truth.String(), "key.txt": m.secret + "\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	size := int64(0)
	for _, pattern := range []string{"*", "*/*", "*/*/*"} {
		for _, name := range m.glob(t, pattern) {
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				size += info.Size()
			}
		}
	}
	if t.Logf("a golden repository takes %d bytes", size); size > maxGolden {
		t.Errorf("a golden repository of %d bytes is too much for git", size)
	}
}

func wantGoldenInPython(t *testing.T, folder string) {
	t.Helper()
	m := &made{folder: filepath.Join(folder, "repository"), keyFile: filepath.Join(folder, "key.txt"), passwordFile: write(t, password+"\n")}
	var got strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(m.mustRead(t, "-k", "list")), "\n") {
		target := filepath.Join(t.TempDir(), fmt.Sprint(i))
		m.mustRead(t, append([]string{"-k"}[:i%2], "restore", line[:32], target)...)
		fmt.Fprintf(&got, "snapshot %s\n%s", line[:32], tree(t, target).text())
	}
	m.mustRead(t, "verify")
	if want := string(slurp(t, filepath.Join(folder, "truth.txt"))); got.String() != want {
		t.Errorf("%s holds, says the reader,\n%swant\n%s", folder, &got, want)
	}
}
