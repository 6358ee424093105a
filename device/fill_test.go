package device_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"shoebox/device"
)

func noise(seed byte, n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data) // never fails
	return data
}

// around are sizes around each border at which files are written in another way: a page, past the page cache, reserved, a
// piece, and some pieces.
func around() (sizes []int) {
	for _, border := range []int{4096, 256 << 10, 1 << 20, 2 << 20, 6 << 20} {
		sizes = append(sizes, max(border-4096, 1), border-1, border, border+1, border+4095, border+4096)
	}
	return sizes
}

// Every size comes back as it was, written by several at once from memory that is used again, by readers that give what they like.
func TestWriteSizes(t *testing.T) {
	dir := t.TempDir()
	d := openDir(t, dir, device.DirOptions{})
	sizes := around()
	at := time.Unix(1600000000, 123456789)
	errs := make(chan error)
	for i, size := range sizes {
		go func() {
			var r io.Reader = bytes.NewReader(noise(byte(i), size))
			if i%2 == 0 {
				r = iotest.HalfReader(iotest.DataErrReader(r))
			}
			errs <- d.Write(t.Context(), device.File{Path: fmt.Sprint(i), Size: int64(size), ModTime: at, Mode: 0o640}, r)
		}()
	}
	for range sizes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for i, size := range sizes {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil || !bytes.Equal(data, noise(byte(i), size)) {
			t.Error(size, len(data), err)
		}
		f, err := d.Stat(t.Context(), fmt.Sprint(i))
		if err != nil || f.Mode != 0o640 || !f.ModTime.Equal(at) {
			t.Error(f, err)
		}
	}
}

// A file that goes wrong late leaves nothing, whatever its size.
func TestWriteSizesWrong(t *testing.T) {
	broken := errors.New("broken on purpose")
	dir := t.TempDir()
	d := openDir(t, dir, device.DirOptions{})
	for _, size := range around() {
		data := noise(1, size+1)
		f := device.File{Path: "x", Size: int64(size)}
		for want, r := range map[error]io.Reader{
			device.ErrShort:   bytes.NewReader(data[:size-1]),
			device.ErrChanged: bytes.NewReader(data),
			broken:            io.MultiReader(bytes.NewReader(data[:size]), iotest.ErrReader(broken)),
		} {
			if err := d.Write(t.Context(), f, r); !errors.Is(err, want) {
				t.Error(size, want, err)
			}
		}
		// An error beside the last bytes counts too.
		if err := d.Write(t.Context(), f, &lastly{data[:size], broken}); !errors.Is(err, broken) {
			t.Error(size, err)
		}
	}
	if n := count(t, dir); n != 0 {
		t.Errorf("%d names are left", n)
	}
}

// lastly gives its error once, beside its last bytes.
type lastly struct {
	data []byte
	err  error
}

func (l *lastly) Read(p []byte) (int, error) {
	n := copy(p, l.data)
	if l.data = l.data[n:]; len(l.data) > 0 {
		return n, nil
	}
	err := l.err
	l.err = io.EOF
	return n, err
}

// BenchmarkWrite writes photos of 4 MB, eight at a time, each synced and named.
func BenchmarkWrite(b *testing.B) {
	const size = 4_000_000
	data := noise(1, size)
	d, err := device.NewDir(b.TempDir(), device.DirOptions{Replace: true})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	b.SetBytes(8 * size)
	errs := make(chan error)
	for b.Loop() {
		for i := range 8 {
			go func() {
				errs <- d.Write(b.Context(), device.File{Path: fmt.Sprint(i), Size: size}, bytes.NewReader(data))
			}()
		}
		for range 8 {
			if err := <-errs; err != nil {
				b.Fatal(err)
			}
		}
	}
}
