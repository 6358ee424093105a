package repo

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/zeebo/blake3"

	"shoebox/bench/proof/law"
	"shoebox/chunk"
	"shoebox/repo/crypt"
	"shoebox/repo/pack"
	"shoebox/repo/wire"
)

var update = flag.Bool("update", false, "write the golden blocks of docs/format.md anew: every repository made before is another format then")

// counter gives bytes 0, 1, 2, ...: examples need salts that stay.
type counter byte

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(*c)
		*c++
	}
	return len(p), nil
}

var exampleMaster, exampleID = crypt.Master{1, 2, 3}, crypt.RepositoryID{4, 5, 6}

func exampleKeys(s crypt.Suite) *crypt.Keys {
	return crypt.NewKeys(exampleMaster, exampleID, s, new(counter))
}

func TestFormatKeys(t *testing.T) {
	material := append(bytes.Clone(exampleMaster[:]), exampleID[:]...)
	law.Block(t, *update, "key-material", hex.EncodeToString(material))
	k := exampleKeys(crypt.AES256GCM)
	var lines []string
	for _, purpose := range []string{"chunk ids, kind 1", "seal chunks", "seal parts of packs", "seal records", "page split"} {
		var want [32]byte // as the page says, without the code under test
		blake3.DeriveKey("shoebox 2026-11 repository format 1: "+purpose, material, want[:])
		if got := k.Derive(crypt.Purpose(purpose)); got != want {
			t.Errorf("%s: %x, want %x", purpose, got, want)
		}
		lines = append(lines, hex.EncodeToString(want[:]))
	}
	law.Block(t, *update, "keys", lines...)
	law.Block(t, *update, "slot", "shoebox master key 1", "repository "+exampleID.String(), "key "+hex.EncodeToString(exampleMaster[:]))
	lock, err := crypt.Passphrase("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	file, err := crypt.SealSlot(exampleMaster, exampleID, lock)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := crypt.PassphraseSecret("p")
	if m, id, err := crypt.OpenSlot(file, secret); err != nil || m != exampleMaster || id != exampleID {
		t.Errorf("the slot: %v", err)
	}
}

func TestFormatChunk(t *testing.T) {
	plain := []byte("shoebox")
	id := exampleKeys(crypt.AES256GCM).ChunkID(chunk.Body, plain)
	law.Block(t, *update, "chunk-id", id.String())
	var lines []string
	for _, suite := range []crypt.Suite{crypt.AES256GCM, crypt.ChaCha20Poly1305} {
		sealed, err := exampleKeys(suite).SealChunk(nil, crypt.Place{Suite: suite, Kind: chunk.Body, ID: id}, plain)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, hex.EncodeToString(sealed))
	}
	law.Block(t, *update, "chunk-sealed", lines...)
}

func TestFormatRecord(t *testing.T) {
	sealed, err := exampleKeys(crypt.AES256GCM).SealRecord(sessionKind, "00112233445566778899aabbccddeeff"+doneSuffix, nil)
	if err != nil {
		t.Fatal(err)
	}
	law.Block(t, *update, "record", law.Lines(sealed)...)
}

// examplePack is the pack of one chunk.
func examplePack(t *testing.T) pack.Finished {
	t.Helper()
	keys := exampleKeys(crypt.AES256GCM)
	b := pack.NewBuilder(keys, pack.Data, make([]byte, 64<<10))
	plain := []byte("shoebox")
	if ok, err := b.Add(chunk.Body, keys.ChunkID(chunk.Body, plain), plain, pack.None, len(plain)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	done, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestFormatPack(t *testing.T) {
	const file = "testdata/tiny.pack"
	done := examplePack(t)
	directory := append([]byte{byte(pack.Data), 1, 0, 0, 0}, pack.AppendEntries(nil, done.Entries)...)
	var lines []string
	for _, piece := range [][]byte{done.Bytes[:55], directory, done.Bytes[len(done.Bytes)-64:]} {
		lines = append(append(lines, law.Lines(piece)...), "")
	}
	lines = append(lines, fmt.Sprint(len(done.Bytes)), hex.EncodeToString(done.Name[:]))
	law.Block(t, *update, "pack", lines...)
	if *update {
		if err := os.WriteFile(file, done.Bytes, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(want, done.Bytes) {
		t.Errorf("%s differs: %v", file, err)
	}
	openByHand(t, done.Bytes)
}

// openByHand reads the pack as the page says, with nothing of package pack.
func openByHand(t *testing.T, data []byte) {
	t.Helper()
	keys := exampleKeys(crypt.AES256GCM)
	tail := data[len(data)-64:]
	suite := crypt.Suite(tail[63])
	offset, err := keys.OpenPart(suite, crypt.Salt(tail[:32]), "trailer", tail[32:56])
	if err != nil {
		t.Fatal(err)
	}
	at := binary.LittleEndian.Uint64(offset)
	directory, err := keys.OpenPart(suite, crypt.Salt(tail[:32]), "directory", data[at:len(data)-64])
	if err != nil {
		t.Fatal(err)
	}
	entry := directory[5:47]
	stored, plain := binary.LittleEndian.Uint32(entry[34:]), binary.LittleEndian.Uint32(entry[38:])
	place := crypt.Place{Suite: crypt.Suite(entry[1] >> 4), Kind: chunk.Kind(entry[0]), Compression: entry[1] & 15, ID: chunk.ID(entry[2:34])}
	got, err := keys.OpenChunk(nil, place, data[16:16+stored])
	if err != nil || string(got) != "shoebox" || plain != 7 || directory[0] != 1 || binary.LittleEndian.Uint32(directory[1:]) != 1 {
		t.Errorf("the pack holds %q, %v", got, err)
	}
	if !bytes.Equal(directory[47:], make([]byte, len(directory)-47)) {
		t.Error("its padding is not zeros")
	}
}

func TestFormatSegmentAndConfiguration(t *testing.T) {
	codec := wire.New(mostElements)
	done := examplePack(t)
	s := segment{Packs: []packEntry{{Name: done.Name, Size: int64(len(done.Bytes)), Class: done.Class, Lines: pack.AppendEntries(nil, done.Entries)}}}
	c := Config{Version: Version, Repository: exampleID, Created: 1795219200, Polynomial: 0x3DA3358B4DC173, ChunkMin: 4 << 20, ChunkMax: 8 << 20, ChunkBits: 20, PageBits: 7}
	for name, v := range map[string]any{"segment": s, "config": c} {
		data, err := codec.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		law.Block(t, *update, name, law.Lines(data)...)
	}
}
