// Package phototest makes up files as a phone has them: photos, screenshots,
// videos, motion photos. It does not know who reads them.
//
// The same seed and options give the same bytes. The data of a picture is
// noise, as incompressible as that of a real one, made at more than a gigabyte
// a second, so that a camera roll of thousands of files takes seconds.
package phototest

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Rand gives a source of randomness for the generators.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }

// Tags is what a picture says of itself in EXIF. The zero value says nothing.
type Tags struct {
	Taken       time.Time // wall time by its own fields; its location is not written
	Offset      string    // of Taken from UTC, like "+02:00"
	SubSec      string    // digits after the decimal point of Taken
	Orientation uint16    // 1 to 8
	Make, Model string
	Description string // what a person adds: the header grows and shrinks with it
	MakerNote   int    // bytes of noise, for a header of a realistic size
	Preview     []byte // a small JPEG; with the rest it must fit in 64 KiB
}

func (t Tags) empty() bool {
	return t.Taken.IsZero() && t.Orientation == 0 && t.Make == "" && t.Model == "" &&
		t.Description == "" && t.MakerNote == 0 && t.Preview == nil
}

// Picture is a still picture to be made.
type Picture struct {
	Bytes         int // about; it decides the pixels unless they are given; 0 is 3 MB
	Width, Height int // pixels
	Tags          Tags
}

// noise is a generator of random words, splitmix64 by Sebastiano Vigna
// (https://prng.di.unimi.it/splitmix64.c), inlined where it matters.
type noise uint64

func newNoise(rng *rand.Rand) *noise {
	n := noise(rng.Uint64())
	return &n
}

func (n *noise) word() uint64 {
	*n += 0x9e3779b97f4a7c15
	z := uint64(*n)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// append adds count random bytes.
func (n *noise) append(to []byte, count int) []byte {
	to = slices.Grow(to, count)
	for ; count >= 8; count -= 8 {
		to = le.AppendUint64(to, n.word())
	}
	for v := n.word(); count > 0; count-- {
		to = append(to, byte(v))
		v >>= 8
	}
	return to
}
