// Package parity makes a sidecar for a pack, from which the pack heals when some of its bytes are damaged.
// It does not know what the bytes mean, nor where they are kept.
//
// A pack is cut into up to 128 data shards; Reed-Solomon parity shards over them go into the sidecar, with a sum of every shard:
// a shard whose sum does not fit is lost, and as many shards as there are parity shards may be lost. So every damaged stretch of up to 3/128 of a pack
// (384 KiB of 16 MiB) heals wherever it lies, and more when it is spread over no more shards than that. What Heal gives
// back has the BLAKE3 hash that the pack is named by, or is an error. The form is in docs/format.md, section 19.
package parity

import (
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/reedsolomon"
	"github.com/zeebo/blake3"
)

const (
	// MaxPack is the longest pack that has a sidecar, in bytes.
	MaxPack = 64 << 20
	// MaxSidecar is the longest sidecar a reader takes, in bytes.
	MaxSidecar = 65 << 20

	aimedShard = 4096 // bytes of a data shard in small packs, at most
	maxData    = 128  // data shards
	maxParity  = 32   // parity shards that a reader takes; writers make at most 4
)

var (
	// ErrSidecar is wrapped when a sidecar is damaged, or none.
	ErrSidecar = errors.New("the sidecar is damaged")
	// ErrBeyond is wrapped when more of a pack is damaged than its sidecar can heal.
	ErrBeyond = errors.New("more is damaged than parity can heal")
	// ErrPack is wrapped when a pack is empty, longer than MaxPack, or not the one that is meant.
	ErrPack = errors.New("not a pack for this sidecar")
)

// Report says what Heal found.
type Report struct {
	Data, Parity     int   // shards there are
	Damaged          []int // data shards that were damaged, counted from 0
	LostParity       int   // parity shards that were damaged
	Header           bool  // a copy of the sidecar's header was damaged
	Length, Differed int64 // bytes of the pack, and how many of them were wrong or missing
}

// Make gives the sidecar of a pack, in room when that has the capacity for it. name is the BLAKE3 hash of the pack; Make believes it.
func Make(room []byte, name [32]byte, pack []byte) ([]byte, error) {
	if len(pack) == 0 || len(pack) > MaxPack {
		return nil, fmt.Errorf("make parity: %d bytes: %w", len(pack), ErrPack)
	}
	l := plan(name, len(pack))
	out := slices.Grow(room[:0], l.sidecar())[:l.sidecar()]
	shards, err := l.encode(pack, out[l.header():])
	if err != nil {
		return nil, fmt.Errorf("make parity: %w", err)
	}
	l.sums = make([]sum, 0, len(shards))
	for _, s := range shards {
		l.sums = append(l.sums, sumOf(s))
	}
	l.put(out)
	l.put(out[len(out)-l.header():])
	return out, nil
}

// Heal gives back the pack that damaged once was. damaged may be shorter or longer than the pack; nil is a pack that is gone, which heals only
// where it had as few data shards as parity shards. The sidecar may be damaged too: what is left of it is used. The error wraps
// ErrSidecar or ErrBeyond, and the report is good as far as it goes.
func Heal(sidecar, damaged []byte) ([]byte, Report, error) {
	l, parity, both, err := find(sidecar)
	if err != nil {
		return nil, Report{}, fmt.Errorf("heal: %w", err)
	}
	rep := Report{Data: l.data, Parity: l.parity, Header: !both, Length: int64(l.length)}
	healed := make([]byte, l.length, l.data*l.size())
	copy(healed, damaged)
	shards := l.split(healed[:cap(healed)])
	for i, s := range shards {
		if sumOf(s) != l.sums[i] {
			rep.Damaged = append(rep.Damaged, i)
			shards[i] = s[:0:len(s)] // reconstruction writes in place
		}
	}
	for i := range l.parity {
		s := l.shard(parity, i)
		if s == nil || sumOf(s) != l.sums[l.data+i] {
			s = nil
			rep.LostParity++
		}
		shards = append(shards, s)
	}
	if err := l.reconstruct(shards, rep); err != nil {
		return nil, rep, fmt.Errorf("heal: %w", err)
	}
	if blake3.Sum256(healed) != l.name {
		return nil, rep, fmt.Errorf("heal: %w: every shard fits and the pack does not", ErrSidecar)
	}
	rep.Differed = l.differing(healed, damaged, rep.Damaged)
	return healed, rep, nil
}

// differing counts the bytes that are not alike, or are in one only. Only the damaged shards can hold such as are in both.
func (l layout) differing(healed, damaged []byte, shards []int) (n int64) {
	both := min(len(healed), len(damaged))
	for _, s := range shards {
		for i := s * l.size(); i < min((s+1)*l.size(), both); i++ {
			if healed[i] != damaged[i] {
				n++
			}
		}
	}
	return n + int64(max(len(healed), len(damaged))-both)
}

// Check tells whether a sidecar is whole, without its pack, and of which pack it is.
func Check(sidecar []byte) (name [32]byte, length int64, err error) {
	l, parity, both, err := find(sidecar)
	if err != nil {
		return name, 0, err
	}
	if !both || len(sidecar) != l.sidecar() {
		return name, 0, fmt.Errorf("%w: a header of it, or its length", ErrSidecar)
	}
	for i := range l.parity {
		if sumOf(l.shard(parity, i)) != l.sums[l.data+i] {
			return name, 0, fmt.Errorf("%w: parity shard %d", ErrSidecar, i)
		}
	}
	return l.name, int64(l.length), nil
}

// Fits tells whether a sidecar is whole and heals this very pack: the parity is computed anew. name is the BLAKE3 hash of the pack.
func Fits(sidecar []byte, name [32]byte, pack []byte) error {
	of, length, err := Check(sidecar)
	if err != nil {
		return err
	}
	if of != name || length != int64(len(pack)) {
		return fmt.Errorf("%w: it is that of another pack", ErrSidecar)
	}
	l, err := parse(sidecar)
	if err != nil {
		return err
	}
	shards, err := l.encode(pack, make([]byte, l.parity*l.size()))
	if err != nil {
		return err
	}
	for i, s := range shards {
		if sumOf(s) != l.sums[i] {
			return fmt.Errorf("%w: shard %d of the pack is another", ErrSidecar, i)
		}
	}
	return nil
}

// encode cuts a pack into data shards and computes the parity shards into room.
func (l layout) encode(pack, room []byte) ([][]byte, error) {
	shards := l.split(pack)
	for i := range l.parity {
		shards = append(shards, room[i*l.size():(i+1)*l.size()])
	}
	codec, err := l.codec()
	if err != nil {
		return nil, err
	}
	return shards, codec.Encode(shards)
}

// reconstruct fills in the damaged data shards.
func (l layout) reconstruct(shards [][]byte, rep Report) error {
	if len(rep.Damaged) == 0 {
		return nil
	}
	if len(rep.Damaged) > l.parity-rep.LostParity {
		return fmt.Errorf("%w: %d of %d shards, and %d of %d parity shards are left", ErrBeyond, len(rep.Damaged), l.data, l.parity-rep.LostParity, l.parity)
	}
	codec, err := l.codec()
	if err != nil {
		return err
	}
	return codec.ReconstructData(shards)
}

// codec works on two goroutines: on one it leaves the instructions of newer processors for this very arithmetic (GFNI) alone.
func (l layout) codec() (reedsolomon.Encoder, error) {
	return reedsolomon.New(l.data, l.parity, reedsolomon.WithCauchyMatrix(), reedsolomon.WithMaxGoroutines(2), reedsolomon.WithInversionCache(false))
}
