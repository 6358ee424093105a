package vault

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/zeebo/blake3"
)

var update = flag.Bool("update", false, "write the golden block of docs/format.md anew: copies made before are of another format then")

func TestFormatCopy(t *testing.T) {
	const law, open = "../../docs/format.md", "```golden copy\n"
	name, original := "keys/a.age", "shoebox"
	nameSum, sum := blake3.Sum256([]byte(name)), blake3.Sum256([]byte(original))
	want := binary.LittleEndian.AppendUint64([]byte("shoecpy1"), uint64(len(original)))
	want = append(append(append(want, nameSum[:]...), sum[:]...), original...)
	if got := sealCopy(name, []byte(original)); !bytes.Equal(got, want) {
		t.Fatalf("%x, want %x", got, want)
	}
	lines := ""
	for rest := want; len(rest) > 0; rest = rest[min(32, len(rest)):] {
		lines += hex.EncodeToString(rest[:min(32, len(rest))]) + "\n"
	}
	text, err := os.ReadFile(law)
	must(t, err)
	before, rest, ok := strings.Cut(string(text), open)
	block, after, closed := strings.Cut(rest, "```")
	switch {
	case !ok || !closed:
		t.Fatal("there is no block of a copy in", law)
	case block == lines:
	case *update:
		must(t, os.WriteFile(law, []byte(before+open+lines+"```"+after), 0o644))
	default:
		t.Errorf("the copy in %s is\n%swant\n%s", law, block, lines)
	}
}
