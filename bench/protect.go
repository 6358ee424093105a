package main

import (
	"encoding/binary"
	"errors"
	"os"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/reedsolomon"

	"shoebox/repo/storage"
)

// Parity as docs/format.md has it for a full pack: so many shards of it, so many beside it, a sum of each.
const (
	dataShards   = 128
	parityShards = 4
)

// floorProtect is floorSeal with the parity that a repository has unless it is told otherwise.
func (b *bench) floorProtect(dir string) command { return b.floorTo(floorProtect, "protect", dir) }

// protect makes the parity of what is written to a file, and writes it beside that. data has capacity for whole shards.
func protect(path string, data []byte) error {
	size := (len(data) + dataShards - 1) / dataShards
	length := int(roundUp(int64(parityShards*size + 8*(dataShards+parityShards))))
	beside := storage.AlignedBuffer(length)[:length]
	parity, sums := beside[:parityShards*size], beside[parityShards*size:parityShards*size]
	shards := append(cutInto(data[:dataShards*size], size), cutInto(parity, size)...)
	code, err := reedsolomon.New(dataShards, parityShards, reedsolomon.WithCauchyMatrix(), reedsolomon.WithMaxGoroutines(2), reedsolomon.WithInversionCache(false))
	if err != nil {
		return err
	}
	if err := code.Encode(shards); err != nil {
		return err
	}
	for _, shard := range shards {
		sums = binary.LittleEndian.AppendUint64(sums, xxhash.Sum64(shard))
	}
	f, err := openDirect(path+".parity", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(beside)
	return errors.Join(err, f.Sync(), f.Close())
}

func cutInto(data []byte, size int) (shards [][]byte) {
	for ; len(data) > 0; data = data[size:] {
		shards = append(shards, data[:size:size])
	}
	return shards
}
