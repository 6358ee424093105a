//go:build nodynamic && !race

package thumb_test

import (
	"bytes"
	"os"
	"testing"
)

// Not under the race detector, where to compile the decoder takes half a minute: make test runs it apart. The files were made by heif-enc from a generated picture: red in its upper left corner. One has a thumbnail inside, the other none.
func TestHEIC(t *testing.T) {
	for file, width := range map[string]int{"thumb.heic": 160, "plain.heic": 427} {
		data, err := os.ReadFile("../heif/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := small(t, "image/heic", data, 6)
		if err != nil {
			t.Fatal(err)
		}
		if m.Bounds().Dx() != width || name(m, false, false) != "r" {
			t.Errorf("%s: %s", file, look(m))
		}
	}
}

func TestHostileHEIC(t *testing.T) {
	data, err := os.ReadFile("../heif/testdata/thumb.heic")
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(data); i += len(data) / 4 {
		_, _ = small(t, "image/heic", data[:i], 1) // must come back
		changed := bytes.Clone(data)
		changed[i] ^= 0xff
		_, _ = small(t, "image/heic", changed, 1)
	}
}
