package crypt

import (
	"fmt"
	"testing"

	"shoebox/chunk"
)

// The cost of a long chunk is its bytes, that of a short one its key.
var lengths = []int{300, 4 << 20}

func BenchmarkSealChunk(b *testing.B) {
	keys := testKeys(AES256GCM)
	for _, n := range lengths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			plain, to := make([]byte, n), make([]byte, 0, n+Overhead)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.SealChunk(to, Place{Suite: AES256GCM, Kind: chunk.Body}, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpenRecord(b *testing.B) {
	keys := testKeys(AES256GCM)
	sealed, err := keys.SealRecord("segments", "a", make([]byte, 300))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.OpenRecord("segments", "a", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
