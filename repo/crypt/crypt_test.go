package crypt

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"shoebox/chunk"
)

// counter gives bytes 0, 1, 2, ...: golden vectors need salts that stay.
type counter byte

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(*c)
		*c++
	}
	return len(p), nil
}

func testKeys(s Suite) *Keys {
	m, id := Master{1, 2, 3}, RepositoryID{4, 5, 6}
	return NewKeys(m, id, s, new(counter))
}

func TestChunkOpensOnlyAsWhatItWasSealed(t *testing.T) {
	for _, suite := range []Suite{AES256GCM, ChaCha20Poly1305} {
		k := testKeys(suite)
		plain := []byte("a picture")
		p := Place{Suite: suite, Kind: chunk.Body, ID: k.ChunkID(chunk.Body, plain)}
		sealed, err := k.SealChunk([]byte("before"), p, plain)
		if err != nil {
			t.Fatal(err)
		}
		sealed = sealed[len("before"):]
		if len(sealed) != len(plain)+Overhead {
			t.Fatalf("sealed to %d bytes", len(sealed))
		}
		got, err := k.OpenChunk(nil, p, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("suite %d: got %q, %v", suite, got, err)
		}
		other := NewKeys(Master{1, 2, 3}, RepositoryID{9}, suite, new(counter))
		wrong := map[string]func() error{
			"another kind":        func() error { q := p; q.Kind = chunk.Head; _, err := k.OpenChunk(nil, q, sealed); return err },
			"another id":          func() error { q := p; q.ID[31] ^= 1; _, err := k.OpenChunk(nil, q, sealed); return err },
			"another compression": func() error { q := p; q.Compression = 1; _, err := k.OpenChunk(nil, q, sealed); return err },
			"another suite":       func() error { q := p; q.Suite = 3 - suite; _, err := k.OpenChunk(nil, q, sealed); return err },
			"another repository":  func() error { _, err := other.OpenChunk(nil, p, sealed); return err },
			"cut off":             func() error { _, err := k.OpenChunk(nil, p, sealed[:len(sealed)-1]); return err },
			"nothing":             func() error { _, err := k.OpenChunk(nil, p, nil); return err },
		}
		for name, open := range wrong {
			if err := open(); !errors.Is(err, ErrDamaged) {
				t.Errorf("suite %d, %s: got %v, want ErrDamaged", suite, name, err)
			}
		}
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 0x10
			if _, err := k.OpenChunk(nil, p, bad); !errors.Is(err, ErrDamaged) {
				t.Fatalf("suite %d: byte %d changed and it opened: %v", suite, i, err)
			}
		}
	}
}

func TestRecordIsBoundToKindAndName(t *testing.T) {
	k := testKeys(AES256GCM)
	for _, n := range []int{0, 1, 507, 508, 509, 5000} {
		plain := bytes.Repeat([]byte{7}, n)
		sealed, err := k.SealRecord("snapshots", "ab", plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.OpenRecord("snapshots", "ab", sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		for _, as := range [][2]string{{"snapshots", "ac"}, {"sessions", "ab"}, {"snapshotsa", "b"}, {"", ""}} {
			if _, err := k.OpenRecord(as[0], as[1], sealed); !errors.Is(err, ErrDamaged) {
				t.Errorf("opened as %s/%s: %v", as[0], as[1], err)
			}
		}
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1
			if _, err := k.OpenRecord("snapshots", "ab", bad); err == nil {
				t.Fatalf("byte %d of %d changed and it opened", i, len(sealed))
			}
		}
		for cut := range len(sealed) {
			if _, err := k.OpenRecord("snapshots", "ab", sealed[:cut]); err == nil {
				t.Fatalf("cut to %d of %d and it opened", cut, len(sealed))
			}
		}
	}
}

func TestSlots(t *testing.T) {
	master, err := NewMaster(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := RepositoryID{1, 2}
	pass, err := Passphrase("correct horse", 1)
	if err != nil {
		t.Fatal(err)
	}
	secret, lock, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for kind, l := range map[string]Lock{"passphrase": pass, "identity": lock} {
		file, err := SealSlot(master, id, l)
		if err != nil {
			t.Fatal(err)
		}
		if got := SlotKind(file); got != kind {
			t.Errorf("kind %q, want %q", got, kind)
		}
		if got, want := slotWork(file), map[string]int{"passphrase": 1}[kind]; got != want {
			t.Errorf("the work of a slot for a %s is %d, want %d", kind, got, want)
		}
		good, err := PassphraseSecret(map[string]string{"passphrase": "correct horse", "identity": strings.ToLower(secret)}[kind])
		if err != nil {
			t.Fatal(err)
		}
		m, gotID, err := OpenSlot(file, good)
		if err != nil || m != master || gotID != id {
			t.Errorf("%s: %v", kind, err)
		}
		wrong, _ := PassphraseSecret("wrong")
		if _, _, err := OpenSlot(file, wrong); !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s with a wrong password: %v", kind, err)
		}
		other, _, _ := NewIdentity()
		strange, _ := IdentitySecret("# a comment\n" + other + "\n")
		if _, _, err := OpenSlot(file, strange); !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s with another key file: %v", kind, err)
		}
		for i := range file {
			bad := bytes.Clone(file)
			bad[i] ^= 1
			if _, _, err := OpenSlot(bad, good); err == nil {
				t.Fatalf("%s: byte %d changed and it opened", kind, i)
			}
		}
	}
	if _, err := Passphrase("", 1); !errors.Is(err, ErrNoPassword) {
		t.Errorf("an empty password: %v", err)
	}
	if _, err := PassphraseSecret(""); !errors.Is(err, ErrNoPassword) {
		t.Errorf("an empty password: %v", err)
	}
}

// A slot that asks for hours of scrypt is refused before it is paid for.
func TestHostileSlotCostsNothing(t *testing.T) {
	file := "age-encryption.org/v1\n-> scrypt c2FsdHNhbHRzYWx0c2FsdA 30\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	s, _ := PassphraseSecret("x")
	if _, _, err := OpenSlot([]byte(file), s); err == nil {
		t.Fatal("it opened")
	}
}

// The vectors of docs/format.md.
func TestGoldenVectors(t *testing.T) {
	k := testKeys(AES256GCM)
	hexOf := func(b []byte) string { return hex.EncodeToString(b) }
	id := k.ChunkID(chunk.Body, []byte("shoebox"))
	sealed, err := k.SealChunk(nil, Place{Suite: AES256GCM, Kind: chunk.Body, ID: id}, []byte("shoebox"))
	if err != nil {
		t.Fatal(err)
	}
	split := k.Derive(Split)
	for name, v := range map[string][2]string{
		"id of a body chunk": {hexOf(id[:]), goldenID},
		"page split key":     {hexOf(split[:]), goldenSplit},
		"sealed body chunk":  {hexOf(sealed), goldenChunk},
	} {
		if v[0] != v[1] {
			t.Errorf("%s:\n got %s\nwant %s", name, v[0], v[1])
		}
	}
}

const (
	goldenID    = "ebfaba116654ee7f6f0ec739d7915fdc7aef8e47280a458d08a2b36cbc23cdef"
	goldenSplit = "d55da2cd9f8468c6eb68fd6333c2f48cd2fd2c831ee201a996a1f7e8b279809c"
	goldenChunk = "000102030405060708090a0b0c0d0e0f1bb964997a126d0fb8313f4ada7c6507d046ed37244bde"
)
