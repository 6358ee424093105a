package vault

import (
	"bytes"
	"encoding/binary"
	"flag"
	"testing"

	"github.com/zeebo/blake3"

	"shoebox/bench/proof/law"
)

var update = flag.Bool("update", false, "write the golden block of docs/format.md anew: copies made before are of another format then")

func TestFormatCopy(t *testing.T) {
	name, original := "keys/a.age", "shoebox"
	nameSum, sum := blake3.Sum256([]byte(name)), blake3.Sum256([]byte(original))
	want := binary.LittleEndian.AppendUint64([]byte("shoecpy1"), uint64(len(original)))
	want = append(append(append(want, nameSum[:]...), sum[:]...), original...)
	if got := sealCopy(name, []byte(original)); !bytes.Equal(got, want) {
		t.Fatalf("%x, want %x", got, want)
	}
	law.Block(t, *update, "copy", law.Lines(want)...)
}
