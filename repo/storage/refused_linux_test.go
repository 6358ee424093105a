package storage

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Where direct writes are refused, at once or by the write itself, the plain write does it all.
func TestDirectRefused(t *testing.T) {
	data := append(AlignedBuffer(directMin+1), make([]byte, directMin+1)...)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if done, err := writeDirect(null, data[:directMin]); done || err != nil {
		t.Fatal("a device takes a direct write:", done, err)
	}
	path := filepath.Join(t.TempDir(), "x")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	crooked := data[1:] // most file systems refuse memory off its page
	done, err := writeDirect(f, crooked)
	if err == nil && !done {
		_, err = f.Write(crooked)
	}
	if got, reading := os.ReadFile(path); err != nil || reading != nil || !bytes.Equal(got, crooked) {
		t.Fatal(len(got), err, reading)
	}
}
