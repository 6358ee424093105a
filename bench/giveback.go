package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"shoebox/repo"
)

// floorGive is the least that giving files back needs: as many bytes read, opened and hashed as the id of a chunk and as the sum of a file, and each file
// written under a temporary name, made safe, and given its name.
func (b *bench) floorGive(dir string) command {
	return b.floorTo(floorGive, "give", dir)
}

// giveBack makes files of the sizes of those in dir, in the order of their paths, several at once.
func giveBack(dir, to string) error {
	repo.MakeRoomToWait()
	var names atomic.Int64
	err := severalAtOnce(giveDepth, func(take func(string) error) error {
		return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			return take(path)
		})
	}, func(path string, buf []byte) error {
		return giveOne(path, filepath.Join(to, fmt.Sprint(names.Add(1))), buf)
	})
	if err != nil {
		return err
	}
	return syncDir(to)
}

// giveOne reads one file and writes it safely.
func giveOne(from, to string, buf []byte) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	temporary := to + ".tmp"
	out, err := openDirect(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	for at := int64(0); at < info.Size() && err == nil; at += floorPack {
		s := span{path: from, from: at, n: int(min(floorPack, info.Size()-at))}
		piece := buf[:roundUp(int64(s.n))]
		if err = s.read(piece); err == nil {
			err = sealed(piece, 2) // to open takes as long
		}
		if err == nil {
			_, err = out.Write(piece)
		}
	}
	if err == nil {
		err = out.Truncate(info.Size())
	}
	if err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, to)
}
