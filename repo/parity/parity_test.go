package parity_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"

	"shoebox/bench/proof"
	"shoebox/repo/parity"
)

// healing is the class of these proofs.
const healing = 10

// made is a pack of bytes that look like sealed ones, its name, and its sidecar.
func made(t testing.TB, length int) (pack []byte, name [32]byte, sidecar []byte) {
	t.Helper()
	pack = make([]byte, length)
	_, _ = rand.NewChaCha8([32]byte{byte(length), byte(length >> 8), byte(length >> 16)}).Read(pack)
	name = blake3.Sum256(pack)
	sidecar, err := parity.Make(nil, name, pack)
	if err != nil {
		t.Fatal(err)
	}
	return pack, name, sidecar
}

// wantHealed fails unless the damaged pack heals.
func wantHealed(t testing.TB, pack, sidecar, damaged []byte, what string) {
	t.Helper()
	healed, rep, err := parity.Heal(sidecar, damaged)
	if err != nil || !bytes.Equal(healed, pack) {
		t.Fatalf("%s of %d bytes: not healed: %+v, %v", what, len(pack), rep, err)
	}
}

// never fails when something else than the pack came back.
func never(t testing.TB, pack, sidecar, damaged []byte, what string) bool {
	t.Helper()
	healed, _, err := parity.Heal(sidecar, damaged)
	if err == nil && !bytes.Equal(healed, pack) {
		t.Fatalf("%s of %d bytes: wrong bytes came back", what, len(pack))
	}
	if err != nil && (healed != nil || !errors.Is(err, parity.ErrBeyond) && !errors.Is(err, parity.ErrSidecar)) {
		t.Fatalf("%s of %d bytes: %v", what, len(pack), err)
	}
	return err == nil
}

// sizes of packs: one shard, borders of shards, and every number of parity shards.
var sizes = []int{1, 4095, 4096, 4097, 8192, 12288, 43 * 4096, 86*4096 - 1}

func TestEveryBit(t *testing.T) {
	stride, n := proof.Pick(t, 1999, 97, 1), 0
	for _, length := range sizes {
		pack, _, sidecar := made(t, length)
		step := stride
		if length > 12288 {
			step *= 13
		}
		if length == 1 {
			step = 1
		}
		damaged := bytes.Clone(pack)
		for bit := 0; bit < 8*length; bit += step {
			damaged[bit/8] ^= 1 << (bit % 8)
			wantHealed(t, pack, sidecar, damaged, fmt.Sprint("bit ", bit))
			damaged[bit/8] ^= 1 << (bit % 8)
			n++
		}
	}
	proof.Count(t, healing, n)
}

// A stretch of 3/128 of the pack heals wherever it begins, whatever is written there.
func TestEveryStretch(t *testing.T) {
	stride, n := proof.Pick(t, 997, 53, 1), 0
	for _, length := range sizes {
		pack, _, sidecar := made(t, length)
		long := max(1, length*3/128)
		step := stride
		if length > 12288 {
			step *= 16
		}
		damaged := bytes.Clone(pack)
		for from := 0; from+long <= length; from += step {
			for i := from; i < from+long; i++ {
				damaged[i] ^= byte(i%255) + 1
			}
			wantHealed(t, pack, sidecar, damaged, fmt.Sprint("stretch from ", from))
			copy(damaged[from:], pack[from:from+long])
			n++
		}
	}
	proof.Count(t, healing, n)
}

// The promise at the size that counts: 384 KiB of a full pack, at every border of a shard and beside it.
func TestFullPack(t *testing.T) {
	pack, _, sidecar := made(t, 16<<20)
	const long, shard = 384 << 10, 128 << 10
	damaged, n := bytes.Clone(pack), 0
	for from := 0; from+long <= len(pack); from += shard * proof.Pick(t, 64, 4, 1) {
		for _, off := range []int{-1, 0, 1, shard / 2} {
			at := from + off
			if at < 0 || at+long > len(pack) {
				continue
			}
			clear(damaged[at : at+long])
			wantHealed(t, pack, sidecar, damaged, fmt.Sprint("384 KiB from ", at))
			copy(damaged[at:], pack[at:at+long])
			n++
		}
	}
	proof.Count(t, healing, n)
	clear(damaged[1 : 1+512<<10]) // five shards
	if never(t, pack, sidecar, damaged, "512 KiB") {
		t.Error("512 KiB across five shards healed, which four parity shards cannot")
	}
	over := float64(len(sidecar)) / float64(len(pack))
	if over > 0.032 {
		t.Errorf("a sidecar takes %.2f %% of the pack", 100*over)
	}
}

// Cut off at every length, and grown: healed within the promise, told beyond it.
func TestCutAndGrown(t *testing.T) {
	n := 0
	for _, length := range []int{1, 100, 4096, 12288, 43 * 4096} {
		pack, _, sidecar := made(t, length)
		for cut := 0; cut <= length; cut += proof.Pick(t, 499, 7, 1) {
			ok := never(t, pack, sidecar, pack[:cut], fmt.Sprint("cut at ", cut))
			if !ok && length-cut <= length*3/128 {
				t.Fatalf("%d bytes cut off at %d: not healed", length, cut)
			}
			n++
		}
		for _, more := range []int{1, 4096, length} {
			wantHealed(t, pack, sidecar, append(bytes.Clone(pack), make([]byte, more)...), "grown")
			n++
		}
	}
	proof.Count(t, healing, n)
}

// Every byte of a sidecar damaged: a whole pack stays, and a damaged one still heals, as there is one shard more than the damage takes.
func TestEveryByteOfTheSidecar(t *testing.T) {
	pack, name, sidecar := made(t, 12288)
	damaged := bytes.Clone(pack)
	damaged[5000] ^= 1
	n := 0
	for i := 0; i < len(sidecar); i += proof.Pick(t, 101, 2, 1) {
		bad := bytes.Clone(sidecar)
		bad[i] ^= byte(i%255) + 1
		wantHealed(t, pack, bad, damaged, fmt.Sprint("sidecar byte ", i))
		if _, _, err := parity.Check(bad); !errors.Is(err, parity.ErrSidecar) {
			t.Fatalf("byte %d of the sidecar is wrong, and Check says %v", i, err)
		}
		if err := parity.Fits(bad, name, pack); !errors.Is(err, parity.ErrSidecar) {
			t.Fatalf("byte %d of the sidecar is wrong, and Fits says %v", i, err)
		}
		n++
	}
	for cut := range len(sidecar) {
		if cut%proof.Pick(t, 97, 3, 1) != 0 {
			continue
		}
		never(t, pack, sidecar[:cut], damaged, fmt.Sprint("sidecar cut to ", cut))
		never(t, pack, sidecar[cut:], damaged, fmt.Sprint("sidecar begins at ", cut))
		if _, _, err := parity.Check(sidecar[:cut]); err == nil {
			t.Fatal("a sidecar cut off passed")
		}
		n += 2
	}
	wantHealed(t, pack, sidecar[:len(sidecar)/2], pack, "half a sidecar")
	wantHealed(t, pack, sidecar[len(sidecar)/2:], damaged, "the other half")
	proof.Count(t, healing, n)
}

// Any damage at all: what comes back is the pack or an error, and within the promise the pack.
func TestAnyDamage(t *testing.T) {
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		length := rapid.OneOf(rapid.IntRange(1, 20000), rapid.IntRange(20000, 700000)).Draw(r, "length")
		pack, name, sidecar := made(t, length)
		if err := parity.Fits(sidecar, name, pack); err != nil {
			r.Fatal(err)
		}
		of, long, err := parity.Check(sidecar)
		if err != nil || of != name || long != int64(length) {
			r.Fatal(of, long, err)
		}
		damaged := bytes.Clone(pack)
		hits := rapid.IntRange(1, 6).Draw(r, "hits")
		for range hits {
			from := rapid.IntRange(0, length-1).Draw(r, "from")
			to := min(length, from+rapid.IntRange(1, max(1, length/32)).Draw(r, "long"))
			for i := from; i < to; i++ {
				damaged[i] ^= 0x55
			}
		}
		healed, rep, err := parity.Heal(sidecar, damaged)
		n++
		if err == nil && !bytes.Equal(healed, pack) || err != nil && !errors.Is(err, parity.ErrBeyond) {
			r.Fatal(rep, err)
		}
		if fits := len(rep.Damaged) <= rep.Parity; fits != (err == nil) {
			r.Fatalf("%d shards damaged, %d parity shards: %v", len(rep.Damaged), rep.Parity, err)
		}
	})
	proof.Count(t, healing, n)
}

func TestWhatAReportSays(t *testing.T) {
	pack, _, sidecar := made(t, 12288)
	damaged := bytes.Clone(pack)
	damaged[4095] ^= 1
	damaged[4096] ^= 1
	sidecar[9] ^= 1                 // the first header
	sidecar[len(sidecar)/2] ^= 0x80 // a parity shard
	_, rep, err := parity.Heal(sidecar, damaged)
	if !errors.Is(err, parity.ErrBeyond) || len(rep.Damaged) != 2 || rep.LostParity != 1 || !rep.Header || rep.Data != 3 || rep.Parity != 2 {
		t.Errorf("%+v, %v", rep, err)
	}
	damaged[4096] ^= 1
	_, rep, err = parity.Heal(sidecar, append(damaged, 0))
	if err != nil || rep.Differed != 2 || rep.Length != 12288 {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestRefused(t *testing.T) {
	pack, name, sidecar := made(t, 5000)
	if _, err := parity.Make(nil, name, nil); !errors.Is(err, parity.ErrPack) {
		t.Error("an empty pack:", err)
	}
	if _, err := parity.Make(nil, name, make([]byte, parity.MaxPack+1)); !errors.Is(err, parity.ErrPack) {
		t.Error("a pack that is too long:", err)
	}
	if err := parity.Fits(sidecar, [32]byte{1}, pack); !errors.Is(err, parity.ErrSidecar) {
		t.Error("another pack:", err)
	}
	other := bytes.Clone(pack)
	other[1]++
	if err := parity.Fits(sidecar, name, other); !errors.Is(err, parity.ErrSidecar) {
		t.Error("other bytes:", err)
	}
}
