package pack

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/guard"
)

// Compression is how the plaintext of a chunk was made smaller before it was sealed.
type Compression uint8

// The compressions of format version 1.
const (
	None Compression = 0
	Zstd Compression = 1
)

func (c Compression) check() error {
	if c > Zstd {
		return fmt.Errorf("compressed in way %d, which this version of shoebox does not know: use a newer one", c)
	}
	return nil
}

// Compressor compresses and expands chunks. The zero value works and may be used by many goroutines at once.
type Compressor struct {
	encoders idle[*zstd.Encoder]
	decoders idle[*zstd.Decoder]
}

// idle keeps what is dear to make until somebody needs it again: as many as were in use at once, and no more than the computer has processors, which
// is what they keep busy. A sync.Pool keeps some for each of the runtime's processors, and an encoder takes 1.3 MB.
type idle[T any] struct {
	mu   sync.Mutex
	back sync.Cond // one came back
	free []T
	made int
}

// take gives one that is free, makes one, or waits.
func (i *idle[T]) take(make func() (T, error)) (one T, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.back.L = &i.mu
	for len(i.free) == 0 && i.made >= runtime.NumCPU() {
		i.back.Wait()
	}
	if last := len(i.free) - 1; last >= 0 {
		one, i.free = i.free[last], i.free[:last]
		return one, nil
	}
	if one, err = make(); err == nil {
		i.made++
	}
	return one, err
}

func (i *idle[T]) give(one T) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.free = append(i.free, one)
	i.back.Signal()
}

// leastGain is what compression must save, as one part in so many, to be kept: 1/32 is 3 %.
const leastGain = 32

// Compress gives the smaller form of plain and how it was made, or plain itself when nothing is gained.
// buf is scratch space that may be used for the answer. What was compressed has been expanded again and
// compared: a fault of the compressor must not be found at restore.
func (c *Compressor) Compress(buf, plain []byte, kind chunk.Kind) ([]byte, Compression, error) {
	if len(plain) < 64 || kind == chunk.Body && looksCompressed(plain) {
		return plain, None, nil
	}
	enc, err := c.encoders.take(newEncoder)
	if err != nil {
		return nil, None, err
	}
	small := enc.EncodeAll(plain, buf[:0])
	c.encoders.give(enc)
	if len(small) > len(plain)-len(plain)/leastGain {
		return plain, None, nil
	}
	if !guard.On(guard.ExpandAgain) {
		return small, Zstd, nil
	}
	back, err := c.expand(small, len(plain))
	if err != nil || !bytes.Equal(back, plain) {
		return plain, None, nil // stored as it is: always right
	}
	return small, Zstd, nil
}

// Expand undoes Compress. length is that of the plaintext; a stream that gives more or less is damaged, and
// costs no more memory than length.
func (c *Compressor) Expand(stored []byte, how Compression, length int) ([]byte, error) {
	if how == None {
		if len(stored) != length {
			return nil, fmt.Errorf("%w: %d bytes where %d were promised", crypt.ErrDamaged, len(stored), length)
		}
		return stored, nil
	}
	if err := how.check(); err != nil {
		return nil, err
	}
	return c.expand(stored, length)
}

func (c *Compressor) expand(small []byte, length int) ([]byte, error) {
	dec, err := c.decoders.take(newDecoder)
	if err != nil {
		return nil, err
	}
	defer c.decoders.give(dec)
	// The frame's header says how long the answer is; anything else is refused before memory is taken.
	var head zstd.Header
	if err := head.Decode(small); err != nil || !head.HasFCS || head.FrameContentSize != uint64(length) {
		return nil, fmt.Errorf("%w: not a compressed chunk of %d bytes", crypt.ErrDamaged, length)
	}
	plain, err := dec.DecodeAll(small, make([]byte, 0, length))
	if err != nil || len(plain) != length {
		return nil, fmt.Errorf("%w: not a compressed chunk of %d bytes (%v)", crypt.ErrDamaged, length, err)
	}
	return plain, nil
}

func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithLowerEncoderMem(true), zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxChunk), zstd.WithDecoderLowmem(true))
}

// looksCompressed samples up to 16 stretches of 256 bytes and measures how evenly the byte values are spread.
// JPEG scans, video and PNG data lie above 7.8 bits a byte, text and bitmaps far below.
func looksCompressed(p []byte) bool {
	const stretches, width, bits = 16, 256, 7.7
	if len(p) < stretches*width {
		return false // too short to judge; trying costs little
	}
	var count [256]int
	for i := range stretches {
		at := i * (len(p) - width) / (stretches - 1)
		for _, b := range p[at : at+width] {
			count[b]++
		}
	}
	entropy := 0.0
	for _, n := range count {
		if n > 0 {
			share := float64(n) / (stretches * width)
			entropy -= share * math.Log2(share)
		}
	}
	return entropy > bits
}
