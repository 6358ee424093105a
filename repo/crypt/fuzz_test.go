package crypt

import (
	"bytes"
	"testing"
)

func FuzzSlotText(f *testing.F) {
	f.Add("shoebox master key 1\nrepository 00112233445566778899aabbccddeeff\nkey 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
	f.Add("shoebox master key 1\nrepository \nkey \n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		m, id, err := parseSlot(text)
		if err != nil {
			return
		}
		lock, err := Passphrase("p", 1)
		if err != nil {
			t.Fatal(err)
		}
		file, err := SealSlot(m, id, lock)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := PassphraseSecret("p")
		if err != nil {
			t.Fatal(err)
		}
		if m2, id2, err := OpenSlot(file, secret); err != nil || m2 != m || id2 != id {
			t.Errorf("it does not come back: %v", err)
		}
	})
}

func FuzzSlotFile(f *testing.F) {
	lock, err := Passphrase("p", 1)
	if err != nil {
		f.Fatal(err)
	}
	file, err := SealSlot(Master{1}, RepositoryID{2}, lock)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	secret, err := PassphraseSecret("p")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte(" 1")) && bytes.Contains(data, []byte("scrypt")) && !bytes.Equal(data, file) && bytes.ContainsAny(data, "23456789") {
			data = bytes.ReplaceAll(data, []byte(" 20"), []byte(" 2")) // a second of scrypt each would find nothing
		}
		if m, id, err := OpenSlot(data, secret); err == nil && (m != Master{1} || id != RepositoryID{2}) {
			t.Errorf("a slot nobody sealed opened: %x", m)
		}
	})
}

func FuzzOpenRecord(f *testing.F) {
	k := testKeys(AES256GCM)
	sealed, err := k.SealRecord("kind", "name", []byte("plain"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:100])
	f.Add(make([]byte, 608))
	f.Fuzz(func(t *testing.T, data []byte) {
		if plain, err := k.OpenRecord("kind", "name", data); err == nil && (string(plain) != "plain" || !bytes.Equal(data, sealed)) {
			t.Errorf("a record nobody sealed opened: %q", plain)
		}
	})
}

func FuzzRecordComesBack(f *testing.F) {
	f.Add("snapshots", "ab", []byte("body"), uint8(1))
	f.Add("", "", []byte{}, uint8(2))
	f.Fuzz(func(t *testing.T, kind, name string, plain []byte, suite uint8) {
		k := testKeys(Suite(suite%2 + 1))
		sealed, err := k.SealRecord(kind, name, plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed)%recordStep != (recordHeader+Tag+recordSum)%recordStep {
			t.Errorf("%d bytes: its length tells", len(sealed))
		}
		if back, err := k.OpenRecord(kind, name, sealed); err != nil || !bytes.Equal(back, plain) {
			t.Errorf("%q came back as %q: %v", plain, back, err)
		}
	})
}
