package parity_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/zeebo/blake3"

	"shoebox/repo/parity"
)

// resealed changes the header of a sidecar and gives it a hash that fits.
func resealed(sidecar []byte, header int, change func(h []byte)) []byte {
	out := bytes.Clone(sidecar)
	h := out[:header]
	change(h)
	full := blake3.Sum256(h[:header-32])
	copy(h[header-32:], full[:])
	copy(out[len(out)-header:], h)
	return out
}

// An attacker can write any header: bounds hold before memory is taken, and no wrong byte comes back.
func TestHostileHeaders(t *testing.T) {
	pack, _, sidecar := made(t, 5000) // two shards and two
	const header = 48 + 4*8 + 32
	le := binary.LittleEndian
	for what, change := range map[string]func(h []byte){
		"length 0":         func(h []byte) { le.PutUint32(h[40:], 0) },
		"length 2^32-1":    func(h []byte) { le.PutUint32(h[40:], 1<<32-1) },
		"length of 64 MiB": func(h []byte) { le.PutUint32(h[40:], 64<<20) },
		"length 1":         func(h []byte) { le.PutUint32(h[40:], 1) },
		"one byte less":    func(h []byte) { le.PutUint32(h[40:], 4999) },
		"no data":          func(h []byte) { le.PutUint16(h[44:], 0) },
		"much data":        func(h []byte) { le.PutUint16(h[44:], 65535) },
		"one of data":      func(h []byte) { le.PutUint16(h[44:], 1); le.PutUint16(h[46:], 3) },
		"no parity":        func(h []byte) { le.PutUint16(h[46:], 0) },
		"much parity":      func(h []byte) { le.PutUint16(h[46:], 65535) },
		"many copies":      func(h []byte) { le.PutUint32(h[40:], 64<<20); le.PutUint16(h[44:], 1); le.PutUint16(h[46:], 3) },
		"another name":     func(h []byte) { h[8]++ },
		"other sums":       func(h []byte) { h[48]++; h[48+8]++ },
		"a wrong sum":      func(h []byte) { h[48]++ },
	} {
		bad := resealed(sidecar, header, change)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		healed, _, err := parity.Heal(bad, pack)
		never(t, pack, bad, pack, what)
		never(t, pack, bad, nil, what)
		if err := parity.Fits(bad, blake3.Sum256(pack), pack); err == nil {
			t.Errorf("%s: it fits", what)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 600<<20 {
			t.Errorf("%s: took %d MiB", what, took>>20)
		}
		if err != nil && !errors.Is(err, parity.ErrSidecar) && !errors.Is(err, parity.ErrBeyond) || err == nil && !bytes.Equal(healed, pack) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzHeal(f *testing.F) {
	for _, length := range []int{1, 100, 5000, 12288} {
		pack, _, sidecar := made(f, length)
		f.Add(sidecar, pack)
		f.Add(sidecar[:len(sidecar)/2], pack[:length/2])
		bad := bytes.Clone(sidecar)
		bad[40]++
		f.Add(bad, pack)
	}
	f.Fuzz(func(t *testing.T, sidecar, damaged []byte) {
		healed, rep, err := parity.Heal(sidecar, damaged)
		if err != nil {
			if healed != nil {
				t.Error("an error, and bytes")
			}
			return
		}
		if len(healed) == 0 || int64(len(healed)) != rep.Length || len(healed) > parity.MaxPack {
			t.Errorf("%d bytes of %+v", len(healed), rep)
		}
		if name, _, err := parity.Check(sidecar); err == nil && blake3.Sum256(healed) != name {
			t.Error("other bytes than the sidecar is for")
		}
	})
}

func BenchmarkMake(b *testing.B) {
	pack, name, _ := made(b, 16<<20)
	b.SetBytes(int64(len(pack)))
	for b.Loop() {
		if _, err := parity.Make(nil, name, pack); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeal(b *testing.B) {
	pack, _, sidecar := made(b, 16<<20)
	clear(pack[1 : 1+384<<10])
	b.SetBytes(int64(len(pack)))
	for b.Loop() {
		if _, _, err := parity.Heal(sidecar, pack); err != nil {
			b.Fatal(err)
		}
	}
}
