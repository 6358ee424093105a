package parity_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"strconv"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/zeebo/blake3"

	"shoebox/bench/proof/law"
	"shoebox/repo/parity"
)

var update = flag.Bool("update", false, "write the golden block of docs/format.md anew: sidecars made before are of another format then")

// times multiplies in GF(2^8) modulo 0x11d, bit by bit.
func times(a, b byte) (product byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		carry := a & 0x80
		if a <<= 1; carry != 0 {
			a ^= 0x1d
		}
	}
	return product
}

func inverse(a byte) byte {
	for b := range 256 {
		if times(a, byte(b)) == 1 {
			return byte(b)
		}
	}
	panic("0 has no inverse")
}

// bySections makes a sidecar as docs/format.md says, without the code under test.
func bySections(pack []byte, d, m int) (sidecar []byte, shards [][]byte) {
	s := (len(pack) + d - 1) / d
	padded := append(bytes.Clone(pack), make([]byte, d*s-len(pack))...)
	for j := range d {
		shards = append(shards, padded[j*s:(j+1)*s])
	}
	for i := range m {
		sum := make([]byte, s)
		for j := range d {
			factor := inverse(byte(d+i) ^ byte(j))
			for k := range sum {
				sum[k] ^= times(factor, shards[j][k])
			}
		}
		shards = append(shards, sum)
	}
	name := blake3.Sum256(pack)
	header := append([]byte("shoepar1"), name[:]...)
	header = binary.LittleEndian.AppendUint32(header, uint32(len(pack)))
	header = binary.LittleEndian.AppendUint16(header, uint16(d))
	header = binary.LittleEndian.AppendUint16(header, uint16(m))
	for _, shard := range shards {
		header = binary.LittleEndian.AppendUint64(header, xxhash.Sum64(shard))
	}
	h := blake3.Sum256(header)
	header = append(header, h[:]...)
	sidecar = bytes.Clone(header)
	for _, p := range shards[d:] {
		sidecar = append(sidecar, p...)
	}
	return append(sidecar, header...), shards
}

func TestFormatSidecar(t *testing.T) {
	pack := make([]byte, 10000)
	for i := range pack {
		pack[i] = byte(i % 251)
	}
	want, shards := bySections(pack, 3, 2)
	got, err := parity.Make(nil, blake3.Sum256(pack), pack)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatal("Make gives another sidecar than the page", err)
	}
	lines := law.Lines(want[:80+8*5])
	sum := blake3.Sum256(want)
	lines = append(lines, "", hex.EncodeToString(shards[3][:32]), hex.EncodeToString(shards[4][:32]), "", strconv.Itoa(len(want)), hex.EncodeToString(sum[:]))
	law.Block(t, *update, "sidecar", lines...)
}

// How many shards a pack gets is no law for readers: they heal with other counts too.
func TestOtherCounts(t *testing.T) {
	pack, _, _ := made(t, 5000)
	for _, c := range [][2]int{{1, 2}, {7, 1}, {20, 6}, {128, 32}} {
		sidecar, _ := bySections(pack, c[0], c[1])
		damaged := bytes.Clone(pack)
		damaged[100] ^= 1
		wantHealed(t, pack, sidecar, damaged, "other counts")
	}
}
