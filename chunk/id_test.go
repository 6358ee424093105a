package chunk

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"sync"
	"testing"

	"github.com/zeebo/blake3"
)

// The key and the hashes are from the official test vectors of BLAKE3:
// inputs are 0, 1, ... 250, 0, 1, ... of the given length.
func TestIDMatchesOfficialVectors(t *testing.T) {
	var key Key
	copy(key[:], "whats the Elvish word for friend")
	for n, want := range map[int]string{
		0:    "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
		1:    "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b",
		1024: "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4",
	} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i % 251)
		}
		if got := key.ID(data).String(); got != want {
			t.Errorf("%d bytes: got %s, want %s", n, got, want)
		}
	}
}

func TestIDOfManyKeysAtOnce(t *testing.T) {
	data := bytes.Repeat([]byte("shoebox"), 3000)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				key := Key{byte(i % 7), byte(g % 3)}
				h, err := blake3.NewKeyed(key[:])
				if err != nil {
					t.Error(err)
					return
				}
				h.Write(data[:i*100])
				if got, want := key.ID(data[:i*100]), h.Sum(nil); !bytes.Equal(got[:], want) {
					t.Errorf("key %v: got %s, want %s", key[:2], got, hex.EncodeToString(want))
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkID(b *testing.B) {
	for _, n := range []int{100, 16 << 10, 4 << 20} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			keys := [2]Key{{1}, {2}}
			data := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				keys[i%2].ID(data)
			}
		})
	}
}
