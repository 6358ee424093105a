package snapshot

import (
	"encoding/hex"
	"flag"
	"testing"
	"time"

	"shoebox/bench/proof/law"
	"shoebox/chunk"
	"shoebox/device"
	"shoebox/repo"
	"shoebox/snapshot/photo"
)

func unhex(t *testing.T, text string) (sum [32]byte) {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		t.Fatal(err)
	}
	return [32]byte(b)
}

func TestFormatPageAndSnapshot(t *testing.T) {
	e := Entry{File: device.File{Path: "DCIM/a.jpg", Size: 7, ModTime: time.Unix(1723475045, 500_000_000), Mode: 0o644},
		Hash:    unhex(t, "a692bd3d824aba24bf4ab9208f7cc197db51d02383f0a09d9c122ff0b84b97c7"),
		Content: repo.Content{{Kind: chunk.Body, ID: chunk.ID(unhex(t, "ebfaba116654ee7f6f0ec739d7915fdc7aef8e47280a458d08a2b36cbc23cdef")), Size: 7}},
		Photo: photo.Info{Taken: time.UnixMilli(1723475045500).In(time.FixedZone("", 7200)), Zoned: true, Source: photo.ExifOffset, Type: "image/jpeg",
			Orientation: 6, Width: 4000, Height: 3000, Camera: "Maker One"}}
	page := mustMarshal(leaf(e.form()))
	law.Block(t, flag.Lookup("update").Value.String() == "true", "page", law.Lines(page)...)
	root := repo.Part{Kind: chunk.Page, ID: chunk.ID{0xaa, 0xbb}, Size: uint32(len(page))}
	body, err := Snapshot{Device: Device{Kind: "phone", Name: "Pixel", Model: "Pixel 9", ID: "00112233445566778899aabbccddeeff"}, Host: "desk", Roots: []string{"DCIM"},
		Start: time.UnixMilli(1795219200000).In(time.FixedZone("", 3600)), End: time.UnixMilli(1795219201000), Count: Count{Files: 1, Bytes: 7, New: 1, Read: 7, Fresh: 7, Stored: 8192},
		Writer: Writer{ID: "0123456789abcdef", Seq: 1}, Program: "shoebox 1", root: root}.encode()
	if err != nil {
		t.Fatal(err)
	}
	law.Block(t, flag.Lookup("update").Value.String() == "true", "snapshot", law.Lines(body)...)
}
