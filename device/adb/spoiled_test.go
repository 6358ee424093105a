package adb_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

// What came before a connection broke must come again the same: a phone that broke in the middle of a piece may have spoiled the last bytes of it.
func TestSpoiledBeforeTheBreak(t *testing.T) {
	data := bytes.Repeat([]byte("a picture of a summer "), 5_000)
	tree := adbtest.NewMemTree()
	tree.Add("DCIM/1.jpg", data)
	for at := int64(8); at < 400; at += 7 {
		x, s := directPhone(t, adbtest.Config{Storage: tree})
		x.Break(adbtest.Fault{Op: "RECV", Path: "1.jpg", Kind: adbtest.Fail, At: at, Text: "read failed: I/O error", Times: 1})
		p := only(t, s).Puller(1)
		pull, err := p.Open(t.Context(), "/sdcard/DCIM/1.jpg", int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(pull)
		if err == nil && !bytes.Equal(got, data) || err != nil && at > 8 && !errors.Is(err, adb.ErrAnother) {
			t.Errorf("FAIL at %d: %d bytes, the same: %v, %v", at, len(got), bytes.Equal(got, data), err)
		}
		_ = p.Close()
	}
}
