package chunk

import "fmt"

// Sizes says how long chunks are. They belong to a repository: streams cut
// under different sizes share little.
type Sizes struct {
	Min  uint32 // bytes; a cut by content makes no shorter chunk, but at the end of a piece
	Max  uint32 // bytes; no chunk is longer
	Bits uint8  // beyond Min, a cut by content comes after 2^Bits bytes on average
}

// DefaultSizes let the picture data of a typical photo be one chunk, and cut a video into chunks of about 5 MiB: see
// docs/decisions/0005-chunk-sizes.md.
var DefaultSizes = Sizes{Min: 4 << 20, Max: 8 << 20, Bits: 20}

// The bounds of Sizes. A Cutter takes about Max bytes for each stream it cuts.
const (
	minLowest  = 256
	maxHighest = 16 << 20
	bitsLowest = 6
	bitsMost   = 24
)

// Check refuses sizes outside of the bounds: Min at least 256 bytes, Max at
// least twice Min and at most 16 MiB, Bits from 6 to 24.
func (s Sizes) Check() error {
	switch {
	case s.Min < minLowest:
		return fmt.Errorf("chunk sizes: least size %d is below %d bytes", s.Min, minLowest)
	case s.Max > maxHighest:
		return fmt.Errorf("chunk sizes: greatest size %d is above %d bytes", s.Max, maxHighest)
	case s.Max/2 < s.Min:
		return fmt.Errorf("chunk sizes: greatest size %d is not twice the least size %d", s.Max, s.Min)
	case s.Bits < bitsLowest || s.Bits > bitsMost:
		return fmt.Errorf("chunk sizes: %d bits is not within %d to %d", s.Bits, bitsLowest, bitsMost)
	}
	return nil
}
