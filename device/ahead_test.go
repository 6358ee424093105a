package device

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// What is asked for ahead, where files are read through the page cache, is the whole file and no more, each stretch once, and before it is read;
// the bytes are the file's.
func TestOpenedAhead(t *testing.T) {
	for _, size := range []int64{0, 1, aheadStep - 1, aheadStep, aheadStep + 1, 2*aheadStep + 5} {
		path := filepath.Join(t.TempDir(), "f")
		data := bytes.Repeat([]byte("shoebox!"), int(size)/8+1)[:size]
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		l := openedAhead(f, size)
		if err := l.intoCache(); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for piece := make([]byte, 300_000); err == nil; {
			if l.read < size && l.want < min(size, l.read+aheadStep) {
				t.Errorf("of %d bytes %d were asked for when %d were read", size, l.want, l.read)
			}
			var n int
			n, err = l.Read(piece)
			got.Write(piece[:n])
		}
		if err != io.EOF || !bytes.Equal(got.Bytes(), data) || l.want != size {
			t.Errorf("%d bytes: %d came, %d asked for, %v", size, got.Len(), l.want, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
